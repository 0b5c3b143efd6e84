"""Finding, starting and stopping a daemon from outside, and never a signal to a stranger (T83)."""

from __future__ import annotations

import builtins
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.daemon import control
from sereno.core.home import Home, prepare
from sereno.core.security.peers import process_table
from tests.core.daemon.daemon_house import daemon, pid_of, python, tidy, until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with tidy(Home(tmp_path / "home")) as made:
        yield made


def test_start_waits_for_an_answer_and_start_again_is_the_same_one(home: Home) -> None:
    state = control.start(home)
    assert state.answers
    assert state.running
    assert not state.embedded
    assert control.start(home).pid == state.pid
    assert os.getsid(state.pid) == state.pid, "it does not belong to our terminal"
    for fd in (0, 1, 2):
        assert os.readlink(f"/proc/{state.pid}/fd/{fd}") == os.devnull
    assert control.stop(home) is True
    assert control.stop(home) is False
    assert not Path(f"/proc/{state.pid}").exists() or not control._alive(state.pid, state.start)


def test_restart_is_a_new_program_in_the_same_process(home: Home) -> None:
    before = control.start(home)
    after = control.restart(home)
    assert after.pid == before.pid
    assert after.started_at != before.started_at
    assert control.stop(home)
    assert control.restart(home).answers, "without a daemon it is a start"
    assert control.stop(home)


def test_a_refused_start_says_the_daemon_s_own_words(home: Home) -> None:
    prepare(home)
    home.config.write_text("[daemn]\n")
    with pytest.raises(control.ControlError) as caught:
        control.start(home)
    assert caught.value.code == "refused"
    assert "daemn" in caught.value.message
    assert caught.value.next_step


def test_a_broken_program_is_not_waited_for(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from sereno.core.daemon import standby_spawn

    monkeypatch.setattr(
        standby_spawn,
        "daemon_command",
        lambda *_, **__: [sys.executable, "-c", "import nothing_here"],
    )
    with pytest.raises(control.ControlError) as caught:
        control.start(home)
    assert "No module named 'nothing_here'" in caught.value.message


def test_nothing_runs(home: Home) -> None:
    state = control.status(home)
    assert (state.running, state.answers, state.pid) == (False, False, 0)
    assert not home.root.exists(), "asking makes no home"


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"pid": 1}', '{"pid": "x"}'])
def test_a_status_file_that_is_nonsense(home: Home, record: str) -> None:
    prepare(home)
    home.status.write_text(record)
    assert not control.status(home).running
    assert control.stop(home) is False


def record(pid: int, start: int) -> str:
    words = {"version": "0", "startedAt": "", "socket": ""}
    return json.dumps({"pid": pid, "start": start, **words})


def test_t83_a_stranger_with_the_daemon_s_old_pid_is_not_signalled(home: Home) -> None:
    prepare(home)
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = process_table(stranger.pid)
    assert found is not None
    home.status.write_text(record(stranger.pid, found.start - 1))
    assert not control.status(home).running
    assert control.stop(home) is False
    control._signal(control.status(home), signal.SIGKILL)
    assert stranger.poll() is None
    home.status.write_text(record(stranger.pid, found.start))
    control._signal(control.status(home), signal.SIGKILL)
    assert stranger.wait(5) == -signal.SIGKILL
    assert stranger.stdin
    stranger.stdin.close()


def test_a_daemon_that_does_not_answer_is_stopped_by_a_signal(home: Home) -> None:
    """Its socket is taken away from under it: nobody can ask it any more."""
    with daemon(home) as process:
        home.socket.unlink()
        state = control.status(home)
        assert (state.running, state.answers) == (True, False)
        assert control.stop(home) is True
        assert process.wait(5) == 0


def test_a_frozen_daemon_is_said_to_be_one(home: Home) -> None:
    with daemon(home) as process:
        os.kill(process.pid, signal.SIGSTOP)
        try:
            state = control.status(home, timeout_s=0.2)
            assert (state.running, state.answers) == (True, False)
            with pytest.raises(control.ControlError) as caught:
                control.stop(home, timeout_s=0.5)
            assert caught.value.code == "still_running"
            assert f"kill -9 {process.pid}" in caught.value.next_step
        finally:
            os.kill(process.pid, signal.SIGCONT)
        until(lambda: process.poll() is not None, "the signal was kept")


def test_t36_somebody_else_s_socket_is_no_daemon(home: Home) -> None:
    prepare(home)
    other = socket.socket(socket.AF_UNIX)
    other.bind(str(home.socket))
    other.listen(5)
    assert not control.status(home, timeout_s=0.2).answers
    other.close()


def test_asking_loads_neither_asyncio_nor_the_daemon() -> None:
    code = (
        "import sys, os; from sereno.core.daemon import control\n"
        "from sereno.core.home import find_home\n"
        "control.status(find_home(os.environ))\n"
        "print(sorted({'asyncio', 'msgspec', 'websockets', 'subprocess',"
        " 'sereno.core.daemon.daemon'}"
        " & set(sys.modules)))"
    )
    assert python(code, env={"SERENO_HOME": "/nonexistent/home"}).strip() == "[]"


def test_starting_twice_at_once_gives_one_daemon(home: Home) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from sereno.core.daemon import control\n"
        "from sereno.core.home import Home\n"
        "try: print(control.start(Home(Path(sys.argv[1]))).pid)\n"
        "except control.ControlError as error: print('refused', error)\n"
    )
    several = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", code, str(home.root)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = [one.communicate(timeout=30)[0].strip() for one in several]
    pids = {words for words in said if words.isdigit()}
    assert pids == {str(pid_of(home))}, said
    assert control.stop(home)


def test_a_process_that_goes_while_it_is_looked_at_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`daemon stop` looks again and again at exactly that moment: its row was opened, and is none
    any more when it is read."""
    with subprocess.Popen(["sleep", "60"]) as child:
        row = open(f"/proc/{child.pid}/stat", "rb")  # noqa: SIM115 - closed by who reads it
        child.kill()
    monkeypatch.setattr(builtins, "open", lambda *_: row)
    assert control._alive(child.pid, 1) is False
