"""The panel of accepted hostnames, with a field to try whether a Host header would pass.

The daemon itself judges, by the draft: what is shown is what would happen. Nothing is saved by
trying. Where a variable of the daemon's environment sets the names, only trying is left.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static
from textual.worker import Worker

from sereno.core.protocol.security import ChangeSecurity, SecurityState, TryHost
from sereno.tui.link_api import ActError
from sereno.tui.screens.security import asking
from sereno.tui.screens.security.facts import forced_by, said
from sereno.tui.screens.security.lists import listed
from sereno.tui.screens.security.panel import EditPanel
from sereno.tui.screens.security.widening import widened
from sereno.tui.widgets.choice import Choice, Option
from sereno.tui.widgets.field import Field

__all__ = ["HostnamesPanel"]

CALM = 0.15
"""Seconds without a key before the daemon is asked."""
_ANSWERS = (Option("listed", "these names", "localhost always"), Option("any", "any"))
_HINT = "A name, with or without a port."


class HostnamesPanel(EditPanel):
    """`daemon.hostnames`."""

    TITLE_WORDS = "Accepted hostnames"
    AUTO_FOCUS = "#names"
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("enter", "save"),
        ("tab", "next field"),
        ("esc", "back"),
    )

    def __init__(self, state: SecurityState) -> None:
        super().__init__(state)
        self._forced = forced_by(state, "hostnames")
        self._timer: Timer | None = None
        self._tried = 0

    def fields(self) -> ComposeResult:
        yield self.field("Answer to", Choice(box=20, id="answer"))
        yield self.field("Names", Field(", ".join(self.state.hostnames), id="names"))
        words = ".example.com: that, and all names below it"
        if self._forced:
            words = f"Set by {self._forced} in the daemon's environment: cannot be changed here."
        yield Static(words, id="help", markup=False)
        yield self.field("Try a Host", Field(placeholder="box.example.com:6767", id="host"))
        yield Static(_HINT, id="verdict", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        answer = self.query_one("#answer", Choice)
        answer.show(_ANSWERS, "any" if self.state.any_hostname else "listed")
        if self._forced:
            answer.disabled = self.query_one("#names").disabled = True
            self.query_one("#host").focus()

    # -- trying --------------------------------------------------------------------------------

    @on(Input.Changed)
    @on(Choice.Chosen)
    def _drafted(self) -> None:
        self.trouble("")
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(CALM, self._try)

    def _try(self) -> None:
        """Asks the daemon about the draft; an answer to an older one is not shown."""
        self._tried += 1
        host = self.query_one("#host", Input).value.strip()
        if not host:
            self._judge(_HINT, "")
            return
        request = TryHost(request_id="", host=host)
        if not self._forced:
            request.hostnames, request.any_hostname = self._names, self._any
        _: Worker[None] = self.run_worker(
            self._ask(request, self._tried), group="log", exit_on_error=False
        )

    async def _ask(self, request: TryHost, number: int) -> None:
        try:
            found = await asking.try_host(self.sereno.link, request)
        except ActError as error:
            words, style = str(error), "$need-failed"
        else:
            words = f"{'passes' if found.passes else 'refused'}: {found.reason}"
            style = "$need-done bold" if found.passes else "$need-asks bold"
        if number == self._tried and self.is_mounted:
            self._judge(words, style)

    def _judge(self, words: str, style: str) -> None:
        self.query_one("#verdict", Static).update(Content.assemble((said(words), style)))

    # -- saving --------------------------------------------------------------------------------

    @property
    def _names(self) -> list[str]:
        return listed(self.query_one("#names", Input).value)

    @property
    def _any(self) -> bool:
        return self.query_one("#answer", Choice).value == "any"

    def submitted(self, field: Input) -> None:
        """`enter` where a host is tried tries it at once, and saves nothing."""
        if field.id == "host":
            self._try()
        else:
            self.action_save()

    def action_save(self) -> None:
        if self._forced:
            self.trouble(f"{self._forced} sets them. Change it there, and restart the daemon.")
            return
        if (self._any, self._names) == (self.state.any_hostname, self.state.hostnames):
            self.dismiss(None)
            return
        change = ChangeSecurity(request_id="", any_hostname=self._any)
        if not self._any:
            change.hostnames = self._names
        self.send(widened(self.state, change), partial(asking.change, self.sereno.link, change))
