"""Daemons as real processes: started, found, killed; and a client that never stops connecting."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ConnectionLost, NoDaemon
from sereno.core.daemon import control
from sereno.core.daemon.standby_spawn import daemon_command
from sereno.core.home import Home, connect_path
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import AgentCreated, FetchAgentResult
from sereno.core.protocol.requests import AgentConfig, CreateAgent, FetchAgent
from sereno.core.runners.process import tree

PATIENCE = 20.0
T = TypeVar("T")


def until(condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Waits for a condition; gives its value."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.01)
    return found


def pid_of(home: Home) -> int:
    """The pid in the status file, 0 without one."""
    try:
        return int(json.loads(home.status.read_bytes())["pid"])
    except (OSError, ValueError, LookupError, TypeError):
        return 0


def log_of(home: Home) -> str:
    return home.daemon_log.read_text() if home.daemon_log.exists() else ""


def standby_of(pid: int) -> int:
    """The pid of the standby beside a process, 0 without one."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        is_standby = any(word.endswith(b"core/daemon/standby.py") for word in words)
        if is_standby and str(pid).encode() in words:
            return int(entry.name)
    return 0


@contextmanager
def daemon(home: Home, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A foreground daemon that answers."""
    with launched(home, env) as process:
        until(lambda: process.poll() is not None or control.status(home).answers, "the daemon")
        assert process.poll() is None, process.stderr and process.stderr.read()
        yield process


@contextmanager
def launched(home: Home, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A foreground daemon that may refuse to start."""
    process = subprocess.Popen(
        daemon_command(home, "foreground"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@contextmanager
def tidy(home: Home) -> Iterator[Home]:
    """Whatever a test leaves running for this home is ended, standbys before their daemons."""
    try:
        yield home
    finally:
        clean = 0
        while clean < 2:  # one of them may just be becoming the other
            pids = _processes_of(home)
            clean = 0 if pids else clean + 1
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        for entry in home.agents.glob("*/*/runner.json"):
            record = json.loads(entry.read_text())
            for one in filter(None, (record.get("runner"), record.get("child"))):
                found = tree.look(one["pid"])
                if found is not None and str(found.start) == one["start"]:
                    os.kill(one["pid"], signal.SIGKILL)


def _processes_of(home: Home) -> list[int]:
    """Daemons and standbys that were started for this home: their commands name it."""
    wanted = f"home={home.root}".encode()
    standbys: list[int] = []
    daemons: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in words:
            is_standby = any(word.endswith(b"core/daemon/standby.py") for word in words)
            (standbys if is_standby else daemons).append(int(entry.parent.name))
    return standbys + daemons


class Knocker(threading.Thread):
    """Connects every few milliseconds and asks for a ping; counts who was refused, and the worst
    time from connect to greeting."""

    def __init__(self, home: Home, pause_s: float = 0.003) -> None:
        super().__init__(daemon=True)
        self._home = home
        self._pause_s = pause_s
        self._over = threading.Event()
        self.connects = 0
        self.refused: list[str] = []
        self.greeted = 0
        self.worst_s = 0.0

    def run(self) -> None:
        while not self._over.wait(self._pause_s):
            self.connects += 1
            began = time.monotonic()
            try:
                client = SyncClient.open(self._home, timeout_s=PATIENCE)
            except NoDaemon as error:
                self.refused.append(str(error))
                continue
            except ConnectionLost:
                continue  # It was accepted by the one that went: not refused, and connects again.
            self.greeted += 1
            self.worst_s = max(self.worst_s, time.monotonic() - began)
            client.close()

    def stop(self) -> None:
        self._over.set()
        self.join(PATIENCE)
        assert not self.is_alive()


@contextmanager
def knocking(home: Home) -> Iterator[Knocker]:
    knocker = Knocker(home)
    knocker.start()
    try:
        yield knocker
    finally:
        knocker.stop()


def raw_connect(home: Home) -> socket.socket:
    """A connection without a word. Raises OSError when it is refused."""
    connection = socket.socket(socket.AF_UNIX)
    with connect_path(home.socket) as name:
        connection.connect(name)
    return connection


def python(code: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Runs lines of Python in a process; gives what they print."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def create(client: SyncClient, cwd: Path, prompt: str) -> str:
    """A demo agent's id."""
    config = AgentConfig(provider="demo", cwd=str(cwd))
    made = client.request(CreateAgent(request_id="", config=config, initial_prompt=prompt))
    assert isinstance(made, AgentCreated), made
    return made.agent_id


def agent(client: SyncClient, agent_id: str) -> AgentSnapshot:
    found = client.request(FetchAgent(request_id="", agent_id=agent_id))
    assert isinstance(found, FetchAgentResult)
    assert found.agent is not None
    return found.agent
