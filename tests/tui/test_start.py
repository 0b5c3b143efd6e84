"""The whole program on a pseudo-terminal: starting, failing, leaving, a terminal that goes away.

Real processes, real daemon, no agents. What is shown by the screens is tested elsewhere.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ClientError
from sereno.core.home import Home
from sereno.core.protocol.requests import ShutdownServer
from sereno.tui.model import Counts
from sereno.tui.start import leaving_line, somebody_listens, typed

PATIENCE = 40.0


class Program:
    """`sereno` in front of a terminal of 100 x 30; reads what it writes, unless told not to."""

    def __init__(self, home: Path, *, code: str | None = None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        start = ["-m", "sereno"] if code is None else ["-c", code]
        environment = {**os.environ, "SERENO_HOME": str(home), "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            [sys.executable, *start],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=home.parent,
            preexec_fn=_own_terminal,
        )
        os.close(slave)
        self.output = ""
        self._pressed = 0

    def read(self, seconds: float = 0.1) -> None:
        """Takes what is there."""
        if self.master < 0:
            time.sleep(seconds)
            return
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            try:
                self.output += os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                time.sleep(seconds)

    def until(self, condition: Callable[[], object]) -> None:
        ends = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < ends, self.output[-2000:]
            self.read()

    def shows(self, words: str) -> None:
        """Since the last key: a first frame may have shown the same words."""
        self.until(lambda: words in self.output[self._pressed :])

    def press(self, keys: bytes) -> None:
        self._pressed = len(self.output)
        os.write(self.master, keys)

    def code(self) -> int:
        self.until(lambda: self.process.poll() is not None)
        for _ in range(5):
            self.read(0.05)
        assert self.process.returncode is not None
        return self.process.returncode

    def close_terminal(self) -> None:
        os.close(self.master)
        self.master = -1


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def answers(home: Path) -> bool:
    try:
        with SyncClient.open(Home(home)):
            return True
    except ClientError:
        return False


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "home"
    yield place
    try:
        with SyncClient.open(Home(place)) as client:
            client.request(ShutdownServer(request_id=""))
    except ClientError:
        return
    ends = time.monotonic() + PATIENCE
    while somebody_listens(Home(place)) and time.monotonic() < ends:
        time.sleep(0.05)


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def begin(**more: str) -> Program:
        programs.append(Program(home, **more))
        return programs[-1]

    yield begin
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
        program.process.wait()
        if program.master >= 0:
            program.close_terminal()


@pytest.mark.timeout(120)
def test_leaving_says_how_to_come_back_and_the_daemon_goes_on(
    home: Path, start: Callable[..., Program]
) -> None:
    program = start()
    program.shows("First task")
    program.press(b"\x1b")
    program.shows("no agents yet")
    program.press(b"q")
    assert program.code() == 0
    assert "detached. No agent is working. Come back: sereno" in program.output
    assert program.output.rstrip().endswith("sereno daemon stop")
    assert answers(home)
    again = start()
    again.shows("First task")
    again.press(b"\x18")
    again.shows("agent by number")
    again.press(b"d")
    assert again.code() == 0
    assert answers(home), "an attached screen leaves the daemon alone"


@pytest.mark.timeout(120)
def test_a_corrupt_database_is_said_on_the_shell(home: Path, start: Callable[..., Program]) -> None:
    home.mkdir(mode=0o700)
    (home / "sereno.db").write_bytes(b"this is no database at all" * 100)
    program = start()
    assert program.code() == 1
    told = program.output.rpartition("\x1b[?25h")[2]
    assert "sereno: " in told
    assert "sereno.db" in told
    assert "Traceback" not in program.output
    assert (home / "sereno.db").read_bytes().startswith(b"this is no database"), "left as it was"


@pytest.mark.timeout(120)
def test_a_screen_that_fails_keeps_the_daemon_and_the_story(
    home: Path, start: Callable[..., Program]
) -> None:
    code = (
        "from sereno.tui.screens.fleet.screen import FleetScreen\n"
        "def fail(self): raise RuntimeError('a defect of ours')\n"
        "FleetScreen.action_new = fail\n"
        "import sys; sys.argv = ['sereno']\n"
        "from sereno.__main__ import main; sys.exit(main())\n"
    )
    program = start(code=code)
    program.shows("First task")
    program.press(b"\x1b")
    program.shows("no agents yet")
    program.press(b"n")
    assert program.code() == 1
    assert "the screen failed (RuntimeError: a defect of ours)" in program.output
    assert "Traceback" not in program.output
    story = home / "logs" / "ui-crash.log"
    assert "RuntimeError: a defect of ours" in story.read_text()
    assert stat.S_IMODE(story.stat().st_mode) == 0o600
    program.until(lambda: answers(home))


@pytest.mark.timeout(120)
def test_a_closed_terminal_hands_over(home: Path, start: Callable[..., Program]) -> None:
    program = start()
    program.shows("First task")
    program.close_terminal()
    program.code()
    program.until(lambda: answers(home))


@pytest.mark.timeout(120)
def test_sigterm_hands_over_and_leaves_the_terminal_usable(
    home: Path, start: Callable[..., Program]
) -> None:
    program = start()
    program.shows("First task")
    program.process.send_signal(signal.SIGTERM)
    program.code()
    assert "\x1b[?1049l" in program.output
    assert "\x1b[?1003l" in program.output
    program.until(lambda: answers(home))


@pytest.mark.timeout(120)
def test_leaving_a_terminal_that_does_not_read(home: Path, start: Callable[..., Program]) -> None:
    program = start()
    program.shows("First task")
    for _ in range(60):
        program.press(b"\x0c")
        time.sleep(0.02)
    program.press(b"\x18")
    time.sleep(0.3)
    program.press(b"d")
    began = time.monotonic()
    while program.process.poll() is None:
        assert time.monotonic() - began < PATIENCE, "it waits for a terminal that does not read"
        time.sleep(0.05)
    while not answers(home):
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("busy", "asks", "told"),
    [
        (1, 0, "detached. 1 agent is working. Come back: sereno   Stop all: sereno stop --all"),
        (2, 1, "detached. 1 agent waits for your answer, 2 are working. Come back"),
        (1, 2, "detached. 2 agents wait for your answer, 1 is working. Come back"),
        (0, 2, "detached. 2 agents wait for your answer. Come back: sereno   Stop all"),
        (0, 0, "detached. No agent is working. Come back: sereno   Stop it: sereno daemon stop"),
    ],
)
def test_the_leaving_line(busy: int, asks: int, told: str) -> None:
    counts = Counts(agents=9, asks=asks, failed=0, busy=busy, done=0, idle=0, stopped=0)
    assert told in leaving_line(counts, daemon=True)


def test_the_leaving_line_names_what_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    name = typed(".venv/bin/sereno")
    counts = Counts(agents=1, asks=0, failed=0, busy=0, done=0, idle=1, stopped=0)
    assert leaving_line(counts, daemon=True, name=name).endswith(
        "Come back: .venv/bin/sereno   Stop it: .venv/bin/sereno daemon stop"
    )
    assert typed("-c") == "sereno"
    (tmp_path / "sereno").touch(0o755)
    assert typed(".venv/bin/sereno") == "sereno"


def test_the_leaving_line_claims_no_more_than_is_known() -> None:
    assert leaving_line(None, daemon=True).startswith("sereno: detached. Come back: sereno")
    counts = Counts(agents=1, asks=0, failed=0, busy=1, done=0, idle=0, stopped=0)
    gone = "sereno: left; no daemon runs. 1 agent is working. Come back: sereno"
    assert leaving_line(counts, daemon=False) == gone


def test_a_daemon_whose_queue_is_full_is_there(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(home.socket))
        busy.listen(0)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(str(home.socket))
            assert somebody_listens(home)
        finally:
            for each in waiting:
                each.close()


def test_a_binding_that_there_is_not_is_said_and_nothing_is_started(
    home: Path, start: Callable[..., Program]
) -> None:
    home.mkdir(mode=0o700)
    settings = home / "config.toml"
    settings.write_text('[ui.keys]\nfleet.neu = "a"\n')
    settings.chmod(0o600)
    program = start()
    assert program.code() == 2
    said = " ".join(program.output.split())
    assert "there is no binding `fleet.neu`" in said
    assert "Did you mean `fleet.new`?" in said
    assert "\x1b[?1049h" not in program.output
    assert not somebody_listens(Home(home))
