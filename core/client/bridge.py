"""The blocking client's way through a relay: the asyncio one on a thread of its own.

For commands with a pairing link as their host, and for nothing else; core/client/blocking.py and
`sereno ls` load none of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Self

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ClientError, ConnectionLost, NoDaemon, Refused
from sereno.core.client.paired import PairedHost
from sereno.core.client.relayed import (
    ASK_S,
    PAIR_AGAIN,
    RelayedTransport,
    Words,
    open_relayed,
)
from sereno.core.protocol.frames import CloseCode

__all__ = ["RelayedClient"]

_FAREWELL_S = 3.0


class RelayedClient(SyncClient):
    """`fileno` is readable while a message waits, as with a socket."""

    def __init__(self, host: PairedHost, words: Words) -> None:
        self._pushes = deque()
        self._count = 0
        self.server_info = b""
        self._host = host
        self._words = words
        self._lock = threading.Condition()
        self._frames: deque[bytes] = deque()
        self._failed: ClientError | None = None
        self._ready = False
        self._readable, self._bell = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(self._bell, False)
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._transport: RelayedTransport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    @classmethod
    def through(
        cls, host: PairedHost, *, words: Words = lambda _: None, timeout_s: float = 20.0
    ) -> Self:
        """Connects, is let in, says hello and waits for the daemon's answer. Raises ClientError."""
        wait = timeout_s + (ASK_S if host.is_new else 0.0)
        deadline = time.monotonic() + wait
        client = cls(host, words)
        client._thread.start()
        try:
            client._until_ready(deadline)
            client._greet(deadline)
        except BaseException:
            client.close()
            raise
        return client

    def _until_ready(self, deadline: float) -> None:
        with self._lock:
            while not self._ready:
                if self._failed is not None:
                    raise self._failed
                if not self._lock.wait(max(0.0, deadline - time.monotonic())):
                    raise NoDaemon(
                        "host_timeout",
                        f"the daemon behind {self._host.endpoint.authority} does not answer",
                        "Check the network, and whether the daemon runs",
                    )

    # On the thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # Closed while it was opening.
                self._loop.run_until_complete(self._live())
        finally:
            self._loop.close()

    async def _live(self) -> None:
        self._over = asyncio.Event()
        try:
            self._transport = await open_relayed(
                self._host, self._received, self._lost, self._words
            )
        except ClientError as error:
            self._fail(error)
            return
        with self._lock:
            self._ready = True
            self._lock.notify_all()
        await self._over.wait()

    def _received(self, frames: list[bytes]) -> None:
        with self._lock:
            self._frames += frames
            self._tell()

    def _lost(self, code: int, reason: str) -> None:
        words = f"the daemon closed the connection ({code}{': ' + reason if reason else ''})"
        if code == CloseCode.UNAUTHORISED:
            self._fail(Refused("revoked", "this device was revoked at the daemon", PAIR_AGAIN))
        else:
            self._fail(ConnectionLost(words, close_code=code, reason=reason))
        self._over.set()

    def _fail(self, error: ClientError) -> None:
        with self._lock:
            self._failed = self._failed or error
            self._tell()

    def _tell(self) -> None:
        """With the lock held: wakes who waits for a frame, and who polls `fileno`."""
        self._lock.notify_all()
        if not self._closed:
            with contextlib.suppress(BlockingIOError):  # It rings already.
                os.write(self._bell, b"!")

    # SyncClient's bytes

    def fileno(self) -> int:
        return self._readable

    def send_bytes(self, frame: bytes) -> None:
        self._on_loop(lambda transport: transport.write(frame))

    def receive_bytes(self, timeout_s: float | None) -> bytes | None:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._lock:
            while not self._frames:
                if self._failed is not None:
                    raise self._failed
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._lock.wait(left)
            frame = self._frames.popleft()
            if not self._frames and self._failed is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._readable, 65_536)
        return frame

    def close(self) -> None:
        """Says goodbye, if somebody still listens, and lets go."""
        with contextlib.suppress(RuntimeError):  # The loop has ended, which is what we wanted.
            self._loop.call_soon_threadsafe(self._shut)
        if self._thread.ident is not None:
            self._thread.join(_FAREWELL_S)
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._readable)
                os.close(self._bell)

    def _shut(self) -> None:
        if self._transport is not None:
            self._transport.shut()
        else:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()

    def _on_loop(self, act: Callable[[RelayedTransport], None]) -> None:
        with self._lock:
            if self._failed is not None:
                raise self._failed
        assert self._transport is not None  # `through` waits for it
        self._loop.call_soon_threadsafe(act, self._transport)
