"""Which words name something below a folder, and which lead out of it (A.4.1, C-77, C-78, T70).

Pure: text in, steps or a refusal out. Nothing here looks at the disk: what the steps lead to is
found by core/workspaces/beneath.py, which opens them one by one and trusts no text at all.
"""

from __future__ import annotations

import re
from typing import Final

from sereno.core.security.sanitise import reveal

__all__ = [
    "LONGEST",
    "LONGEST_STEP",
    "MOST_STEPS",
    "PathRefused",
    "link_steps",
    "shown",
    "steps_of",
]

LONGEST: Final = 512
"""Characters of a path (section F)."""
LONGEST_STEP: Final = 255
MOST_STEPS: Final = 64
_SHOWN: Final = 200
# C0, DEL and C1; lone surrogates, which stand for bytes that are no UTF-8; and what turns the
# direction of text around, so that a name shows as another one.
_ODD = r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"


class PathRefused(Exception):
    """A file is not shown or handed out. `code` is one of: not_a_path, absolute, climbs, odd_name,
    too_long, too_deep, leads_out, unknown_folder, own_state, machine, missing, not_allowed,
    not_a_file, not_a_folder, special, changing, too_large, unreadable, too_many."""

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(f"{message} {next_step}".rstrip())
        self.code = code
        self.message = message
        self.next_step = next_step

    @property
    def words(self) -> str:
        """Cause and next step in one text."""
        return str(self)


def steps_of(text: str, root: str) -> tuple[str, ...]:
    """The names on the way from a folder to what a client means by `text`; none for the folder.

    `root`: the folder's own path, which a client may write in front. Raises PathRefused for
    everything that is not plainly below it: nothing is normalised that could be read in two ways.
    """
    if "\0" in text:
        raise PathRefused("not_a_path", "A path holds no NUL character.")
    text = _below(text.replace("\\", "/").strip(), root)
    if len(text) > LONGEST:
        raise PathRefused("too_long", f"A path has at most {LONGEST} characters.")
    text = text.removeprefix("./")
    if text in ("", "."):
        return ()
    if text.startswith("/"):
        raise PathRefused("absolute", f"{shown(text)} is not below {shown(root)}.", _RELATIVE)
    steps = tuple(text.split("/"))
    if len(steps) > MOST_STEPS:
        raise PathRefused("too_deep", f"A path has at most {MOST_STEPS} parts.")
    for step in steps:
        _check(step, text)
    return steps


_RELATIVE = "Give a path relative to that folder, with “/” between its parts."


def _below(text: str, root: str) -> str:
    """Without the folder's own path in front of it; "/" alone is the folder itself."""
    if text in ("/", root):
        return ""
    front = root.rstrip("/") + "/"
    return text[len(front) :] if text.startswith(front) and len(text) > len(front) else text


def _check(step: str, text: str) -> None:
    if step in ("", ".", ".."):
        word = "an empty part" if not step else f"“{step}”"
        raise PathRefused("climbs", f"{shown(text)} has {word} in it.", _RELATIVE)
    if len(step) > LONGEST_STEP:
        raise PathRefused("too_long", f"A name has at most {LONGEST_STEP} characters.")
    if ":" in step:
        raise PathRefused(
            "not_a_path",
            f"{shown(text)} has a colon in it, which means something else to other systems.",
            "Open it on the machine itself.",
        )
    if re.search(_ODD, step):
        raise PathRefused(
            "odd_name",
            f"{shown(text)} has characters in it that cannot be seen, or that turn text around.",
            "Open it on the machine itself, or give it another name.",
        )


def link_steps(target: str) -> tuple[str, ...]:
    """What a symbolic link says, as steps from the folder that it lies in; `..` among them.

    Raises PathRefused for one that begins at the root of the system: whether that comes back to
    the same folder would have to be judged by text.
    """
    if target.startswith("/"):
        raise PathRefused(
            "leads_out",
            f"A link on the way leads to {shown(target)}, which is not relative to this folder.",
            "Open what it leads to on the machine itself.",
        )
    return tuple(step for step in target.split("/") if step not in ("", "."))


def shown(text: str) -> str:
    """A path for a sentence: nothing in it is hidden or does anything."""
    revealed = reveal(text).replace("\n", "\\n").replace("\t", "\\t")
    return revealed if len(revealed) <= _SHOWN else revealed[: _SHOWN - 1] + "…"
