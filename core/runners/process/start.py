"""The start of a runner, step by step, up to the agent that runs and the daemon that knows."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

from sereno.core.runners.process import tree
from sereno.core.runners.process.agent import Agent
from sereno.core.runners.process.family import family_of
from sereno.core.runners.process.journal import Journal
from sereno.core.runners.process.peers import Gate
from sereno.core.runners.process.recorder import Recorder
from sereno.core.runners.process.runner import Runner
from sereno.core.runners.process.spawn import Spawned, spawn
from sereno.core.runners.process.spec import Spec, encode_report
from sereno.core.runners.process.wire import PROTOCOL_NEWEST, Kind

SOCKET = "runner.sock"
RECORD = "runner.json"
_BACKLOG = 16


class Steps:
    """The steps of one start. `stage` names the one that is under way."""

    def __init__(self) -> None:
        self.stage = "message"

    def start(self) -> Runner:
        """Raises OSError or ValueError; `stage` then says where, and no process is left."""
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        umask = os.umask(0o077)
        with open(0, "rb", closefd=False) as file:
            spec = Spec.decode(file.read())
        self.stage = "process"
        tree.become_subreaper()
        self.stage = "folder"
        os.chdir(spec.folder)
        self.stage = "journal"
        journal = Journal(spec.limit)
        journal.append(Kind.START, 0, time.time_ns() // 1_000_000, (spec.record.encode(),))
        recorder = Recorder(journal)
        self.stage = "socket"
        listener = _listen()
        self.stage = "record"
        _write_record(spec.record, 0)
        spawned = self._spawn(spec, umask)
        try:
            self.stage = "record"
            _write_record(spec.record, spawned.pid)
        except OSError:
            end_all_now()
            raise
        agent = Agent(spawned, spec.env[b"SERENO_RUN"].decode(), recorder)
        return Runner(agent, recorder, listener, Gate(set(spec.above)), spec.record)

    def _spawn(self, spec: Spec, umask: int) -> Spawned:
        folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.stage = "cwd"
            os.chdir(spec.cwd)
            self.stage = "spawn"
            return spawn(spec.program, spec.argv, spec.env, umask)
        finally:
            os.fchdir(folder)
            os.close(folder)


def _listen() -> socket.socket:
    # A name without a folder: a home far down the tree is no problem for bind.
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.bind(SOCKET)
    os.chmod(SOCKET, 0o600)
    listener.listen(_BACKLOG)
    return listener


def _write_record(record: str, child: int) -> None:
    """runner.json, whole or not at all: by it the daemon finds us, and cleans up after us."""

    def process(pid: int) -> str:
        row = tree.look(pid) if pid else None
        return f'{{"pid":{pid},"start":"{row.start}"}}' if row else "null"

    text = (
        f'{{"protocol":{PROTOCOL_NEWEST},"runner":{process(os.getpid())},'
        f'"child":{process(child)},"record":{record}}}\n'
    )
    new = RECORD + ".new"
    with open(new, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(new, RECORD)


def end_all_now() -> None:
    """KILL for everything below, until nothing is left."""
    family = family_of(0, "")
    while True:
        family.signal(signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def main() -> None:
    """The runner's whole life."""
    steps = Steps()
    try:
        runner = steps.start()
    except (OSError, ValueError) as error:
        number = (error.errno or 0) if isinstance(error, OSError) else 0
        words = (error.strerror or "") if isinstance(error, OSError) else str(error)
        _report(encode_report(steps.stage, number, words))
        sys.exit(1)
    _report(encode_report("ready", 0, ""))
    try:
        runner.run()
    finally:
        end_all_now()  # nothing to do after run() has returned; after an error, no orphans
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)
    os._exit(0)  # at once: the daemon already saw the socket close


def _report(report: bytes) -> None:
    """Tell the daemon, if it still listens, and let go of its pipes."""
    try:
        os.write(1, report)
    except BrokenPipeError:  # it died meanwhile; the next one finds runner.json
        os.close(1)
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
