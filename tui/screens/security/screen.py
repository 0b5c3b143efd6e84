"""Who can reach the daemon, what they must show, and whether that is safe; `enter` changes a fact.

It asks the daemon when it opens, after each change and at a gentle pace, and only while it is on
top. What is shown is the daemon's word; every change goes through `sereno.security.*` (asking.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.worker import Worker

from sereno.core.protocol.security import ChangeSecurity, SecurityState
from sereno.tui.keys import key
from sereno.tui.lines import Line
from sereno.tui.link_api import ActError
from sereno.tui.model import Changes, Phase
from sereno.tui.screens.agent.parts import Lines
from sereno.tui.screens.choose.screen import ChooseOne
from sereno.tui.screens.confirm.screen import Confirm, Question
from sereno.tui.screens.copy.screen import Piece
from sereno.tui.screens.security import asking, view, widening
from sereno.tui.screens.security.facts import CHANGED, forced_by, said
from sereno.tui.screens.security.hosts import HostnamesPanel
from sereno.tui.screens.security.lists import ListenPanel, OriginsPanel
from sereno.tui.screens.security.page import Page
from sereno.tui.screens.security.panel import EditPanel
from sereno.tui.screens.security.password import PasswordPanel
from sereno.tui.screens.security.remote import OFFER
from sereno.tui.screens.security.remote_acts import RemoteActs
from sereno.tui.widgets.choice import Option
from sereno.tui.widgets.footer import Footer, FooterKey
from sereno.tui.widgets.header import Header
from sereno.tui.widgets.rows import RowList

__all__ = ["SecurityScreen"]

PACE = 10
"""Seconds between two looks: each of them checks the audit's chain."""
PANELS: dict[str, type[EditPanel]] = {
    "listen": ListenPanel,
    "hostnames": HostnamesPanel,
    "origins": OriginsPanel,
    "password": PasswordPanel,
}
RULES = (
    Option("same-user", "same-user", "your user: nothing"),
    Option("token", "token", "everybody: the token"),
    Option("trust", "trust", "nobody: anything", "failed"),
)


