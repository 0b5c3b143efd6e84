"""What is photographed: every screen in the states that matter, for snapshots and pictures alike.

A scene is an app and the keys that lead to the state. `settle` waits until nothing more changes:
the model is read, no request of ours runs, and no message waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
from textual.pilot import Pilot

from sereno.core.protocol.additions import LogLine
from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.importing import ProviderSession, SessionsProblem
from sereno.tui.app import SerenoApp
from sereno.tui.link_words import NO_DAEMON
from sereno.tui.model import Connection, Phase
from sereno.tui.screens.confirm.screen import Confirm
from tests.tui import sample
from tests.tui.idle import PATIENCE

__all__ = [
    "NARROW",
    "PICTURES",
    "SCENES",
    "SIZES",
    "WIDE",
    "Scene",
    "alive",
    "play",
    "settle",
    "shown",
]

WIDE, NARROW = SIZES = [(100, 30), (60, 20)]


@dataclass(frozen=True)
class Scene:
    """`link` makes the daemon that is shown; `keys` lead to the state."""

    keys: tuple[str, ...] = ()
    link: Callable[[], sample.StillLink] = lambda: sample.StillLink(sample.fleet())
    more: dict[str, Any] = field(default_factory=dict)

    def app(self, **more: Any) -> SerenoApp:
        return sample.app(self.link(), **{**self.more, **more})


def guarded() -> sample.StillLink:
    from tests.tui.security_place import Keeper  # which plays scenes itself

    link = sample.StillLink(sample.fleet())
    link.asked = Keeper()
    return link


def paired() -> sample.StillLink:
    from tests.tui.pair_screens import DEVICES  # which plays scenes itself
    from tests.tui.pairing_place import Gate
    from tests.tui.security_place import Keeper

    link = sample.StillLink(sample.fleet())
    keeper = Keeper()
    keeper.pairing = Gate(*DEVICES)
    link.asked = keeper
    return link


def with_log() -> sample.StillLink:
    link = sample.StillLink(sample.fleet())
    rows = [
        (1400, "info", "daemon", "ready in 0.3 s, 5 agents re-attached"),
        (290, "info", "agent", "Vouchers at checkout  started  pid 48121  runner 48119"),
        (260, "debug", "store", "checkpoint 1.2 ms"),
        (246, "error", "agent", "Upgrade the framework  exit 1\nstderr: rate limit, resets 16:00"),
        (180, "info", "session", "terminal attached (memory)"),
        (122, "info", "audit", "chain verified  4 811 entries  38 ms"),
        (101, "info", "git", "shop  status 14 ms (watch, 2 events)"),
        (41, "info", "agent", "Fix the tax rounding  request-1  run"),
        (24, "warn", "agent", "Fix the tax rounding  the request has waited 30 s"),
        (4, "info", "agent", "Vouchers at checkout  tool finished  pytest  exit 0  12.4 s"),
    ]
    link.log = [
        LogLine(at=sample.stamp(ago), level=level, area=area, text=text)  # type: ignore[arg-type]
        for ago, level, area, text in rows
    ]
    return link


def lost() -> sample.StillLink:
    words = "The daemon does not answer on its socket within 5 s; trying again"
    return sample.StillLink(sample.fleet(), connection=Connection(Phase.LOST, words))


def stopped() -> sample.StillLink:
    return sample.StillLink(sample.fleet(), connection=Connection(Phase.STOPPED, NO_DAEMON))


def one_agent() -> sample.StillLink:
    return sample.StillLink(sample.fleet()[2:3])


def bare() -> sample.StillLink:
    """A new home on a machine without any agent program."""
    link = sample.StillLink(virgin=True)
    link.providers = [
        *(
            ProviderEntry(
                provider=name.lower(),
                status="unavailable",
                enabled=True,
                label=name,
                error=f"{name.lower()} was not found",
                install_hint=f"npm install -g @agentclientprotocol/{name.lower()}-agent-acp",
            )
            for name in ("Claude", "Codex", "OpenCode", "Gemini", "Copilot", "Goose")
        ),
        sample.providers()[-1],
    ]
    return link


def with_history() -> sample.StillLink:
    """Two archived agents; three sessions of programs, one of which is an agent already."""
    link = sample.StillLink(sample.fleet())
    link.past = [
        sample.agent(21, "Old parser", since=86_400 * 3, archived_at=sample.stamp(86_400 * 3)),
        sample.agent(22, "Spike: voice", provider="codex", folder="spike", since=86_400 * 30,
                     archived_at=sample.stamp(86_400 * 30)),
    ]  # fmt: skip
    where = f"{sample.HOME}/src/shop"
    link.elsewhere = [
        ProviderSession("claude", "0192-a", "Why is the cart slow?", where, sample.stamp(600)),
        ProviderSession("codex", "0192-b", "Add a currency", where, sample.stamp(7200)),
        ProviderSession(
            "claude", "0192-c", "Known already", where, sample.stamp(60), sample.fleet()[0].id
        ),
    ]
    words = "It was asked for its sessions and gave no answer within 20 s."
    link.problems = [SessionsProblem("opencode", words, "Try `opencode session list` by hand.")]
    return link


SCENES: dict[str, Scene] = {
    "fleet": Scene(),
    "fleet_one_agent": Scene(link=one_agent),
    "fleet_empty": Scene(link=lambda: sample.StillLink()),
    "fleet_list": Scene(("v",)),
    "fleet_panes": Scene(("v", "v")),
    "fleet_filter": Scene(("slash", *"cla")),
    "fleet_lost": Scene(link=lost),
    "fleet_stopped": Scene(link=stopped),
    "first_run": Scene(link=lambda: sample.StillLink(virgin=True)),
    "first_run_missing": Scene(("shift+tab", "shift+tab", "shift+tab", "right"), bare),
    "new_agent": Scene(("n", *"Vouchers")),
    "history": Scene(("H",), with_history),
    "history_filter": Scene(("H", "slash", *"cart"), with_history),
    "log": Scene(("L",), with_log),
    "log_typing": Scene(("L", "slash", *"tax"), with_log),
    "log_search": Scene(("L", "slash", *"tax", "enter"), with_log),
    "help": Scene(("question_mark",)),
    "confirm_stop": Scene(("x",)),
    "confirm_archive": Scene(("X",)),
    "rename": Scene(("r",)),
    "leader": Scene(("ctrl+x",)),
}

PICTURES: dict[str, Scene] = {
    **{name: SCENES[name] for name in ("fleet", "first_run", "new_agent", "log", "help")},
    "agent": Scene(("4",)),
    "request": Scene(("ctrl+g",)),
    "security": Scene(("S",), guarded),
    "pair": Scene(("P", "right", "enter"), paired),
    "devices": Scene(("S", "D"), paired),
}
"""What `make screenshots` draws. The agent's own snapshots are in test_agent_screen.py."""


async def settle(pilot: Pilot[Any]) -> None:
    """Waits until the app has shown everything it was told."""
    app = pilot.app
    assert isinstance(app, SerenoApp)
    with anyio.fail_after(PATIENCE):
        while not app.settled:
            await anyio.sleep(0.02)
    await pilot.pause()
    await pilot.pause()


async def play(pilot: Pilot[Any], keys: tuple[str, ...]) -> None:
    """Settles, presses, settles."""
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await settle(pilot)


def shown(app: SerenoApp) -> str:
    """The text of the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def alive(app: SerenoApp) -> None:
    """Waits until the confirm panel takes keys."""
    screen = app.screen
    assert isinstance(screen, Confirm)
    with anyio.fail_after(PATIENCE):
        while not screen._live:
            await anyio.sleep(0.005)
