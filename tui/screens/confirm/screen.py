"""A question before something is ended: what happens, in full, and two keys.

Docked at the bottom, over the footer. `enter` does nothing, and for 0.6 s no key does: a letter
that was meant for the screen below must not confirm (rule 6, T44).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from sereno.tui.keys import key

if TYPE_CHECKING:
    from sereno.tui.app import SerenoApp

__all__ = ["Confirm", "Question"]


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
        question, app = self._question, cast("SerenoApp", self.app)
        with Vertical(id="panel") as panel:
            panel.border_title = Content(question.title)
            for line in question.lines:
                yield Static(line, markup=False)
            yield Static("", id="gap")
            yield Static(
                Content.assemble(
                    (app.key_of("confirm.yes", "y"), "bold"),
                    f"  {question.yes}      ",
                    (app.key_of("confirm.no", "n"), "bold"),
                    "  no, go back",
                )
            )

    def on_mount(self) -> None:
        self.set_timer(cast("SerenoApp", self.app).times.dead, self._enliven)

    def _enliven(self) -> None:
        self._live = True

    def action_answer(self, yes: bool) -> None:
        if not yes or self._live:
            self.dismiss(yes)
