"""Starting, stopping and finding the daemon of a home from outside, for the command line.

Blocking and without asyncio. A daemon is asked through its socket; only one that does not answer
gets a signal, and only after its start time showed that the pid is still its own (T83).
"""

from __future__ import annotations

import json
import os
import signal
import time

from sereno.core.client.errors import ClientError, ConnectionLost, NoDaemon
from sereno.core.home import Home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_STEP_S = 0.02


class ControlError(ClientError):
    """The daemon could not be started or stopped. Codes: refused, no_answer, still_running.

    `exit_code`: of a daemon that refused to start, as headless.py has them; else None.
    """

    exit_code: int | None = None


class DaemonState:
    """What is known of a home's daemon. `running`: its process lives, or the home is locked by one
    that starts or takes over; `answers`: it accepts and greets. The other fields are of its status
    file, empty when there is none."""

    def __init__(self, record: dict[str, Any], *, running: bool, answers: bool) -> None:
        self.running = running
        self.answers = answers
        self.pid = int(record.get("pid", 0))
        self.start = int(record.get("start", 0))
        self.version = str(record.get("version", ""))
        self.started_at = str(record.get("startedAt", ""))
        self.socket = str(record.get("socket", ""))
        self.embedded = bool(record.get("embedded", False))


def status(home: Home, *, timeout_s: float = 1.5) -> DaemonState:
    """Looks at the status file, the process and the socket. Starts nothing."""
    answers = _answers(home, timeout_s)
    record = _record(home)
    alive = bool(record) and _alive(int(record.get("pid", 0)), int(record.get("start", 0)))
    running = answers or alive or not _lock_is_free(home)
    return DaemonState(record, running=running, answers=answers)


def start(home: Home, *, timeout_s: float = 10.0, strict: bool = False) -> DaemonState:
    """Starts a daemon in the background, unless one runs, and waits until it answers.

    `strict`: an address of `daemon.listen` that cannot be opened is a refusal; else the daemon
    goes without it and its status says so. Raises ControlError with the daemon's own words when it
    refuses to start.
    """
    state = status(home)
    end = time.monotonic() + timeout_s
    while state.running and not state.answers and time.monotonic() < end:
        state = status(home)  # It starts, or changes hands.
    if state.answers:
        return state
    from sereno.core.daemon.standby_spawn import CLEAN_SIGNALS, clean_environment, daemon_command

    reading, writing = os.pipe()
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    command = daemon_command(home, "background", strict=strict)
    try:
        pid = os.posix_spawn(
            command[0],
            command,
            clean_environment(),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, null, 0),
                (os.POSIX_SPAWN_DUP2, null, 1),
                (os.POSIX_SPAWN_DUP2, writing, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=CLEAN_SIGNALS,
        )
    finally:
        os.close(writing)
        os.close(null)
    return _until_it_answers(home, pid, reading, timeout_s)


def _until_it_answers(home: Home, pid: int, reading: int, timeout_s: float) -> DaemonState:
    """The daemon closes its end of the pipe when it serves; what it says before is its refusal."""
    import select

    end = time.monotonic() + timeout_s
    said = b""
    with open(reading, "rb", buffering=0) as pipe:
        while (left := end - time.monotonic()) > 0:
            if not select.select([pipe], [], [], left)[0]:
                break
            data = pipe.read(65_536)
            if not data:
                break
            said += data
    state = status(home)
    if state.answers:
        return state
    ended, code = _end_of(pid, end)
    words = said.decode("utf-8", "replace").strip().removeprefix("sereno: ")
    if ended or words:
        cause, _, step = (words or "The daemon ended at once.").partition("\n")
        if cause.startswith("Traceback"):
            cause, step = f"The daemon broke at its start: {words.splitlines()[-1]}", ""
        refusal = ControlError("refused", cause, step or f"Its log may say more: {home.daemon_log}")
        refusal.exit_code = code
        raise refusal
    raise ControlError(
        "no_answer",
        f"the daemon (pid {pid}) does not answer after {timeout_s:g} s",
        f"Look into {home.daemon_log}",
    )


def _end_of(pid: int, end: float) -> tuple[bool, int | None]:
    """Whether a child ended, and with which code. One that closed its pipe ends soon, or never."""
    while True:
        ended, state = os.waitpid(pid, os.WNOHANG)
        if ended:
            return True, os.waitstatus_to_exitcode(state)
        if time.monotonic() > end:
            return False, None
        time.sleep(_STEP_S)


