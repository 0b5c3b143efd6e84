"""Following: each row once and in order over gaps, repeats, a new epoch and lost connections."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ConnectionLost
from sereno.core.home import Home
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.events import StreamEvent, TurnCompleted
from sereno.core.protocol.timeline import AssistantMessage, Entry
from sereno.tui.cli import follow
from sereno.tui.cli.follow import Follower, Position
from tests.tui.cli.fake_daemon import FakeDaemon, Message, fake_daemon
from tests.tui.cli.scripted import FIRST, agent, furnish, timeline
from tests.tui.cli.test_answers import happens, row, said


class Collector:
    """Collects texts until a turn ends."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.notes: list[str] = []
        self.done = False

    def row(self, entry: Entry) -> None:
        assert isinstance(entry.item, AssistantMessage)
        self.texts.append(entry.item.text)

    def event(self, event: StreamEvent) -> bool:
        self.done = self.done or isinstance(event, TurnCompleted)
        return self.done

    def state(self, _agent: AgentSnapshot, _seq: int) -> bool:
        return self.done

    def note(self, text: str) -> None:
        self.notes.append(text)


def collect(home: Path, before: Position | None = None) -> Collector:
    def connect() -> SyncClient:
        return SyncClient.open(Home(home))

    collector = Collector()
    follower = Follower(connect(), connect, FIRST, collector, before or Position())
    try:
        assert follower.run()
    finally:
        follower.client.close()
    return collector


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


def rows(first: int, last: int) -> list[dict[str, object]]:
    return [said(text) for text in numbers(first, last)]


def test_repeats_and_gaps(daemon: FakeDaemon, home: Path) -> None:
    furnish(daemon, agent())
    lookup = daemon.answers["fetch_agent_request"]
    pushes = [row(n, said(str(n))) for n in (2, 3, 6, 6, 5, 7, 10)]
    pushes.append(happens("turn_completed"))
    known = [3, 8, 10, 12]
    seen = iter(known)
    now = known[0]

    def stored(asked: dict[str, object]) -> list[dict[str, object]]:
        nonlocal now
        now = next(seen, now)
        return timeline(rows(1, now))(asked)

    def state(asked: dict[str, object]) -> list[dict[str, object]]:
        result = [*pushes, *lookup(asked)]
        pushes.clear()
        return result

    daemon.answers["fetch_agent_timeline_request"] = stored
    daemon.answers["fetch_agent_request"] = state
    assert collect(home).texts == numbers(1, 12)


def test_a_long_past_comes_in_pages(
    daemon: FakeDaemon, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "PAGE", 7)
    furnish(daemon, agent())
    daemon.answers["fetch_agent_timeline_request"] = timeline(rows(1, 40))
    lookup = daemon.answers["fetch_agent_request"]
    daemon.answers["fetch_agent_request"] = lambda asked: [
        happens("turn_completed"),
        *lookup(asked),
    ]
    assert collect(home, Position("e1", 5)).texts == numbers(6, 40)


def test_a_daemon_that_changes_hands(home: Path) -> None:
    """The connection breaks, a new daemon listens a moment later, and no row is lost or doubled."""
    result: list[Collector] = []
    thread = threading.Thread(target=lambda: result.append(collect(home)))
    with fake_daemon(home) as daemon:
        furnish(daemon, agent(status="running"))
        daemon.answers["fetch_agent_timeline_request"] = timeline(rows(1, 5))
        thread.start()
        while not [s for s in daemon.seen if s["type"] == "fetch_agent_request"]:
            time.sleep(0.005)
        daemon.push("agent_stream", row(6, said("6"))["payload"])
    (home / "run" / "daemon.sock").unlink(missing_ok=True)
    with fake_daemon(home) as daemon:
        furnish(daemon, agent())
        daemon.answers["fetch_agent_timeline_request"] = timeline(rows(1, 9))
        lookup = daemon.answers["fetch_agent_request"]
        daemon.answers["fetch_agent_request"] = lambda asked: [
            happens("turn_completed"),
            *lookup(asked),
        ]
        thread.join(20)
    assert result[0].texts == numbers(1, 9)
    assert len(result[0].notes) == 1


def test_a_daemon_that_stays_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "RECONNECT_S", 0.3)
    with fake_daemon(home) as daemon:
        furnish(daemon, agent())

        def leave(_: Message) -> list[Message]:
            (home / "run" / "daemon.sock").unlink()
            daemon.connections[0].close()
            return []

        daemon.answers["fetch_agent_timeline_request"] = leave
        with pytest.raises(ConnectionLost):
            collect(home)


def test_a_daemon_that_keeps_hanging_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts each time, and never says anything: that is not waited for without end."""
    monkeypatch.setattr(follow, "RECONNECT_S", 0.3)
    with fake_daemon(home) as daemon:
        furnish(daemon, agent())

        def hang_up(_: Message) -> list[Message]:
            daemon.connections[-1].close()
            return []

        daemon.answers["fetch_agent_timeline_request"] = hang_up
        with pytest.raises(ConnectionLost):
            collect(home)
        assert len(daemon.connections) > 1


def test_ctrl_c_leaves_attach(daemon: FakeDaemon, home: Path) -> None:
    furnish(daemon, agent(status="running"))
    daemon.answers["fetch_agent_timeline_request"] = timeline(rows(1, 3))
    attached = subprocess.Popen(
        [sys.executable, "-m", "sereno", "attach", FIRST],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SERENO_HOME": str(home)},
    )
    assert attached.stdout is not None
    assert attached.stdout.read(3) == "123"
    daemon.push("agent_stream", row(4, said("4"))["payload"])
    assert attached.stdout.read(1) == "4"
    attached.send_signal(signal.SIGINT)
    out, err = attached.communicate(timeout=20)
    assert (attached.returncode, out, err) == (0, "\n", "")


def test_logs_follow_prints_items_one_per_line(daemon: FakeDaemon, home: Path) -> None:
    furnish(daemon, agent(status="running"))
    daemon.answers["fetch_agent_timeline_request"] = timeline(rows(1, 2))
    command = [sys.executable, "-m", "sereno", "logs", "-f", "--json", "--entries", FIRST]
    following = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SERENO_HOME": str(home)},
    )
    assert following.stdout is not None
    lines = [json.loads(following.stdout.readline()) for _ in range(2)]
    daemon.push("agent_stream", row(3, said("3"))["payload"])
    lines.append(json.loads(following.stdout.readline()))
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=20)
    assert [line["seqStart"] for line in lines] == [1, 2, 3]
    assert [line["item"] for line in lines] == rows(1, 3)
    assert following.returncode == 0
