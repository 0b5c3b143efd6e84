"""Leaving is safe: each way in which the UI's process can go, with clients that never stop
connecting, and the one way in which nobody takes over."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.daemon import control
from sereno.core.home import Home
from sereno.core.protocol.messages import AgentCreated, TimelinePage, WaitResult
from sereno.core.protocol.requests import (
    AgentConfig,
    CreateAgent,
    FetchTimeline,
    WaitForFinish,
)
from tests.core.daemon.daemon_house import (
    daemon,
    knocking,
    log_of,
    pid_of,
    standby_of,
    tidy,
    until,
)

UI = Path(__file__).with_name("handover_ui.py")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with tidy(Home(tmp_path / "home")) as made:
        yield made


class Ui:
    """The stand-in's process, and what it prints."""

    def __init__(self, home: Home, act: str, terminal: int | None = None) -> None:
        stdin = subprocess.PIPE if terminal is None else terminal
        self.process = subprocess.Popen(
            [sys.executable, str(UI), str(home.root), act],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if terminal is None else terminal,
            text=True,
            start_new_session=terminal is not None,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
        )
        words = self.line().split()
        assert words[0] == "ready", self.errors()
        self.pid, self.standby = int(words[1]), int(words[2])

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def errors(self) -> str:
        return self.process.stderr.read() if self.process.stderr else ""

    def go(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def ui(home: Home, act: str, terminal: int | None = None) -> Iterator[Ui]:
    shown = Ui(home, act, terminal)
    try:
        yield shown
    finally:
        if shown.process.poll() is None:
            shown.process.kill()
        shown.process.communicate()


def new_daemon(home: Home, old: int) -> int:
    """Waits for a daemon in another process; gives its pid."""
    until(lambda: pid_of(home) not in (0, old) and control.status(home).answers, "the next daemon")
    return pid_of(home)


def by_signal(number: int) -> Callable[[Ui], None]:
    return lambda shown: os.kill(shown.pid, number)


WAYS: dict[str, tuple[str, Callable[[Ui], None]]] = {
    "q": ("hand_over", Ui.go),
    "SIGHUP": ("wait", by_signal(signal.SIGHUP)),
    "SIGTERM": ("wait", by_signal(signal.SIGTERM)),
    "kill -9": ("wait", by_signal(signal.SIGKILL)),
    "crash": ("crash", Ui.go),
    "stalled terminal": ("stall", Ui.go),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_client_is_refused_while_the_daemon_changes_hands(home: Home, way: str) -> None:
    act, do = WAYS[way]
    with ui(home, act) as shown, knocking(home) as knocker:
        until(lambda: knocker.greeted > 20, "clients before")
        do(shown)
        pid = new_daemon(home, shown.pid)
        before = knocker.greeted
        until(lambda: knocker.greeted > before + 20, "clients afterwards")
        shown.process.wait(10)
    assert pid == shown.standby, "the standby became the daemon"
    assert knocker.refused == []
    assert knocker.connects > 40
    until(lambda: standby_of(pid), "the next standby")
    assert control.status(home).embedded is False


def test_hand_over_is_quick_and_may_be_asked_twice(home: Home) -> None:
    with ui(home, "hand_over") as shown:
        shown.go()
        word, done, seconds = shown.line().split()
        assert (word, done) == ("handed", "True")
        assert float(seconds) < 1.0
        assert shown.line() == "again True"


def test_kill_9_of_one_daemon_after_the_other(home: Home) -> None:
    """Each one that took over has a standby of its own."""
    with ui(home, "wait") as shown, knocking(home) as knocker:
        pid = shown.pid
        for _ in range(3):
            until(lambda pid=pid: standby_of(pid), "a standby")  # type: ignore[misc]
            os.kill(pid, signal.SIGKILL)
            pid = new_daemon(home, pid)
        until(lambda: knocker.greeted > 10, "clients")
    assert knocker.refused == []


def test_an_agent_goes_on_and_loses_nothing(home: Home, tmp_path: Path) -> None:
    with ui(home, "wait") as shown:
        with SyncClient.open(home) as client:
            config = AgentConfig(provider="demo", cwd=str(tmp_path))
            made = client.request(
                CreateAgent(
                    request_id="", config=config, initial_prompt="stream 300 tools every 10ms"
                )
            )
            assert isinstance(made, AgentCreated)
            until(lambda: _rows(client, made.agent_id) > 20, "the stream")
        os.kill(shown.pid, signal.SIGKILL)
        new_daemon(home, shown.pid)
        with SyncClient.open(home) as client:
            waited = client.request(
                WaitForFinish(request_id="", agent_id=made.agent_id), timeout_s=30
            )
            assert isinstance(waited, WaitResult)
            assert waited.status == "idle"
            page = client.request(FetchTimeline(request_id="", agent_id=made.agent_id, limit=0))
            assert isinstance(page, TimelinePage)
            calls = [e.item.call_id for e in page.entries if hasattr(e.item, "call_id")]
            assert len(calls) == len(set(calls)) == 300


def _rows(client: SyncClient, agent_id: str) -> int:
    page = client.request(FetchTimeline(request_id="", agent_id=agent_id, limit=1))
    assert isinstance(page, TimelinePage)
    return page.window.max_seq


def test_quit_for_good_leaves_nobody(home: Home) -> None:
    with ui(home, "quit") as shown:
        shown.go()
        assert shown.line() == "quit True"
        assert shown.process.wait(10) == 0
    assert not control._alive(shown.standby, _start_of(shown.standby))
    assert not home.socket.exists()
    assert not control.status(home).running
    with daemon(home):
        pass


def _start_of(pid: int) -> int:
    from sereno.core.security.peers import process_table

    found = process_table(pid)
    return found.start if found else -1


def test_stop_of_a_daemon_that_took_over_is_for_good(home: Home) -> None:
    with ui(home, "wait") as shown:
        os.kill(shown.pid, signal.SIGKILL)
        pid = new_daemon(home, shown.pid)
        standby = until(lambda: standby_of(pid), "its standby")
        assert control.stop(home) is True
    assert not Path(f"/proc/{standby}").exists()
    assert not control.status(home).running
    assert control.stop(home) is False


def test_stop_from_outside_of_an_embedded_daemon_is_told_to_the_ui(home: Home) -> None:
    with ui(home, "ended") as shown:
        shown.go()
        assert control.stop(home) is True
        assert shown.line() == "ended stopped The daemon was stopped."
        until(lambda: not Path(f"/proc/{shown.standby}").exists(), "the end of the standby")
        assert shown.process.poll() is None, "the UI itself stays"
        state = control.start(home)
        assert state.pid != shown.pid
        assert control.stop(home)


def test_restart_of_an_embedded_daemon_refuses_nobody(home: Home) -> None:
    with ui(home, "wait") as shown, knocking(home) as knocker:
        before = control.status(home)
        after = control.restart(home)
        assert (after.pid, after.embedded) == (shown.pid, True)
        assert after.started_at != before.started_at
        until(lambda: knocker.greeted > 10, "clients")
        assert standby_of(shown.pid) == shown.standby
        os.kill(shown.pid, signal.SIGKILL)
        new_daemon(home, shown.pid)
    assert knocker.refused == []


def test_a_standby_that_dies_is_replaced(home: Home) -> None:
    with ui(home, "wait") as shown:
        os.kill(shown.standby, signal.SIGKILL)
        second = until(
            lambda: (found := standby_of(shown.pid)) != shown.standby and found, "another standby"
        )
        os.kill(shown.pid, signal.SIGKILL)
        assert new_daemon(home, shown.pid) == second
    assert "the standby" in log_of(home)


def test_a_daemon_that_never_lives_long_is_given_up_at_last(home: Home) -> None:
    """A daemon that dies at its start must not be started for ever."""
    with ui(home, "wait") as shown:
        home.database.rename(home.root / "away.db")
        for name in ("sereno.db-wal", "sereno.db-shm"):
            (home.root / name).unlink(missing_ok=True)
        home.database.write_bytes(b"SQLite format 3\0" + b"junk" * 4096)
        os.kill(shown.pid, signal.SIGKILL)
        until(lambda: "damaged" in log_of(home), "the refusal")
        until(lambda: not Path(f"/proc/{shown.standby}").exists(), "the end of it")
    assert not control.status(home).running


def test_a_config_that_broke_meanwhile_does_not_keep_the_daemon_away(home: Home) -> None:
    with ui(home, "wait") as shown:
        home.config.write_text("[nonsense]\n")
        os.kill(shown.pid, signal.SIGKILL)
        new_daemon(home, shown.pid)
    assert "defaults are used" in log_of(home)


def test_lock_and_socket_are_held_by_the_daemon_and_its_standby_only(
    home: Home, tmp_path: Path
) -> None:
    """Runners and agents get none of the descriptors (processes.md, C 26)."""
    with ui(home, "wait") as shown, SyncClient.open(home) as client:
        config = AgentConfig(provider="demo", cwd=str(tmp_path))
        client.request(CreateAgent(request_id="", config=config, initial_prompt="help"))
        holders = set()
        for entry in Path("/proc").glob("[0-9]*/fd/*"):
            try:
                if os.readlink(entry) == str(home.lock):
                    holders.add(int(entry.parts[2]))
            except OSError:
                continue
        assert holders == {shown.pid, shown.standby}


def test_the_standby_is_tiny(home: Home) -> None:
    with ui(home, "wait") as shown:
        rollup = Path(f"/proc/{shown.standby}/smaps_rollup").read_text()
        pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        assert pss < 6_500, pss


@pytest.mark.parametrize("hang_up", ["SIGHUP", "SIGHUP ignored", "kill -9"])
def test_a_terminal_that_goes_or_is_left_in_disorder(home: Home, hang_up: str) -> None:
    """A closed terminal is noticed even where SIGHUP is ignored; one that stays is put in order."""
    controller, terminal = pty.openpty()
    mode = termios.tcgetattr(terminal)
    mode[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(terminal, termios.TCSANOW, mode)
    before = signal.getsignal(signal.SIGHUP)
    if hang_up == "SIGHUP ignored":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ui(home, "wait", terminal) as shown:
            if hang_up == "kill -9":
                os.kill(shown.pid, signal.SIGKILL)
            elif hang_up == "SIGHUP":
                os.kill(shown.pid, signal.SIGHUP)
            else:
                os.close(terminal)
                os.close(controller)
            new_daemon(home, shown.pid)
            if hang_up == "SIGHUP ignored":
                return
            until(lambda: termios.tcgetattr(terminal)[3] & termios.ECHO, "an ordered terminal")
            said = os.read(controller, 4096)
            assert b"\x1b[?1049l" in said
            assert b"\x1b[?25h" in said
    finally:
        signal.signal(signal.SIGHUP, before)
        if hang_up != "SIGHUP ignored":
            os.close(terminal)
            os.close(controller)