def stop(home: Home, *, timeout_s: float = 15.0) -> bool:
    """Stops the daemon for good, its standby too; agents go on in their runners. False: none ran.

    Raises ControlError when it is still there after the time.
    """
    state = status(home)
    if not state.running:
        return False
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if not _ask(home, restart=False):
            _signal(state, signal.SIGTERM)
        while time.monotonic() < end:
            if not _still_there(home, state):
                return True
            if _record(home).get("pid", state.pid) != state.pid:
                break  # That one died just before, and its standby went on: this one is asked too.
            time.sleep(_STEP_S)
        state = status(home)
    raise ControlError(
        "still_running",
        f"the daemon (pid {state.pid}) is still there after {timeout_s:g} s",
        f"Look into {home.daemon_log}; `kill -9 {state.pid}` ends it, and no event is lost.",
    )


def _still_there(home: Home, state: DaemonState) -> bool:
    """An embedded daemon stops and its process, the UI, stays: then the lock tells."""
    if state.embedded:
        return home.socket.exists() or not _lock_is_free(home)
    return _alive(state.pid, state.start) or not _lock_is_free(home)


def restart(home: Home, *, timeout_s: float = 15.0) -> DaemonState:
    """A new daemon in place of the one that runs, or the first one. Clients wait, none is refused.

    Raises ControlError as `start` and `stop` do.
    """
    before = status(home)
    if not before.running:
        return start(home, timeout_s=timeout_s)
    if not _ask(home, restart=True):
        stop(home, timeout_s=timeout_s)
        return start(home, timeout_s=timeout_s)
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        now = status(home)
        if now.answers and now.started_at != before.started_at:
            return now
        time.sleep(_STEP_S)
    raise ControlError(
        "no_answer",
        f"no new daemon answers after {timeout_s:g} s",
        f"Look into {home.daemon_log}",
    )


def _ask(home: Home, *, restart: bool) -> bool:
    """Asks the daemon itself; False when it does not answer. Raises RpcError when it refuses."""
    from sereno.core.client.blocking import SyncClient
    from sereno.core.protocol.requests import RestartServer, ShutdownServer

    request = RestartServer(request_id="") if restart else ShutdownServer(request_id="")
    try:
        with SyncClient.open(home, timeout_s=2.0) as client:
            client.request(request, timeout_s=5.0)
    except (NoDaemon, ConnectionLost):
        return False
    return True


def _answers(home: Home, timeout_s: float) -> bool:
    from sereno.core.client.blocking import SyncClient

    try:
        SyncClient.open(home, timeout_s=timeout_s).close()
    except (NoDaemon, ConnectionLost):
        return False
    return True


def _record(home: Home) -> dict[str, Any]:
    try:
        record = json.loads(home.status.read_bytes())
    except (OSError, ValueError):
        return {}
    known = {"pid": int, "start": int, "version": str, "startedAt": str, "socket": str}
    if not isinstance(record, dict):
        return {}
    valid = all(isinstance(record.get(name), kind) for name, kind in known.items())
    return record if valid else {}


def _alive(pid: int, start: int) -> bool:
    """Whether this very process lives: same pid, same start time, and no zombie."""
    if pid <= 0:
        return False
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib costs time
            text = file.read()
    except ProcessLookupError:  # It went between the two.
        return False
    except FileNotFoundError:
        if os.path.isdir("/proc/self"):  # noqa: PTH112
            return False
        return _alive_elsewhere(pid, start)
    fields = text[text.rfind(b")") + 2 :].split()
    return int(fields[19]) == start and fields[0] not in (b"Z", b"X")


def _alive_elsewhere(pid: int, start: int) -> bool:
    """Without /proc (macOS)."""
    from sereno.core.security.peers import process_table

    found = process_table(pid)
    return found is not None and found.start == start


def _signal(state: DaemonState, number: int) -> None:
    """To the daemon and to nobody else, however its pid is used meanwhile (T83)."""
    try:
        if hasattr(os, "pidfd_open"):
            process = os.pidfd_open(state.pid)
            try:
                if _alive(state.pid, state.start):
                    signal.pidfd_send_signal(process, number)
            finally:
                os.close(process)
        elif _alive(state.pid, state.start):
            os.kill(state.pid, number)
    except ProcessLookupError:
        return


def _lock_is_free(home: Home) -> bool:
    """Looked up where the system lists locks: trying it would keep a starting daemon out."""
    try:
        found = os.stat(home.lock)  # noqa: PTH116
        wanted = f":{found.st_ino} ".encode()
        with open("/proc/locks", "rb") as file:  # noqa: PTH123
            return not any(b" FLOCK " in row and wanted in row for row in file)
    except FileNotFoundError:
        return not home.lock.exists() or _lock_can_be_taken(home)


def _lock_can_be_taken(home: Home) -> bool:
    import fcntl

    try:
        with open(home.lock, "rb") as file:  # noqa: PTH123
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return True
    return True
