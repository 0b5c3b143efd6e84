"""What the panels of the security screen have in common: fields, a line for trouble, two keys.

A panel stays open until the daemon has taken the change: what was typed is not lost when it says
no, and its words stand in the panel, whole. Whatever lets more in is asked about once more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from sereno.core.protocol.security import SecurityState
from sereno.tui.keys import key
from sereno.tui.link_api import ActError
from sereno.tui.screens.confirm.screen import Confirm, Question
from sereno.tui.screens.security.facts import said

if TYPE_CHECKING:
    from sereno.tui.app import SerenoApp

__all__ = ["EditPanel"]


class EditPanel(ModalScreen[SecurityState]):
    """How it is after the change; None when the person went back."""

    CSS_PATH = "screen.tcss"
    TITLE_WORDS: ClassVar[str] = ""
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("enter", "save"),
        ("tab", "next field"),
        ("esc", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab,down", "app.focus_next", "next field", "edit.next"),
        key("shift+tab,up", "app.focus_previous", "field before", "edit.previous"),
        key("enter", "save", "save", "edit.save"),
        key("escape", "leave", "back, nothing changes", "edit.leave"),
    ]

    def __init__(self, state: SecurityState) -> None:
        super().__init__()
        self.state = state
        self._sending = False

    def fields(self) -> ComposeResult:
        """The panel's own lines."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Vertical(id="panel") as panel:
            panel.border_title = Content(self.TITLE_WORDS)
            yield from self.fields()
            yield Static("", id="trouble", markup=False)
            parts = [part for name, does in self.KEYS for part in ((name, "bold"), f" {does}    ")]
            yield Static(Content.assemble(*parts))

    @staticmethod
    def field(label: str, widget: Widget) -> Horizontal:
        """One line: a label and what is filled in."""
        return Horizontal(Static(label, classes="label", markup=False), widget, classes="field")

    @property
    def sereno(self) -> SerenoApp:
        return cast("SerenoApp", self.app)

    def trouble(self, words: str, style: str = "$need-failed bold") -> None:
        """What keeps it from being saved; empty: nothing."""
        told = self.query_one("#trouble", Static)
        told.update(Content.assemble((said(words), style)))
        told.display = bool(words)

    def on_mount(self) -> None:
        self.trouble("")

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.submitted(event.input)

    def submitted(self, field: Input) -> None:
        """`enter` in a field."""
        del field
        self.action_save()

    def action_save(self) -> None:
        """Checks what is filled in, and sends it."""
        raise NotImplementedError

    def send(self, question: Question | None, ask: Callable[[], Awaitable[SecurityState]]) -> None:
        """Asks the person where there is something to ask, then the daemon."""
        if self._sending:
            return
        if question is None:
            self._start(ask)
            return

        def answered(sure: bool | None) -> None:
            if sure:
                self._start(ask)

        self.app.push_screen(Confirm(question), answered)

    def _start(self, ask: Callable[[], Awaitable[SecurityState]]) -> None:
        self._sending = True
        self.trouble("changing ...", "dim")
        _: Worker[None] = self.run_worker(self._send(ask), group="acts", exit_on_error=False)

    async def _send(self, ask: Callable[[], Awaitable[SecurityState]]) -> None:
        try:
            state = await ask()
        except ActError as error:
            self.trouble(str(error))
        else:
            self.dismiss(state)
        finally:
            self._sending = False

    def action_leave(self) -> None:
        """Not while the daemon is changing: nobody would see what became of it."""
        if not self._sending:
            self.dismiss(None)
