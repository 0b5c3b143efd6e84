"""All keys of a place, from the bindings themselves: pure, for the help screen.

What a keymap changed is shown changed: the keys come from the live bindings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.binding import Binding

from sereno.tui.lines import Line, beside
from sereno.tui.words import cut, pad

__all__ = ["Group", "grouped", "help_lines", "key_words"]

_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "space": "space",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pageup": "page up",
    "pagedown": "page down",
    "at": "@",
    "exclamation_mark": "!",
    "f1": "F1",
    "f2": "F2",
    "f8": "F8",
}


@dataclass(frozen=True, slots=True)
class Group:
    """The keys of one place: (keys, what they do)."""

    title: str
    keys: tuple[tuple[str, str], ...]


def key_words(keys: Iterable[str]) -> str:
    """Keys as they are written on a keyboard: `?  F1`."""
    keys = list(keys)
    if keys == list("123456789"):
        return "1-9"
    shown = []
    for key in keys:
        *modifiers, name = key.split("+")
        shown.append("+".join([*modifiers, _NAMES.get(name, name)]))
    return "  ".join(shown)


def grouped(title: str, bindings: Iterable[Binding]) -> Group:
    """One entry for each act, with all of its keys, in the order of the bindings."""
    acts: dict[str, list[str]] = {}
    for binding in bindings:
        if binding.description and _arrives(binding.key):
            acts.setdefault(binding.description, []).append(binding.key)
    return Group(title, tuple((key_words(keys), words) for words, keys in acts.items()))


def _arrives(key: str) -> bool:
    """Whether a plain terminal sends it: Textual's text fields bind more than that."""
    *modifiers, name = key.split("+")
    kitty = "super" in modifiers or {"ctrl", "shift"} <= set(modifiers)
    return not kitty and (name != "backspace" or not set(modifiers) - {"alt"})


def help_lines(groups: Sequence[Group], width: int) -> list[Line]:
    """Each group in one column, or in two from 80 cells on where its words fit so."""
    lines: list[Line] = []
    for group in groups:
        if group.keys:
            lines += [((f" {group.title}", "strong"),), *_group_lines(group, width), ()]
    return lines


def _group_lines(group: Group, width: int) -> list[Line]:
    wide = min(22, max(cell_len(keys) for keys, _ in group.keys))
    longest = max(cell_len(words) for _, words in group.keys)
    columns = 2 if width >= 80 and wide + longest + 6 <= width // 2 else 1
    room = width // columns
    rows = -(-len(group.keys) // columns)
    lines: list[Line] = []
    for row in range(rows):
        cells: list[tuple[Line, int]] = []
        for place in range(row, len(group.keys), rows):
            keys, words = group.keys[place]
            shown: Line = (
                ("   ", ""),
                (f"{pad(keys, wide)}  ", "key"),
                (cut(words, room - wide - 6), ""),
            )
            cells.append((shown, room))
        lines.append(beside(cells))
    return lines
