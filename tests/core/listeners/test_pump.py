"""The pump: everything that arrived is read before the end is told, and a full socket is said."""

from __future__ import annotations

import socket
from collections.abc import Callable

import anyio

from sereno.core.listeners.pump import HIGH, Pump


class Told:
    """A Reader that remembers."""

    def __init__(self) -> None:
        self.data = b""
        self.events: list[str] = []
        self.on_data: Callable[[], None] = lambda: None

    def received(self, data: bytes) -> None:
        self.data += data
        self.on_data()

    def ended(self) -> None:
        self.events.append("ended")

    def busy(self) -> None:
        self.events.append("busy")

    def drained(self) -> None:
        self.events.append("drained")

    async def until(self, *events: str) -> None:
        with anyio.fail_after(5):
            while self.events != list(events):
                await anyio.sleep(0.001)


def pair() -> tuple[Pump, Told, socket.socket]:
    ours, theirs = socket.socketpair()
    told = Told()
    return Pump(ours, told), told, theirs


async def test_what_was_sent_before_the_end_is_read_although_a_write_failed() -> None:
    pump, told, theirs = pair()
    for number in range(100):
        theirs.send(f"{number:05},".encode() * 2_000 if number == 0 else b"more,")
    theirs.close()
    pump.write(b"nobody hears this")
    pump.write(b"nor this")
    await told.until("ended")
    assert told.data.endswith(b"more," * 99)


async def test_a_failed_write_while_reading_is_paused_still_reads_to_the_end() -> None:
    pump, told, theirs = pair()
    pump.pause()
    theirs.send(b"last words")
    theirs.close()
    pump.write(b"x")
    await told.until("ended")
    assert told.data == b"last words"


async def test_a_full_socket_is_busy_once_and_drained_once_and_nothing_is_lost() -> None:
    pump, told, theirs = pair()
    sent = b""
    number = 0
    while "busy" not in told.events:
        piece = f"{number:06}".encode() * 5_000
        pump.write(piece)
        sent += piece
        number += 1
        assert len(sent) < 20 * HIGH
    pump.write(b"tail")
    assert told.events == ["busy"]
    theirs.setblocking(False)
    got = b""
    with anyio.fail_after(10):
        while len(got) < len(sent) + 4:
            try:
                got += theirs.recv(1 << 16)
            except BlockingIOError:
                await anyio.sleep(0.001)
    assert got == sent + b"tail"
    assert told.events == ["busy", "drained"]
    theirs.close()
    await told.until("busy", "drained", "ended")


async def test_close_sends_what_waits() -> None:
    pump, told, theirs = pair()
    pump.write(b"x" * (4 * HIGH))
    pump.close()
    pump.write(b"too late")
    assert told.events == ["busy"]
    theirs.setblocking(False)
    got = 0
    with anyio.fail_after(10):
        while True:
            try:
                data = theirs.recv(1 << 16)
            except BlockingIOError:
                await anyio.sleep(0.001)
                continue
            if not data:
                break
            got += len(data)
    assert got == 4 * HIGH
    assert told.events[-1] == "ended"
    theirs.close()


async def test_a_paused_pump_takes_nothing() -> None:
    pump, told, theirs = pair()
    pump.pause()
    theirs.send(b"later")
    await anyio.sleep(0.02)
    assert told.data == b""
    pump.resume()
    with anyio.fail_after(5):
        while told.data != b"later":
            await anyio.sleep(0.001)
    pump.abort()
    pump.abort()
    assert told.events == ["ended"]
    theirs.close()


async def test_aborting_from_within_a_read_is_safe() -> None:
    pump, told, theirs = pair()
    told.on_data = pump.abort
    theirs.send(b"x")
    await told.until("ended")
    pump.write(b"y")
    pump.close()
    assert told.events == ["ended"]
    theirs.close()
