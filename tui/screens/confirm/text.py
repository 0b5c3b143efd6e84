"""Asks for one line of text, in a small panel at the bottom: a new name, words for a filter."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from sereno.tui.keys import key
from sereno.tui.widgets.field import Field

__all__ = ["AskText"]


class AskText(ModalScreen[str]):
    """The text, or None when the person went back."""

    CSS_PATH = "screen.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "leave", "go back", "ask.leave"),
    ]

    def __init__(self, title: str, placeholder: str, value: str = "") -> None:
        super().__init__()
        self._words = title
        self._placeholder = placeholder
        self._value = value

    def compose(self) -> ComposeResult:
        with Vertical(id="panel") as panel:
            panel.border_title = Content(self._words)
            yield Field(self._value, placeholder=self._placeholder)
            yield Static(
                Content.assemble(("enter", "bold"), "  save      ", ("esc", "bold"), "  back")
            )

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_leave(self) -> None:
        self.dismiss(None)
