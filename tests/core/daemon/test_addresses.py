"""The addresses of a daemon that is a program: open, taken, refused, changed, handed on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.daemon import control
from sereno.core.daemon.standby_spawn import daemon_command
from sereno.core.home import Home, prepare
from sereno.core.protocol.additions import ReloadDaemon, ReloadDaemonResult
from tests.core.daemon.daemon_house import daemon, launched, log_of, pid_of, standby_of, tidy, until
from tests.core.daemon.net import Caller, get, port_of, status_of
from tests.core.daemon.test_handover import WAYS, new_daemon, ui


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with tidy(Home(tmp_path / "home")) as made:
        prepare(made)
        yield made


@pytest.fixture
def taken() -> Iterator[str]:
    """An address on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield f"127.0.0.1:{other.getsockname()[1]}"


def configure(home: Home, text: str) -> None:
    home.config.write_text(text)
    home.config.chmod(0o600)


FROM_FILE = {"SERENO_LISTEN": ""}
"""Then the file decides."""


def strictly(home: Home, listen: str) -> tuple[int, str]:
    """Exit code and words of a daemon that refuses to start."""
    done = subprocess.run(
        daemon_command(home, "foreground", strict=True),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, "SERENO_LISTEN": listen},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_a_port_that_is_taken_is_exit_code_3_and_says_by_whom(home: Home, taken: str) -> None:
    code, words = strictly(home, taken)
    assert code == 3
    assert f"{taken} cannot be opened" in words
    assert f"process {os.getpid()}" in words
    assert "config.toml" in words
    assert not home.socket.exists()


def test_the_port_of_another_home_s_daemon_is_told_with_that_home(
    home: Home, tmp_path: Path
) -> None:
    with tidy(Home(tmp_path / "other")) as other, daemon(other):
        code, words = strictly(home, f"127.0.0.1:{port_of(other)}")
        assert code == 3
        assert f"another Sereno (process {pid_of(other)}, home {other.root})" in words


def test_c34_c56_t24_the_network_without_a_password_is_exit_code_2(home: Home) -> None:
    for listen in ("0.0.0.0:0", "[::]:0", "192.0.2.7:6767"):
        code, words = strictly(home, f"127.0.0.1:0,{listen}")
        assert code == 2, words
        assert "sereno daemon set-password" in words


def test_daemon_start_refuses_where_run_and_the_screen_go_without(home: Home, taken: str) -> None:
    os.environ["SERENO_LISTEN"], before = taken, os.environ["SERENO_LISTEN"]
    try:
        with pytest.raises(control.ControlError) as caught:
            control.start(home, strict=True)
        assert (caught.value.code, caught.value.exit_code) == ("refused", 3)
        assert not control.status(home).running
        assert control.start(home).answers
    finally:
        os.environ["SERENO_LISTEN"] = before
    [door] = status_of(home).doors
    assert (door.address, door.open) == (taken, [])
    assert door.error
    assert door.next_step
    assert f"{taken} cannot be opened" in log_of(home)
    assert control.stop(home)


