"""The socket under a link: bytes to frames, and a place to wait for news. No meaning here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sereno.core.runners.frames import FrameStream
from sereno.core.runners.model import Frame
from sereno.core.runners.process.wire import FrameError, frame

Received = Callable[[list[Frame], list[tuple[int, bytes]]], None]


class Connection(asyncio.Protocol):
    """One connected socket. `received` is called for all that came; `lost` when it is over."""

    def __init__(self, offset: int, received: Received, lost: Callable[[], None]) -> None:
        self.damage: FrameError | None = None
        self.lost = asyncio.Event()
        self._stream = FrameStream(offset)
        self._received = received
        self._on_lost = lost
        self._transport: asyncio.Transport | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self.damage is not None:
            return
        try:
            frames, others = self._stream.feed(data)
        except FrameError as error:
            self.damage = error
            self.abort()
            return
        self._received(frames, others)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self.lost.set()
        self._on_lost()

    def send(self, kind: int, data: bytes = b"") -> None:
        """A lost connection swallows it: who waits for an answer hears of the loss."""
        self.send_raw(frame(kind, data))

    def send_raw(self, data: bytes) -> None:
        if self._transport is not None and data:
            self._transport.write(data)

    def pause(self, wanted: bool) -> None:
        """Stop or go on reading the socket."""
        if self._transport is None or wanted == self._paused:
            return
        self._paused = wanted
        if wanted:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def aclose(self) -> None:
        """Send what is on its way, for at most a second, and close."""
        if self._transport is not None:
            self._transport.close()
        try:
            async with asyncio.timeout(1.0):
                await self.lost.wait()
        except TimeoutError:
            self.abort()
            await self.lost.wait()
