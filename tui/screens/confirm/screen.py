"""A question before something is ended: what happens, in full, and two keys.

Docked at the bottom, over the footer. `enter` does nothing, and for 0.6 s no key does: a letter
that was meant for the screen below must not confirm (rule 6, T44).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from sereno.tui.keys import key

__all__ = ["DEAD_SECONDS", "Confirm", "Question"]

DEAD_SECONDS = 0.6


@dataclass(frozen=True, slots=True)
class Question:
    """`title` asks, `lines` say what is lost and what stays, `yes` names the act."""

    title: str
    lines: tuple[str, ...]
    yes: str


class Confirm(ModalScreen[bool]):
    """True: the person pressed `y`."""

    CSS_PATH = "screen.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        key("y", "answer(True)", "yes", "confirm.yes"),
        key("n,escape,q", "answer(False)", "no, go back", "confirm.no"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question
        self._live = False

    def compose(self) -> ComposeResult:
        question = self._question
        with Vertical(id="panel") as panel:
            panel.border_title = Content(question.title)
            for line in question.lines:
                yield Static(line, markup=False)
            yield Static("", id="gap")
            yield Static(
                Content.assemble(
                    ("y", "bold"), f"  {question.yes}      ", ("n", "bold"), "  no, go back"
                )
            )

    def on_mount(self) -> None:
        self.set_timer(DEAD_SECONDS, self._enliven)

    def _enliven(self) -> None:
        self._live = True

    def action_answer(self, yes: bool) -> None:
        if not yes or self._live:
            self.dismiss(yes)