class SecurityScreen(RemoteActs):
    """Of the daemon that the app is connected to; `esc` goes back."""

    CSS_PATH = "screen.tcss"
    PLACE = "security"
    AUTO_FOCUS = "#page"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("P", "pair", "pair: let another device in", "security.pair"),
        key("D", "devices", "devices", "security.devices"),
        key("R", "rotate", "new keys: every device pairs again ...", "security.rotate"),
        key("T", "new_token", "a new token ...", "security.token"),
        key("X", "remove_password", "remove the password ...", "security.remove_password"),
        key("r", "refresh", "look again", "security.refresh"),
        key("c", "app.copy_menu", "copy ...", "security.copy"),
        key("escape,q", "back", "back", "security.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.state: SecurityState | None = None
        self._trouble = ""
        """Why the daemon could not be looked at."""
        self._refused = ""
        """Why the last change was not made; it stays until the next thing is done here."""
        self._waited = 0
        self._asking = False

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        yield Page(id="page", empty=[((" asking the daemon ...", "dim"),)])
        yield Lines(id="facts")
        yield Footer(id="footer")

    def on_mount(self) -> None:
        self.news.listen(self._show)
        self._show()
        self._read()

    def on_unmount(self) -> None:
        self.news.forget(self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def model_changed(self, changes: Changes) -> None:
        if changes.connection:
            self._read()

    def clock_ticked(self) -> None:
        """A second passed, and the screen is looked at."""
        self._waited += 1
        if self._waited >= PACE:
            self._read()

    # -- asking --------------------------------------------------------------------------------

    def _read(self) -> None:
        """Unless a question is under way: its answer is as new."""
        self._waited = 0
        if not self._asking:
            self._asking = True
            _: Worker[None] = self.run_worker(self._look(), group="log", exit_on_error=False)

    async def _look(self) -> None:
        try:
            state = await asking.read(self.sereno.link)
        except ActError as error:
            self._trouble = str(error)
        else:
            self._told(state)
            await self.look_at_pairing()
        finally:
            self._asking = False
        self._show()

    async def _change(self, ask: Callable[[], Awaitable[SecurityState]]) -> None:
        try:
            state = await ask()
        except ActError as error:
            self._refused = str(error)
        else:
            self._told(state)
        self._show()

    def _told(self, state: SecurityState | None) -> None:
        """How it is now: the fleet need not say again what is seen here."""
        if state is not None:
            self.state, self._trouble = state, ""
            self.model.doors_told(state.doors, seen=True)

    # -- showing -------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.is_mounted:
            return
        state, width = self.state, self.size.width
        left: Line = (("sereno", "strong"), ("  security", ""))
        connection = self.model.connection
        if connection.remote:
            left = (*left, (f"  {said(connection.remote)}", "dim"))
        self.query_one("#header", Header).show(left, () if state is None else view.standing(state))
        page = self.query_one(Page)
        if state is not None:
            rows = view.page_rows(
                state,
                self.pairing,
                width=width - 2,
                now_ms=self.now_ms(),
                home=self.sereno.home,
            )
            first = not page.cursor_key
            page.show(rows)
            if first and not page.cursor_key.startswith("check"):
                page.move_to("listen")
        elif self._trouble:
            page.show((), [()])
        words = self._refused or self._trouble
        facts = view.trouble_lines(words, width=width, remote=connection.remote)
        self.query_one("#facts", Lines).show(facts)
        self._show_footer()

    @on(RowList.Highlighted)
    def _moved(self) -> None:
        if self._refused:
            self._refused = ""
            self._show()
        self._show_footer()

    def _show_footer(self) -> None:
        """`enter` only where it changes something, and what belongs to the fact before the rest."""
        state, fact = self.state, self.query_one(Page).cursor_key
        keys: list[FooterKey] = []
        if state is not None and fact in CHANGED and not forced_by(state, fact):
            keys.append(("enter", "change"))
        elif fact == "hostnames":
            keys.append(("enter", "try a Host"))
        elif self.pairing is not None and fact.startswith(("relay", "devices", "asks", OFFER)):
            keys.append(("enter", view.enter_words(fact, self.pairing)))
        if self.pairing is not None:
            keys += [("P", "pair"), ("D", "devices"), ("R", "new keys ...")]
        keys.append(("esc", "back"))
        if state is not None and state.password_set and not forced_by(state, "password"):
            keys.append(("X", "remove the password ..."))
        if state is not None:
            keys.append(("T", "new token ..."))
        keys += [("r", "look again"), ("c", "copy"), ("?", "keys")]
        self.query_one("#footer", Footer).show(keys)

    # -- changing ------------------------------------------------------------------------------

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        state, fact = self.state, event.key.partition("-")[0]
        if state is None or self.remote_chosen(event.key) or fact not in CHANGED:
            return
        name = forced_by(state, fact)
        if name and fact != "hostnames":
            self.notify(f"{name} sets this in the daemon's environment. Change it there, and "
                        "restart the daemon.", severity="warning")  # fmt: skip
        elif fact == "token":
            self.action_new_token()
        elif fact == "loopback":
            self.app.push_screen(
                ChooseOne("Programs of this machine show", RULES, state.loopback),
                partial(self._rule_chosen, state),
            )
        else:
            panel = PANELS[fact](state)
            self.app.push_screen(panel, partial(self._changed, panel))

    def _changed(self, panel: EditPanel, state: SecurityState | None) -> None:
        self._told(state)
        self._show()
        if isinstance(panel, PasswordPanel) and state is not None:
            words = " ".join(["The password is set.", *map(said, panel.doubts)])
            self.notify(words, severity="warning" if panel.doubts else "information")

    def _rule_chosen(self, state: SecurityState, rule: str | None) -> None:
        match rule:
            case "same-user" | "token" | "trust" if rule != state.loopback:
                change = ChangeSecurity(request_id="", loopback=rule)
                self._after(
                    widening.widened(state, change),
                    partial(asking.change, self.sereno.link, change),
                )
            case _:
                pass

    def _after(
        self, question: Question | None, ask: Callable[[], Awaitable[SecurityState]]
    ) -> None:
        """Sends a change, after the person was asked where there is something to ask."""

        self._refused = ""

        def answered(sure: bool | None) -> None:
            if sure:
                _: Worker[None] = self.run_worker(
                    self._change(ask), group="acts", exit_on_error=False
                )

        if question is None:
            answered(True)
        else:
            self.app.push_screen(Confirm(question), answered)

    def action_new_token(self) -> None:
        if self._reached:
            self._after(widening.rotation(), partial(asking.rotate_token, self.sereno.link))

    def action_remove_password(self) -> None:
        state = self.state
        if state is None or not self._reached:
            return
        name = forced_by(state, "password")
        if not state.password_set:
            self.notify("No password is set.")
        elif name:
            self.notify(f"{name} of the daemon's environment sets it.", severity="warning")
        else:
            self._after(widening.password_removal(state), self._remove)

    async def _remove(self) -> SecurityState:
        state, _ = await asking.set_password(self.sereno.link, None)
        return state

    @property
    def _reached(self) -> bool:
        return self.state is not None and self.model.connection.phase is Phase.READY

    # -- what other keys do --------------------------------------------------------------------

    def pieces(self) -> list[Piece]:
        state = self.state
        if state is None:
            return []
        places = "\n".join(said(place) for door in state.doors for place in door.open)
        found = [
            Piece("a", "the open addresses", places),
            Piece("s", "the socket's path", said(state.socket)),
            Piece("k", "the checks", view.copied(state)),
        ]
        return [piece for piece in found if piece.text]

    def action_refresh(self) -> None:
        self._refused = ""
        self._read()

    def action_back(self) -> None:
        self.dismiss(None)
