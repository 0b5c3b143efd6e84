"""The agent in the runner's hands: its three pipes, its exit, and the end of all its processes."""

from __future__ import annotations

import os
import signal

from sereno.core.runners.process import tree
from sereno.core.runners.process.ending import KILL_PAUSE, Ending, Stage
from sereno.core.runners.process.family import family_of
from sereno.core.runners.process.lines import LineCutter
from sereno.core.runners.process.recorder import Recorder
from sereno.core.runners.process.spawn import Spawned
from sereno.core.runners.process.stdin import AgentInput
from sereno.core.runners.process.wire import OFFSET, PARTIAL, Kind

READ_SIZE = 64 * 1024
HALF_LINE_PATIENCE = 1.0
"""Seconds after which a line that does not end is journaled as it is."""
EXIT_PATIENCE = 0.2
"""Seconds that an agent has between the end of its output and its exit."""
MOST_LAST_READS = 256
"""A pipe holds 64 KiB unless the agent made it larger; only what cannot be killed writes on."""


class Output:
    """One of the agent's outputs."""

    def __init__(self, kind: Kind, fd: int) -> None:
        self.kind = kind
        self.fd = fd
        self.cutter = LineCutter()
        self.begun: float | None = None
        """When the line that is carried was begun."""


class Agent:
    """One agent program and everything that it starts. Times are monotonic, in seconds."""

    def __init__(self, spawned: Spawned, marker: str, recorder: Recorder) -> None:
        self.pid = spawned.pid
        self._family = family_of(spawned.pid, marker)
        self.input = AgentInput(spawned.stdin)
        self.outputs = [Output(Kind.OUT, spawned.stdout), Output(Kind.ERR, spawned.stderr)]
        self.ending = Ending()
        self.alone = False
        """No process of the agent is left."""
        self.exit_recorded = False
        self._status: int | None = None
        self._closed: list[tuple[Kind, float]] = []
        self._recorder = recorder

    @property
    def exited(self) -> bool:
        return self._status is not None

    def read(self, output: Output, now: float) -> bool:
        """Take what the agent says; False when there is nothing (more) for now."""
        try:
            data = os.read(output.fd, READ_SIZE)
        except BlockingIOError:
            return False
        if not data:
            self._close(output, now)
            return False
        parts, partial = output.cutter.feed(data)
        if parts:
            self._recorder.record(output.kind, *parts, partial=PARTIAL if partial else 0)
            output.begun = None
        if output.cutter.carried and output.begun is None:
            output.begun = now
        return True

    def _close(self, output: Output, now: float) -> None:
        self._flush(output)
        os.close(output.fd)
        self.outputs.remove(output)
        self._closed.append((output.kind, now))

    def _flush(self, output: Output) -> None:
        parts, _ = output.cutter.flush()
        if parts:
            self._recorder.record(output.kind, *parts, partial=PARTIAL)
        output.begun = None

    def write(self, write_id: int, data: bytes) -> None:
        """Take over a write; an id that was taken over before is ignored."""
        if self.input.open:
            if self.input.offer(write_id, data) and not self._recorder.waiting:
                self.write_on()
        elif write_id > self.input.accepted:
            self.input.accepted = write_id
            self._recorder.note("write_lost", write_id)

    def write_on(self) -> None:
        try:
            while (done := self.input.next_written()) is not None:
                self._recorder.record(Kind.WROTE, OFFSET.pack(done))
        except OSError:
            self._recorder.note("stdin_closed")
            self.close_input()

    def close_input(self) -> None:
        for write_id in self.input.close():
            self._recorder.note("write_lost", write_id)

    def ask_end(self, now: float, grace: float) -> None:
        """Begin, or hasten, the end of everything that belongs to the agent."""
        if not self.alone and self.ending.ask(now, grace):
            self._recorder.note("end_asked")
            self._family.watch()
            self.close_input()

    def reap(self) -> None:
        """Take note of every process that ended."""
        while not self.alone:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.alone = self._family.none_left()
                return
            if pid == 0:
                return
            if pid == self.pid:
                self._status = status

    def advance(self, now: float) -> None:
        """Do what time and the children's ends demand."""
        self.reap()
        if self.exited and not self.alone and self.ending.agent_gone(now):
            self._signal(signal.SIGTERM)
        match self.ending.due(now):
            case Stage.TERMINATED:
                self._signal(signal.SIGTERM)
            case Stage.REPORTED:
                self._recorder.note("processes_remain", self.remaining())
        if self.ending.stage is Stage.KILLED:
            self._signal(signal.SIGKILL)
        if self.alone and self.ending.stage is not Stage.REPORTED:
            self.ending.finish()
        self._note_closed(now)
        for output in self.outputs:
            if output.begun is not None and now - output.begun >= HALF_LINE_PATIENCE:
                self._flush(output)
        if self.exited and self.ending.stage is Stage.REPORTED and not self.exit_recorded:
            self._finish(now)

    def _note_closed(self, now: float) -> None:
        """An agent that lives on without an output is worth a note; one that is exiting is not."""
        while self._closed and (self.exited or now - self._closed[0][1] >= EXIT_PATIENCE):
            kind, _ = self._closed.pop(0)
            if not self.exited:
                self._recorder.note("stdout_closed" if kind is Kind.OUT else "stderr_closed")

    def _signal(self, number: int) -> None:
        self._family.signal(number)
        self.reap()

    def _finish(self, now: float) -> None:
        """Everybody is gone: what is still in the pipes, and then the exit, are the last words."""
        for output in [*self.outputs]:
            for _ in range(MOST_LAST_READS):
                if self._recorder.stalled:
                    return
                if not self.read(output, now):
                    break
            if output in self.outputs:
                self._close(output, now)
        if not self.outputs:
            self.close_input()
            self._recorder.record(Kind.EXIT, self._exit_words())
            self.exit_recorded = True

    def _exit_words(self) -> bytes:
        status = os.waitstatus_to_exitcode(self._status or 0)
        code, number = ("null", -status) if status < 0 else (status, "null")
        return f'{{"code":{code},"signal":{number}}}'.encode()

    def remaining(self) -> list[int]:
        """Pids of the agent's processes that live."""
        if self.alone:
            return []
        seen = [row.pid for row in self._family.left()]
        return seen or tree.children(os.getpid())  # another user's may be hidden from us

    def next_deadline(self) -> float | None:
        """When `advance` is due at the latest."""
        times = [output.begun + HALF_LINE_PATIENCE for output in self.outputs if output.begun]
        times += [since + EXIT_PATIENCE for _, since in self._closed]
        if self.ending.deadline is not None:
            times.append(self.ending.deadline)
        return min(times, default=None)

    @property
    def killing(self) -> bool:
        """Whether `advance` wants to be called again after KILL_PAUSE."""
        return self.ending.stage is Stage.KILLED and not self.alone


__all__ = ["KILL_PAUSE", "Agent", "Output"]
