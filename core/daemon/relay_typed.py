"""Somebody who came to the place of a code: met on one data socket, and then it is closed.

The shell around relay_client/noise/typed.py, which says what to do; here are the socket, the clock
and a thread for its slow arithmetic. What comes of it is told to the pairings before the socket is
closed, which a relay can draw out.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Protocol

import anyio
import anyio.to_thread

from sereno.relay_client.connector import DataSocket, SocketClosed
from sereno.relay_client.noise.effects import Close, Send
from sereno.relay_client.noise.typed import Effect, Handed, TypedDaemon

__all__ = ["Register", "serve"]

log = logging.getLogger("sereno.relay")


class Register(Protocol):
    """The pairings, as far as codes go."""

    def meet(self, place: str, now: float) -> TypedDaemon | None: ...

    async def met(self, place: str, end: TypedDaemon | None) -> None: ...


async def serve(register: Register, place: str, socket: DataSocket) -> None:
    """One meeting, from its first frame to its end. Raises KeyError where the code has ended, and
    StoreError or HomeError where ending its offer left something on the disk."""
    end = register.meet(place, anyio.current_time())
    if end is None:
        await register.met(place, None)
        return
    try:
        await _converse(end, socket)
    finally:
        end.gone()
        with anyio.CancelScope(shield=True):  # A guess that was made counts in any case.
            await register.met(place, end)
    assert end.cause is not None  # `gone` gave one at the latest
    log.info("a code was tried: %s", end.cause.words)
    await socket.close(end.cause.code, end.cause.reason)


async def _converse(end: TypedDaemon, socket: DataSocket) -> None:
    while end.cause is None:
        for effect in await _next(end, socket):
            match effect:
                case Send(frame=frame):
                    with contextlib.suppress(SocketClosed):  # Read next, and told there.
                        await socket.send(frame)
                case Handed() | Close():
                    pass  # `end.cause` says it.


async def _next(end: TypedDaemon, socket: DataSocket) -> list[Effect]:
    """What the next frame, the time that went by, or the end of the socket leads to."""
    wakes_at = end.wakes_at
    assert wakes_at is not None  # until it ends
    frame: str | bytes | None = None
    with anyio.move_on_after(max(0.0, wakes_at - anyio.current_time())):
        try:
            frame = await socket.receive()
        except SocketClosed:
            return end.gone()
    if frame is None:
        return end.tick(anyio.current_time())
    return await anyio.to_thread.run_sync(end.receive, frame)
