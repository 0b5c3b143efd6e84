"""One line to choose one of a few values: `[ Claude Code   v]`, with what is known beside it.

Arrows change the value, as do `space` and `j` `k`; it is for short lists that fit one's head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import BindingType
from textual.message import Message

from sereno.tui.keys import key
from sereno.tui.lines import Line, fit
from sereno.tui.widgets.line import LineWidget
from sereno.tui.words import pad

__all__ = ["Choice", "Option"]


@dataclass(frozen=True, slots=True)
class Option:
    """A value, what it is called, and words beside it."""

    value: str
    label: str
    note: str = ""
    style: str = "dim"


class Choice(LineWidget, can_focus=True):
    """Posts `Chosen` when the value changed."""

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key("right,down,j,space", "turn(1)", "next value", "choice.next"),
        key("left,up,k", "turn(-1)", "previous value", "choice.previous"),
    ]

    @dataclass
    class Chosen(Message):
        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, *, box: int = 20, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._box = box
        self._options: tuple[Option, ...] = ()
        self.value = ""

    @property
    def options(self) -> tuple[Option, ...]:
        return self._options

    @property
    def option(self) -> Option | None:
        for option in self._options:
            if option.value == self.value:
                return option
        return None

    @property
    def cut_words(self) -> str:
        """What is said of the value, where it does not fit beside it: somebody has to show it."""
        note = "" if self.option is None else self.option.note
        return note if cell_len(note) > self.size.width - self._box - 3 else ""

    def show(self, options: Sequence[Option], value: str | None = None) -> None:
        """New values; the current one stays where it still exists."""
        self._options = tuple(options)
        wanted = self.value if value is None else value
        known = [option.value for option in options]
        self.value = wanted if wanted in known else (known[0] if known else "")
        self.refresh()

    def action_turn(self, by: int) -> None:
        known = [option.value for option in self._options]
        if not known:
            return
        place = known.index(self.value) if self.value in known else 0
        self.take(known[(place + by) % len(known)])

    def take(self, value: str) -> None:
        """The person chose this value."""
        if value in [option.value for option in self._options]:
            self.value = value
            self.refresh()
            self.post_message(self.Chosen(self, self.value))

    def on_click(self) -> None:
        self.action_turn(1)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        del height
        option = self.option
        edge = "accent" if self.has_focus else "dim"
        label = "" if option is None else option.label
        several = len(self._options) > 1
        box: Line = (
            ("[ ", edge),
            (pad(label, self._box - 5), "strong" if self.has_focus else ""),
            (" v" if several else "  ", edge),
            ("]", edge),
        )
        note: Line = () if option is None else (("   ", ""), (option.note, option.style))
        return [fit((*box, *note), width)]
