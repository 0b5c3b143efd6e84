"""The daemon's link to one living runner: frames up, writes with ids down.

Nothing is decided here: what the frames mean is the providers', what is committed the agents'
matter. Reading stops while nobody takes the frames, so the journal stays the only large buffer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import msgspec

from sereno.core.runners.connection import Connection
from sereno.core.runners.dead import sweep
from sereno.core.runners.frames import Welcome
from sereno.core.runners.model import (
    MIB,
    EndResult,
    Frame,
    JournalGap,
    RunnerError,
    RunnerGone,
    RunnerInfo,
    RunnerVersionError,
    Stream,
)
from sereno.core.runners.process.wire import (
    GREETING,
    MAGIC,
    OFFSET,
    PROTOCOL_NEWEST,
    PROTOCOL_OLDEST,
    Kind,
)
from sereno.core.runners.writes import WriteQueue

READ_AHEAD = 4 * MIB
"""Bytes that are taken from the socket while nobody takes the frames."""
END_SLACK = 10.0
"""Seconds that a runner may need beyond the grace to kill and to verify."""

Closed = Literal["", "closed", "replaced", "gone", "damaged"]


class RunnerLink:
    """One attached connection. Made by `attach`."""

    def __init__(self, info: RunnerInfo, offset: int) -> None:
        self.info = info
        self.stalled = ""
        """Why the runner does not read the agent now: "", journal_full, disk_full, disk_error."""
        self.closed_because: Closed = ""
        """Why the frames ended: "replaced" by a newer daemon, the runner is "gone", and so on."""
        self.connection = Connection(offset, self._received, self._lost)
        self._offset = offset
        self._writes = WriteQueue()
        self._ready: list[Frame] = []
        self._ready_bytes = 0
        self._welcome: Welcome | None = None
        self._refusal = ""
        self._ended: EndResult | None = None
        self._ending = 0
        self._frames_news = asyncio.Event()
        self._answer_news = asyncio.Event()

    async def frames(self) -> AsyncIterator[list[Frame]]:
        """Batches of all that is ready. Ends when the link is closed: see `closed_because`."""
        while True:
            await self._frames_news.wait()
            if self._ready:
                batch, self._ready, self._ready_bytes = self._ready, [], 0
                self._mind_reading()
                yield batch
            elif self.closed_because:
                return
            else:
                self._frames_news.clear()

    async def write(self, write_id: int, data: bytes) -> None:
        """Send a write to the agent. Does not wait for it: a WROTE frame says that it is done.

        Ids rise; one that the runner has taken over is not sent again, whoever sent it. Raises
        RunnerGone, or RunnerError (too_long, not_reading, replaced, closed).
        """
        self._must_be_open()
        self._writes.add(write_id, data)
        self.connection.send_raw(self._writes.take())

    async def acknowledge(self, offset: int) -> None:
        """Everything before `offset` (a `Frame.end`) is committed and may be dropped.

        When the agent has exited and everything is acknowledged, the runner goes. On a closed
        link this does nothing: the next one says it again.
        """
        self.connection.send(Kind.ACKNOWLEDGE, OFFSET.pack(offset))

    async def end(self, grace_s: float = 3.0) -> EndResult:
        """End the agent and all its processes; returns when the runner has verified it.

        Half of the grace (seconds) passes after the end of its input, half after TERM, then comes
        KILL. A runner that is dead, or does not answer, is swept away with all below it. Frames
        may be taken meanwhile or afterwards. Raises RunnerError (replaced, closed).
        """
        if self.closed_because in ("replaced", "closed"):
            self._must_be_open()
        if not self._ending:
            self._ended = None
        self._ending += 1
        self._mind_reading()
        self.connection.send(Kind.END, OFFSET.pack(max(0, round(grace_s * 1000))))
        try:
            async with asyncio.timeout(grace_s + END_SLACK):
                while self._ended is None and not self.closed_because:
                    self._answer_news.clear()
                    await self._answer_news.wait()
        except TimeoutError:
            self.closed_because = "damaged"
            self.connection.abort()
        finally:
            self._ending -= 1
        if self._ended is not None:
            return self._ended
        if self.closed_because in ("replaced", "closed"):
            self._must_be_open()
        return await sweep(self.info.folder, runner_too=True)

    async def leave(self) -> None:
        """Tell the runner to go once the agent has exited, also when not all is acknowledged."""
        self._must_be_open()
        self.connection.send(Kind.LEAVE)

    async def aclose(self) -> None:
        """Detach. Runner and agent go on; what was written goes out first."""
        self.closed_because = self.closed_because or "closed"
        self._wake()
        await self.connection.aclose()

    async def greet(self) -> None:
        """Say hello and wait for the answer. Called by `attach`."""
        hello = GREETING.pack(MAGIC, PROTOCOL_OLDEST, PROTOCOL_NEWEST, self._offset)
        self.connection.send(Kind.HELLO, hello)
        while self._welcome is None and not self._refusal and not self.closed_because:
            self._answer_news.clear()
            await self._answer_news.wait()
        if self._welcome is None:
            raise self._refused()

    def _received(self, frames: list[Frame], others: list[tuple[int, bytes]]) -> None:
        for kind, data in others:
            self._answered(kind, data)
        if not frames:
            return
        settled = -1
        for frame in frames:
            self._ready_bytes += len(frame.data) + 64
            if frame.stream is Stream.WROTE:
                settled = frame.write_id
            elif frame.stream is Stream.NOTE and frame.data.startswith(b"write_lost:"):
                settled = int(frame.data.partition(b":")[2])
        self._ready += frames
        if settled >= 0:
            self._writes.settled(settled)
            self.connection.send_raw(self._writes.take())
        self._frames_news.set()
        self._mind_reading()

    def _answered(self, kind: int, data: bytes) -> None:
        match kind:
            case Kind.WELCOME:
                self._welcome = msgspec.json.decode(data, type=Welcome)
                self.stalled = self._welcome.stalled
                self._writes.welcome(self._welcome.accepted, self._welcome.pending)
            case Kind.REFUSED:
                self._refusal = data.decode()
            case Kind.ENDED:
                remaining = msgspec.json.decode(data)["remaining"]
                self._ended = EndResult(tuple(remaining))
            case Kind.REPLACED:
                self.closed_because = self.closed_because or "replaced"
            case Kind.STALLED:
                self.stalled = data.decode()
        self._wake()

    def _lost(self) -> None:
        if not self.closed_because:
            self.closed_because = "damaged" if self.connection.damage else "gone"
        self._wake()

    def _wake(self) -> None:
        self._answer_news.set()
        self._frames_news.set()

    def _mind_reading(self) -> None:
        """Whoever waits for the end must hear of it though nobody takes the frames before it."""
        self.connection.pause(self._ready_bytes > READ_AHEAD and not self._ending)

    def _must_be_open(self) -> None:
        match self.closed_because:
            case "":
                return
            case "replaced":
                raise RunnerError(
                    "replaced",
                    f"Another daemon took over the runner of agent {self.info.agent_id}.",
                    "Use that daemon; this one should stop.",
                )
            case "closed":
                raise RunnerError("closed", "This link was closed.", "Attach again.")
            case _:
                raise RunnerGone(
                    "gone",
                    f"The runner of agent {self.info.agent_id} does not answer any more.",
                    "What the agent said is in its journal; start the agent again to go on.",
                )

    def _refused(self) -> RunnerError:
        code, _, detail = self._refusal.partition(":")
        match code:
            case "version":
                return RunnerVersionError(
                    "version",
                    f"The runner of agent {self.info.agent_id} speaks protocol {detail}, this "
                    f"daemon {PROTOCOL_OLDEST}-{PROTOCOL_NEWEST}.",
                    "Use a release of Sereno nearer to the one that started the agent, or stop it.",
                )
            case "offset":
                first, _, end = detail.partition("-")
                return JournalGap(self._offset, int(first), int(end))
            case "agent":
                return RunnerError(
                    "refused",
                    f"The runner of agent {self.info.agent_id} refused this daemon, because it "
                    "was started from inside another agent.",
                    "Stop this daemon and start it from a shell of your own.",
                )
        words = f"refused this daemon: {detail or code}" if code else "closed the connection"
        return RunnerError(
            "refused",
            f"The runner of agent {self.info.agent_id} (process {self.info.runner.pid}) {words}.",
            "Restart the daemon (`sereno daemon restart`); the agent goes on meanwhile.",
        )