def test_c31_c32_unix_only_and_further_sockets_under_umask_0(home: Home, tmp_path: Path) -> None:
    more = tmp_path / "more.sock"
    configure(home, f'[daemon]\nlisten = ["{more}"]\n')
    os.umask(before := os.umask(0))
    os.umask(0)
    try:
        with daemon(home, FROM_FILE) as process:
            assert status_of(home).listen == [str(home.socket), str(more)]
            assert more.stat().st_mode & 0o777 == 0o600
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(more))
                client.sendall(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert client.recv(100).startswith(b"HTTP/1.1 4")
            assert _open_by(process.pid) & _inet_sockets() == set()
            process.terminate()
            assert process.wait(10) == 0
    finally:
        os.umask(before)
    assert not more.exists()


def _open_by(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(str(entry.readlink()))
    return found


def _inet_sockets() -> set[str]:
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return {f"socket:[{row[9]}]" for row in rows}


def test_sighup_opens_and_closes_while_clients_are_connected(home: Home) -> None:
    configure(home, '[daemon]\nlisten = ["127.0.0.1:0"]\n')
    with daemon(home, FROM_FILE) as process, SyncClient.open(home) as client:
        port = port_of(home)
        assert get(port, Host="box.example.com")[0] == 403
        configure(
            home,
            '[daemon]\nlisten = ["127.0.0.1:0", "[::1]:0"]\nhostnames = ["box.example.com"]\n'
            '[log]\nlevel = "debug"\n',
        )
        process.send_signal(signal.SIGHUP)
        until(lambda: len(status_of(home).listen) == 3, "another address")
        assert port_of(home) == port
        assert get(port, Host="box.example.com")[0] == 200
        assert len(json.loads(home.status.read_bytes())["listen"]) == 3
        configure(home, "[daemn]\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: "is kept as it was" in log_of(home), "the refusal")
        assert get(port, Host="box.example.com")[0] == 200
        configure(home, "[daemon]\nlisten = []\n")
        reply = client.request(ReloadDaemon(request_id=""))
        assert isinstance(reply, ReloadDaemonResult)
        assert reply.error is None
        with pytest.raises(ConnectionRefusedError):
            get(port)
        assert status_of(home).listen == [str(home.socket)]
        configure(home, "[daemn]\n")
        reply = client.request(ReloadDaemon(request_id=""))
        assert isinstance(reply, ReloadDaemonResult)
        assert "daemn" in str(reply.error)
        assert process.poll() is None


def test_sighup_of_a_terminal_that_is_closed_is_the_end(home: Home) -> None:
    controller, terminal = os.openpty()
    shown = subprocess.Popen(
        daemon_command(home, "foreground"), stdin=terminal, stderr=subprocess.DEVNULL
    )
    os.close(terminal)
    try:
        until(lambda: control.status(home).answers, "the daemon")
        shown.send_signal(signal.SIGHUP)
        until(lambda: "was read again" in log_of(home), "the reload")
        os.close(controller)
        shown.send_signal(signal.SIGHUP)
        assert shown.wait(10) == 0
    finally:
        shown.kill()
        shown.wait()


@pytest.mark.parametrize("way", ["q", "SIGHUP", "kill -9", "crash"])
def test_no_client_on_tcp_is_refused_while_the_daemon_changes_hands(home: Home, way: str) -> None:
    act, do = WAYS[way]
    with ui(home, act) as shown:
        port = port_of(home)
        with Caller(port) as caller:
            until(lambda: caller.answered > 10, "answers before")
            do(shown)
            new_daemon(home, shown.pid)
            before = caller.answered
            until(lambda: caller.answered > before + 10, "answers afterwards")
        assert port_of(home) == port
        shown.process.wait(10)
    assert caller.refused == []


def test_who_connects_while_nobody_serves_waits(home: Home) -> None:
    """The daemon is frozen and then killed: the connection was never accepted by it."""
    with ui(home, "wait") as shown:
        port = port_of(home)
        until(lambda: standby_of(shown.pid), "the standby")
        os.kill(shown.pid, signal.SIGSTOP)
        with socket.create_connection(("127.0.0.1", port), 20) as client:
            client.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            os.kill(shown.pid, signal.SIGKILL)
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
        new_daemon(home, shown.pid)


def test_an_address_that_came_later_is_held_by_the_standby_too(home: Home) -> None:
    """The standby is another one then; the one before it has left without taking over."""
    configure(home, "[daemon]\nlisten = []\n")
    os.environ["SERENO_LISTEN"], before = "", os.environ["SERENO_LISTEN"]
    try:
        with ui(home, "wait") as shown:
            configure(home, '[daemon]\nlisten = ["127.0.0.1:0"]\n')
            with SyncClient.open(home) as client:
                client.request(ReloadDaemon(request_id=""))
            port = port_of(home)
            standby = until(
                lambda: (found := standby_of(shown.pid)) != shown.standby and found, "a new one"
            )
            assert not control._alive(shown.standby, 0)
            with Caller(port) as caller:
                until(lambda: caller.answered > 5, "answers before")
                os.kill(shown.pid, signal.SIGKILL)
                assert new_daemon(home, shown.pid) == standby
                answered = caller.answered
                until(lambda: caller.answered > answered + 5, "answers afterwards")
            assert caller.refused == []
    finally:
        os.environ["SERENO_LISTEN"] = before


def test_a_daemon_that_takes_over_with_a_broken_file_opens_no_address(home: Home) -> None:
    """Nobody knows any more who may come in there."""
    with ui(home, "wait") as shown:
        port = port_of(home)
        configure(home, "[nonsense]\n")
        os.kill(shown.pid, signal.SIGKILL)
        new_daemon(home, shown.pid)
        with pytest.raises(ConnectionRefusedError):
            get(port)
    assert "no address is open" in log_of(home)


def test_a_restart_keeps_the_port(home: Home) -> None:
    with daemon(home) as process, Caller(port := port_of(home)) as caller:
        until(lambda: caller.answered > 5, "answers before")
        after = control.restart(home)
        assert after.pid == process.pid
        assert port_of(home) == port
        before = caller.answered
        until(lambda: caller.answered > before + 5, "answers afterwards")
    assert caller.refused == []


def test_a_certificate_that_cannot_be_used_is_exit_code_2(home: Home, tmp_path: Path) -> None:
    configure(home, f'[daemon.tls]\ncert = "{tmp_path}/no.pem"\nkey = "{tmp_path}/no.key"\n')
    code, words = strictly(home, "127.0.0.1:0")
    assert code == 2
    assert "no.pem" in words
    with launched(home):  # not strict, as a daemon that takes over
        until(lambda: control.status(home).answers, "the daemon")
        [door] = status_of(home).doors
        assert door.open == []
        assert "no.pem" in str(door.error)


def test_t15_t25_a_reload_whose_certificate_cannot_be_used_takes_everything_else(
    home: Home, tmp_path: Path
) -> None:
    """A mistake in it must not keep an old rule or an open address alive."""
    configure(home, '[daemon]\nlisten = ["127.0.0.1:0", "[::1]:0"]\n')
    tls = f'[daemon.tls]\ncert = "{tmp_path}/no.pem"\nkey = "{tmp_path}/no.key"\n'
    with daemon(home, FROM_FILE), SyncClient.open(home) as client:
        port = port_of(home)
        assert get(port, Host="box.example.com")[0] == 403
        listen = '[daemon]\nlisten = ["127.0.0.1:0", "127.0.0.2:0"]\n'
        configure(home, f'{listen}hostnames = ["box.example.com"]\n{tls}')
        reply = client.request(ReloadDaemon(request_id=""))
        assert isinstance(reply, ReloadDaemonResult)
        words = f"{reply.error} {reply.next_step}"
        for said in ("no.pem", "stay without encryption", "in force", "sereno daemon reload"):
            assert said in words
        assert get(port, Host="box.example.com")[0] == 200
        stays, new = status_of(home).doors
        assert (len(stays.open), new.open) == (1, [])
        assert "no.pem" in str(stays.warning)
        assert "no.pem" in str(new.error)
        assert "the encryption is kept as it was" in log_of(home)
        configure(home, listen)
        reply = client.request(ReloadDaemon(request_id=""))
        assert isinstance(reply, ReloadDaemonResult)
        assert (reply.error, reply.next_step) == (None, None)
        assert [len(one.open) for one in status_of(home).doors] == [1, 1]
        assert get(port, Host="box.example.com")[0] == 403
