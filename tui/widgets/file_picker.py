"""The list above the composer: files for `@`, commands for `/`. Drawn by lines, never focused.

The composer keeps the keyboard and sends the keys that are for the list; the screen asks the
daemon for files. What it shows is data: no markup, hidden characters shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.widget import Widget

from sereno.core.protocol.agents import Command
from sereno.core.security.sanitise import reveal, sanitise_line
from sereno.tui.lines import Line, fit
from sereno.tui.widgets.line import LineWidget
from sereno.tui.words import tail_cut

__all__ = ["Choice", "FilePicker", "choices_of_commands", "choices_of_files"]

_ROWS = 8
_ROWS_SHORT = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """`value` goes into the composer; `words` are shown beside it."""

    value: str
    words: str = ""


def choices_of_files(paths: Sequence[str]) -> list[Choice]:
    return [Choice(path) for path in paths]


def choices_of_commands(commands: Sequence[Command]) -> list[Choice]:
    return [
        Choice(
            command.name,
            sanitise_line(f"{command.argument_hint}  {command.description}".strip(), 200),
        )
        for command in commands
    ]


class FilePicker(LineWidget):
    """Closed until `show`; `chosen` is what `tab` or `enter` takes."""

    DEFAULT_CSS = "FilePicker { height: 0; display: none; max-width: 101; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._choices: tuple[Choice, ...] = ()
        self._index = 0
        self._remark = ""
        self._sign = "@"

    @property
    def is_open(self) -> bool:
        return bool(self.display)

    @property
    def chosen(self) -> str | None:
        return self._choices[self._index].value if self._choices else None

    def show(self, choices: Sequence[Choice], *, sign: str, remark: str = "") -> None:
        """Opens the list; the first choice is marked. `remark` stands where there is none."""
        kept = self.chosen
        self._choices = tuple(choices)
        self._sign = sign
        self._remark = remark
        values = [choice.value for choice in self._choices]
        self._index = values.index(kept) if kept in values and self.is_open else 0
        self.display = True
        self.styles.height = min(len(self._choices), self._rows) + 1
        self.refresh()

    def hide(self) -> None:
        self._choices = ()
        self.display = False

    def move(self, step: int) -> None:
        if self._choices:
            self._index = max(0, min(len(self._choices) - 1, self._index + step))
            self.refresh()

    @property
    def _rows(self) -> int:
        parent = self.parent
        tall = not isinstance(parent, Widget) or parent.size.height >= 24
        return _ROWS if tall else _ROWS_SHORT

    def lines(self, width: int, height: int) -> Sequence[Line]:
        rows = max(1, height - 1)
        first = max(0, min(self._index - rows // 2, len(self._choices) - rows))
        lines = [self._head(width)]
        for index in range(first, min(len(self._choices), first + rows)):
            lines.append(self._row(index, width))
        return lines

    def _head(self, width: int) -> Line:
        if not self._choices:
            return fit(((f" {self._sign} ", "accent"), (self._remark, "dim")), width)
        size = len(self._choices)
        keys = "up, down choose   tab takes   esc closes"
        return fit(
            ((f" {self._sign} ", "accent"), (f"{self._index + 1} of {size}   {keys}", "dim")), width
        )

    def _row(self, index: int, width: int) -> Line:
        choice = self._choices[index]
        marked = index == self._index
        value = tail_cut(reveal(choice.value).replace("\n", "\\n"), width - 5)
        mark = (" > ", "accent") if marked else ("   ", "")
        style = "strong" if marked else ""
        return fit((mark, (value, style), (f"   {choice.words}", "dim")), width)
