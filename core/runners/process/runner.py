"""The runner's loop: the agent's pipes on one side, the daemon's socket on the other.

One thread, one poll, nothing that waits. What a pipe or a socket says is done by `agent`, `client`
and `requests`; here is who is listened to, and when the runner is done.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable

from sereno.core.runners.process.agent import KILL_PAUSE, Agent, Output
from sereno.core.runners.process.client import Client
from sereno.core.runners.process.peers import Gate
from sereno.core.runners.process.recorder import Recorder, folder_is_gone
from sereno.core.runners.process.requests import Requests
from sereno.core.runners.process.wire import FrameError

GREETING_LIMIT = 5.0
"""Seconds that a connection may take to say hello."""
MOST_CLIENTS = 16
DISK_RETRY = 0.5
FOLDER_CHECK = 30.0
FOLDER_CHECK_AT_MOST = 1.0
"""Seconds between looks at whether the folder is still there: when idle, when busy."""
LEAVING_LIMIT = 1.0
"""Seconds that the last answers may take to reach a daemon."""
TERM_GRACE = 3.0

Handler = Callable[[], None]


class Runner:
    """Everything that one runner does between its agent's start and its own end."""

    def __init__(
        self, agent: Agent, recorder: Recorder, listener: socket.socket, gate: Gate, record: str
    ) -> None:
        self._agent = agent
        self._recorder = recorder
        self._listener = listener
        self._gate = gate
        self._clients: list[Client] = []
        self._requests = Requests(agent, recorder, record)
        self._wake = _wake_on_signals()
        self._folder_seen = time.monotonic()
        self._nobody_can_read = False
        self._leaving_since: float | None = None

    def run(self) -> None:
        """Until the agent is gone and the daemon has everything, or nobody can ever ask for it."""
        while True:
            now = time.monotonic()
            self._agent.advance(now)
            self._look_after(now)
            if self._done(now):
                return
            handlers, poll = self._interests()
            for fd, _ in poll.poll(self._pause(now) * 1000):
                handlers[fd]()

    def _interests(self) -> tuple[dict[int, Handler], select.poll]:
        """Who is listened to now. Made anew each time: a handful of entries, and never stale."""
        handlers: dict[int, Handler] = {}
        poll = select.poll()

        def listen(fd: int, events: int, handler: Handler) -> None:
            poll.register(fd, events)
            handlers[fd] = handler

        listen(self._wake, select.POLLIN, self._woken)
        if len(self._clients) < MOST_CLIENTS:
            listen(self._listener.fileno(), select.POLLIN, self._accept)
        if not self._recorder.stalled:
            for output in self._agent.outputs:
                listen(output.fd, select.POLLIN, lambda output=output: self._read(output))  # type: ignore[misc]
        if self._agent.input.pending and not self._recorder.waiting:
            listen(self._agent.input.fd, select.POLLOUT, self._agent.write_on)
        for client in self._clients:
            events = select.POLLIN
            if client.wants_to_send(self._recorder.journal):
                events |= select.POLLOUT
            listen(client.sock.fileno(), events, lambda client=client: self._serve(client))  # type: ignore[misc]
        return handlers, poll

    def _look_after(self, now: float) -> None:
        """What has to be done now and then, and the answers that are due."""
        if self._recorder.waiting:
            self._recorder.settle()
        if now - self._folder_seen >= FOLDER_CHECK_AT_MOST:
            self._folder_seen = now
            if folder_is_gone():
                self._nobody_can_read = True
                self._end_all(now)
        self._requests.answer_due()
        for client in [*self._clients]:
            late = not client.attached and now - client.since > GREETING_LIMIT
            if late or not client.flush(self._recorder.journal):
                self._drop(client)

    def _done(self, now: float) -> bool:
        if self._nobody_can_read and self._agent.alone:
            return True  # a journal that is full, or gone, takes no exit any more
        if not self._agent.exit_recorded:
            return False
        journal = self._recorder.journal
        all_taken = journal.acknowledged == journal.end and not self._recorder.waiting
        if not (all_taken or self._requests.leave):
            return False
        self._leaving_since = self._leaving_since or now
        unsent = any(client.wants_to_send(journal) for client in self._clients)
        return not unsent or now - self._leaving_since > LEAVING_LIMIT

    def _pause(self, now: float) -> float:
        """Seconds until something is due though nobody says anything."""
        if self._agent.killing:
            return KILL_PAUSE
        due = [self._folder_seen + FOLDER_CHECK]
        if self._recorder.waiting:
            due.append(now + DISK_RETRY)
        if self._leaving_since is not None:
            due.append(now + LEAVING_LIMIT / 10)
        due += [client.since + GREETING_LIMIT for client in self._clients if not client.attached]
        deadline = self._agent.next_deadline()
        if deadline is not None:
            due.append(deadline)
        return max(0.0, min(due) - now)

    def _read(self, output: Output) -> None:
        if output in self._agent.outputs:
            self._agent.read(output, time.monotonic())

    def _woken(self) -> None:
        """A child ended (`advance` reaps it), or somebody wants this runner to end (SIGTERM)."""
        if signal.SIGTERM in os.read(self._wake, 4096):
            self._end_all(time.monotonic())

    def _end_all(self, now: float) -> None:
        self._requests.leave = True
        self._agent.ask_end(now, TERM_GRACE)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:  # who knocked has gone again
            return
        client = Client(sock, time.monotonic())
        if not self._gate.admits(sock):
            self._requests.refuse(client, "agent", "a process of an agent may not attach")
        self._clients.append(client)

    def _serve(self, client: Client) -> None:
        try:
            frames = client.receive()
            if frames is None:
                return self._drop(client)
            for raw in frames:
                if not client.closing:
                    self._requests.handle(client, raw)
        except (FrameError, struct.error):
            self._drop(client)

    def _drop(self, client: Client) -> None:
        self._requests.gone(client)
        if client in self._clients:
            self._clients.remove(client)
            client.sock.close()


def _wake_on_signals() -> int:
    """Signals become bytes in a pipe; its reading end."""
    wake, end = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    return wake
