"""The panel of a new password: typed twice and unseen, told to the daemon once and kept nowhere."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from sereno.core.protocol.security import SecurityState
from sereno.tui.screens.security import asking
from sereno.tui.screens.security.panel import EditPanel
from sereno.tui.widgets.field import Field

__all__ = ["PasswordPanel"]


class PasswordPanel(EditPanel):
    """Whether it may be one is the daemon's word; only that both are the same is looked at here."""

    TITLE_WORDS = "A password"
    AUTO_FOCUS = "#first"
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("enter", "set it"),
        ("tab", "next field"),
        ("esc", "back"),
    )

    def __init__(self, state: SecurityState) -> None:
        super().__init__(state)
        self.doubts: tuple[str, ...] = ()
        """What speaks against the one that was set."""

    def fields(self) -> ComposeResult:
        for label, name in (("Password", "first"), ("Once more", "again")):
            field = Field(id=name)
            field.password = True
            yield self.field(label, field)
        words = "12 characters or more; kept as a bcrypt hash."
        if self.state.password_set:
            words += " Whoever came in with the old one is sent away."
        yield Static(words, id="help", markup=False)

    @on(Input.Changed)
    def _typed(self) -> None:
        self.trouble("")

    def submitted(self, field: Input) -> None:
        if field.id == "first":
            self.query_one("#again").focus()
        else:
            self.action_save()

    def action_save(self) -> None:
        first, again = (self.query_one(name, Input) for name in ("#first", "#again"))
        if first.value != again.value:
            with again.prevent(Input.Changed):
                again.value = ""
            self.trouble("The two are not the same. Type the second one again.")
            again.focus()
            return
        self.send(None, self._set)

    async def _set(self) -> SecurityState:
        password = self.query_one("#first", Input).value
        state, doubts = await asking.set_password(self.sereno.link, password)
        self.doubts = tuple(doubts)
        return state
