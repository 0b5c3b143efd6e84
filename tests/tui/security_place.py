"""A daemon's security for tests: a state by hand, and a stand-in that changes it as one would."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import msgspec
from textual.pilot import Pilot

from sereno.core.protocol.additions import DaemonStatus, DaemonStatusResult, DoorStatus
from sereno.core.protocol.security import (
    ChangeSecurity,
    ChangeSecurityResult,
    Check,
    Guest,
    ReadSecurity,
    ReadSecurityResult,
    RotateToken,
    RotateTokenResult,
    SecurityState,
    SetPassword,
    SetPasswordResult,
    TryHost,
    TryHostResult,
)
from sereno.core.protocol.values import UNSET, Wire
from sereno.tui.app import SerenoApp
from sereno.tui.screens.security.page import Page
from sereno.tui.screens.security.screen import SecurityScreen
from tests.tui import sample
from tests.tui.pairing_place import Gate, relay
from tests.tui.scenes import settle, shown

__all__ = ["TAKEN", "Keeper", "Place", "bad", "opened", "well"]

TAKEN = DoorStatus(
    "127.0.0.1:6767",
    [],
    "127.0.0.1:6767 cannot be opened: node (pid 4711) has it.",
    "End it, or choose another port in `daemon.listen`.",
)


def well(**more: Any) -> SecurityState:
    """As a new home is: only this machine reaches the daemon."""
    state = SecurityState(
        socket=f"{sample.HOME}/.sereno/run/sereno.sock",
        listen=["127.0.0.1:6767"],
        doors=[DoorStatus("127.0.0.1:6767", ["127.0.0.1:6767"])],
        hostnames=[],
        any_hostname=False,
        origins=[],
        password_set=False,
        loopback="same-user",
        tls=False,
        token_made_at=sample.stamp(12 * 86_400),
        forced={},
        guests=[Guest("memory", "local", "owner", 1)],
        checks=[
            Check("ok", "the socket is private: only your user can open it"),
            Check("ok", "no network address is open: only this machine reaches the daemon"),
            Check("ok", "of this machine only programs of your user may connect"),
            Check("ok", "the token is younger than 90 days"),
            Check("ok", "the audit's chain holds, 4812 entries"),
        ],
    )
    return msgspec.structs.replace(state, **more)


def bad() -> SecurityState:
    """Wide open, and one address that could not be opened."""
    wide = DoorStatus("0.0.0.0:7000", ["0.0.0.0:7000"], warning="Every machine that reaches this "
                      "one can try to come in.")  # fmt: skip
    return well(
        listen=["127.0.0.1:6767", "0.0.0.0:7000"],
        doors=[TAKEN, wide],
        hostnames=[".example.com", "vps-1.lan"],
        origins=["*"],
        password_set=True,
        forced={"daemon.auth.password": "SERENO_PASSWORD"},
        guests=[
            Guest("memory", "local", "owner", 1),
            Guest("tcp", "password", "operator", 2),
            Guest("unix", "agent", "agent", 1),
        ],
        checks=[
            Check("danger", "others may read config.toml", "chmod 600 it."),
            Check("warning", "0.0.0.0:7000 is not encrypted: a password does not encrypt",
                  "Set [daemon.tls], or reach it through a VPN or SSH."),
            Check("warning", f"127.0.0.1:6767 is not open: {TAKEN.error}", TAKEN.next_step or ""),
            Check("ok", "every TCP connection must show the password or the token"),
            Check("ok", "the token is younger than 90 days"),
        ],
    )  # fmt: skip


class Keeper:
    """Answers as a daemon does; `error` and `next_step` refuse every change. `asked`: all of it."""

    def __init__(self, state: SecurityState | None = None) -> None:
        self.state = state or well()
        self.error: str | None = None
        self.next_step: str | None = None
        self.doubts: list[str] = []
        self.asked: list[Wire] = []
        self.pairing = Gate()
        """What is asked about pairing."""
        self.pairing.relay = relay(enabled=False, state="off")

    def __call__(self, request: Wire) -> Wire:
        self.asked.append(request)
        refused = (self.error, self.next_step)
        match request:
            case ReadSecurity():
                return ReadSecurityResult("s", self.state)
            case ChangeSecurity():
                if self.error is None:
                    self._change(request)
                return ChangeSecurityResult("s", self.state, *refused)
            case SetPassword(password=password):
                if self.error is None:
                    self._replace(password_set=password is not None)
                return SetPasswordResult("s", self.state, self.doubts, *refused)
            case RotateToken():
                if self.error is None:
                    self._replace(token_made_at=sample.stamp(0))
                return RotateTokenResult("s", self.state, *refused)
            case TryHost():
                return self._tried(request)
            case DaemonStatus():
                return self._status()
            case _:
                return self.pairing(request)

    def of(self, kind: type[Wire]) -> list[Any]:
        return [request for request in self.asked if isinstance(request, kind)]

    def _replace(self, **more: Any) -> None:
        self.state = msgspec.structs.replace(self.state, **more)

    def _change(self, request: ChangeSecurity) -> None:
        given = msgspec.structs.asdict(request)
        del given["request_id"]
        given = {name: value for name, value in given.items() if value is not UNSET}
        if "listen" in given:
            given["doors"] = [DoorStatus(text, [text]) for text in given["listen"]]
        if given.get("any_hostname"):
            given["hostnames"] = []
        self._replace(**given)

    def _tried(self, request: TryHost) -> TryHostResult:
        names = self.state.hostnames if request.hostnames is UNSET else request.hostnames
        name = request.host.partition(":")[0]
        passes = request.any_hostname is True or name in names
        reason = f"{name} is among the accepted hostnames." if passes else f"{name}: 403."
        return TryHostResult("s", passes, name, reason)

    def _status(self) -> DaemonStatusResult:
        return DaemonStatusResult(
            request_id="s", version="0", pid=1, started_at=sample.stamp(60), home=sample.HOME,
            listen=[], embedded=True, agents={}, open_requests=0, sessions=1, memory_kib=1,
            schema_version=1, doors=self.state.doors,
        )  # fmt: skip


class Place:
    """The app in front of a keeper."""

    def __init__(self, app: SerenoApp, pilot: Pilot[Any], keeper: Keeper) -> None:
        self.app, self.pilot, self.keeper = app, pilot, keeper

    @property
    def words(self) -> str:
        """Everything on the screen, in one line, without the cursor and the scroll bar."""
        return " ".join(re.sub("[▌▁-▇█]", " ", shown(self.app)).split())

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()
        await settle(self.pilot)

    async def type(self, text: str) -> None:
        names = {" ": "space", ",": "comma", ":": "colon", "/": "slash", ".": "full_stop"}
        await self.press(*(names.get(each, each) for each in text))

    async def until(self, true: Callable[[], bool]) -> None:
        with anyio.fail_after(20):
            while not true():
                await self.pilot.pause(0.01)

    async def choose(self, fact: str) -> None:
        """The cursor onto a fact, by keys, and `enter`."""
        page = self.app.screen.query_one(Page)
        await self.press("g")
        for _ in range(40):
            if page.cursor_key == fact:
                break
            await self.press("j")
        assert page.cursor_key == fact
        await self.press("enter")

    async def yes(self) -> None:
        """To a question, once its keys are alive."""
        screen = self.app.screen
        await self.until(lambda: bool(getattr(screen, "_live", False)))
        await self.press("y")


@asynccontextmanager
async def opened(
    state: SecurityState | None = None,
    *,
    size: tuple[int, int] = (100, 30),
    link: sample.StillLink | None = None,
    keys: tuple[str, ...] = ("S",),
) -> AsyncIterator[Place]:
    """The security screen, by its key."""
    keeper = Keeper(state)
    link = link or sample.StillLink(sample.fleet())
    link.asked = keeper
    app = sample.app(link)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        here = Place(app, pilot, keeper)
        await here.press(*keys)
        if keys:
            await here.until(lambda: isinstance(app.screen, SecurityScreen))
        await settle(pilot)
        yield here
