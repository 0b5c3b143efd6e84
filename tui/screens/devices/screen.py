"""The devices that were let in by pairing: what they may, when they were here; rename, revoke.

It shows what the fleet's watch of pairing knows (pairing_news.py), and looks itself when it opens
and after each change.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.worker import Worker

from sereno.core.protocol.pairing import ChangeDevice, Device
from sereno.tui import pairing_link as asking
from sereno.tui import pairing_questions as questions
from sereno.tui import pairing_words as words
from sereno.tui.keys import key
from sereno.tui.link_api import ActError
from sereno.tui.pairing_news import PairingNews
from sereno.tui.screens.agent.parts import Lines, Rule
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.choose.screen import ChooseOne
from sereno.tui.screens.confirm.screen import Confirm
from sereno.tui.screens.confirm.text import AskText
from sereno.tui.screens.copy.screen import Piece
from sereno.tui.screens.devices import view
from sereno.tui.screens.pair.admit import OPTIONS
from sereno.tui.screens.pair.view import trouble
from sereno.tui.widgets.footer import Footer, FooterKey
from sereno.tui.widgets.header import Header
from sereno.tui.widgets.rows import RowList

__all__ = ["DevicesScreen"]

_EMPTY = [
    ((" no device is paired", "dim"),),
    ((" P ", "key"), ("lets one in: a phone, a browser, another Sereno", "dim")),
]


class DevicesScreen(SerenoScreen[None]):
    """`esc` goes back."""

    CSS_PATH = "screen.tcss"
    PLACE = "devices"
    AUTO_FOCUS = "#devices"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("r", "rename", "rename", "devices.rename"),
        key("x", "revoke", "revoke ...", "devices.revoke"),
        key("P", "pair", "pair another one", "devices.pair"),
        key("c", "app.copy_menu", "copy ...", "devices.copy"),
        key("escape,q", "back", "back", "devices.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._trouble = ""

    @property
    def news(self) -> PairingNews:
        return self.sereno.pairing

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        yield Lines(id="columns")
        yield RowList(id="devices", empty=[((" asking the daemon ...", "dim"),)])
        yield Rule(id="rule")
        yield Lines(id="about")
        yield Lines(id="trouble")
        yield Footer(id="footer")

    def on_mount(self) -> None:
        self.news.listen(self._show)
        self._show()
        self._do(self._look())

    def on_unmount(self) -> None:
        self.news.forget(self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def clock_ticked(self) -> None:
        """A second passed: it is longer ago."""
        self._show()

    # -- showing -------------------------------------------------------------------------------

    @property
    def device(self) -> Device | None:
        """The chosen one."""
        name = self.query_one(RowList).cursor_key
        devices = self.news.state.devices if self.news.state is not None else []
        return next((each for each in devices if each.id == name), None)

    def _show(self) -> None:
        if not self.is_mounted:
            return
        state, width, now_ms = self.news.state, self.size.width, self.now_ms()
        right = () if state is None else view.standing(state)
        self.query_one("#header", Header).show((("sereno", "strong"), ("  devices", "")), right)
        devices = state.devices if state is not None else []
        columns = view.heading(width - 2) if devices else ()
        self.query_one("#columns", Lines).show([columns] if columns else [])
        rows = view.device_rows(devices, width=width - 2, now_ms=now_ms)
        known = state is not None or self._trouble
        self.query_one(RowList).show(rows, _EMPTY if known and not self._trouble else [()])
        self._show_about()
        self.query_one("#trouble", Lines).show(trouble(self._trouble, width))

    @on(RowList.Highlighted)
    def _show_about(self) -> None:
        device, about = self.device, self.query_one("#about", Lines)
        about.show(view.about(device, width=self.size.width, now_ms=self.now_ms()))
        self.query_one("#rule").display = device is not None
        keys: list[FooterKey] = []
        if device is not None:
            keys += [("enter", "rights"), ("r", "rename"), ("x", "revoke ...")]
        if self._trouble != words.ELSEWHERE:
            keys += [("P", "pair another")]
        keys += [("esc", "back"), ("c", "copy"), ("?", "keys")]
        self.query_one("#footer", Footer).show(keys)

    # -- asking --------------------------------------------------------------------------------

    def _do(self, work: Coroutine[None, None, None]) -> None:
        _: Worker[None] = self.run_worker(self._try(work), group="acts", exit_on_error=False)

    async def _try(self, work: Coroutine[None, None, None]) -> None:
        """What goes wrong stays on the screen until the next thing is done."""
        self._trouble = ""
        try:
            await work
            await self.news.look()
        except ActError as error:
            self._trouble = words.trouble(str(error), self.model.connection.remote)
        self._show()

    async def _look(self) -> None:
        """Looking is what _try does."""

    # -- what the keys do ----------------------------------------------------------------------

    @on(RowList.Chosen)
    def _choose_rights(self) -> None:
        device = self.device
        if device is None:
            return

        def chosen(value: str | None) -> None:
            rights = asking.rights_of(value)
            if rights is not None and rights != device.rights:
                change = ChangeDevice(request_id="", device_id=device.id, rights=rights)
                self._do(asking.change(self.sereno.link, change))

        title = f"{words.device_name(device)} may (its connections close, and come back)"
        self.app.push_screen(ChooseOne(title, OPTIONS, device.rights), chosen)

    def action_rename(self) -> None:
        device = self.device
        if device is None:
            return

        def named(name: str | None) -> None:
            if name and name.strip() != device.name:
                change = ChangeDevice(request_id="", device_id=device.id, name=name.strip())
                self._do(asking.change(self.sereno.link, change))

        self.app.push_screen(AskText("Name of the device", "its name", device.name), named)

    def action_revoke(self) -> None:
        device = self.device

        def answered(sure: bool | None) -> None:
            if sure and device is not None:
                self._do(self._revoke(device))

        if device is not None:
            self.app.push_screen(Confirm(questions.revocation(device)), answered)

    async def _revoke(self, device: Device) -> None:
        await asking.revoke(self.sereno.link, device.id)
        self.notify(f"{words.device_name(device)} is revoked: its connections are closed.")

    def action_pair(self) -> None:
        self.sereno.open_pair()

    def pieces(self) -> list[Piece]:
        device = self.device
        if device is None:
            return []
        return [Piece("i", "its id", device.id), Piece("n", "its name", words.device_name(device))]

    def action_back(self) -> None:
        self.dismiss(None)
