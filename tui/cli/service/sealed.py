"""Whether a person changed a file that Sereno wrote: it carries the digest of its other lines.

A seal, no signature: it tells a careful upgrade from a careless one and protects against nobody.
"""

from __future__ import annotations

import enum
import hashlib
import re
from pathlib import Path

from sereno.core.home import atomic_write, explained

_SEAL = re.compile(r"^(?:# |<!-- )sereno-seal: ([0-9a-f]{64})(?: -->)?$\n?", re.M)


class State(enum.Enum):
    """Of the file, compared with the text that would be written now. EDITED: not ours any more, or
    never was. OUTDATED: ours, of another version, program or PATH."""

    ABSENT = "absent"
    CURRENT = "current"
    OUTDATED = "outdated"
    EDITED = "edited"


def seal(text: str, comment: str) -> str:
    """The text with its seal as a last line; `comment` has one `{}` for it."""
    return text + comment.format(f"sereno-seal: {_digest(text)}") + "\n"


def state_of(existing: str | None, wanted: str) -> State:
    """Judges by text alone. A file without a seal, or with two, is somebody else's."""
    if existing is None:
        return State.ABSENT
    if existing == wanted:
        return State.CURRENT
    seals = _SEAL.findall(existing)
    if len(seals) == 1 and _digest(_SEAL.sub("", existing)) == seals[0]:
        return State.OUTDATED
    return State.EDITED


def read(path: Path) -> str | None:
    """The file's text; None when there is none. Raises HomeError."""
    with explained(path):
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None


def write(path: Path, text: str) -> None:
    """Whole, readable for everybody as such files are: there is no secret in it."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text, 0o644)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
