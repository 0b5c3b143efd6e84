"""Clients and strangers at a door, in a process of their own, as cheap as can be.

Run as a program: `python -m bench.knocking WHAT PORT COUNT …`, which prints `ready` and JSON lines.
`rate` [CERT]: COUNT connections, eight at a time, each to server_info and politely closed.
`hold` [CERT]: COUNT connections that stay after server_info until a line comes on stdin.
`refused`, `silent`, `wrong` SECONDS RUN: COUNT strangers at once, for so long: without a
credential, without a word but a byte now and then, and with another wrong password each time. On
this machine tries are counted by user, so those with passwords are as many users of it, in each run
others: that takes root. What they were told is counted too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import sys
import time
from collections import Counter
from itertools import count

from websockets.frames import Frame, Opcode

AT_ONCE = 8
_KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
_BYE = Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True)
_numbers = count()
_FIRST_USER = 20_000
_TOLD = (
    (b"Incorrect password", "compared"),
    (b"Too many wrong", "locked"),
    (b"Too many show", "busy"),
)


def upgrade(port: int, *offered: str) -> bytes:
    """The head of a request for a WebSocket."""
    protocols = f"Sec-WebSocket-Protocol: {', '.join(offered)}\r\n" if offered else ""
    return (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n"
        f"{protocols}\r\n"
    ).encode()


def hello(client: int | str) -> bytes:
    """The frame of a hello."""
    words = {"type": "hello", "clientId": f"bench-{client}", "clientType": "cli"}
    text = json.dumps({**words, "protocolVersion": 1, "appVersion": "0.1.65"}).encode()
    return Frame(Opcode.TEXT, text).serialize(mask=True)


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def enter(port: int, client: int, trust: ssl.SSLContext | None) -> Ends:
    """Connected, upgraded, greeted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
    writer.write(upgrade(port))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    writer.write(hello(client))
    await reader.readuntil(b"server_info")
    return reader, writer


async def rate(port: int, times: int, trust: ssl.SSLContext | None) -> None:
    left = iter(range(times))

    async def worker(client: int) -> None:
        for _ in left:
            reader, writer = await enter(port, client, trust)
            writer.write(_BYE)
            await reader.read()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for client in range(AT_ONCE):
            tasks.create_task(worker(client))
    print(json.dumps({"seconds": time.perf_counter() - begin}), flush=True)


async def hold(port: int, clients: int, trust: ssl.SSLContext | None) -> None:
    ends: list[Ends] = []
    left = iter(range(clients))

    async def worker() -> None:
        for client in left:
            ends.append(await enter(port, client, trust))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4 * AT_ONCE):
            tasks.create_task(worker())
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for _, writer in ends:
        writer.transport.abort()


async def strangers(what: str, port: int, at_once: int, seconds: float, run: int) -> None:
    """Prints how many tries there were, and what was answered how often."""
    tries = {"refused": refused, "silent": silent, "wrong": wrong}[what]
    end = time.monotonic() + seconds
    told: Counter[str] = Counter()

    async def worker(number: int) -> None:
        while time.monotonic() < end:
            told["tries"] += 1
            try:
                told[await tries(port, _FIRST_USER + run * at_once + number, end)] += 1
            except (OSError, EOFError):
                await asyncio.sleep(0.01)

    print("ready", flush=True)
    async with asyncio.TaskGroup() as tasks:
        for number in range(at_once):
            tasks.create_task(worker(number))
    print(json.dumps(told), flush=True)


async def refused(port: int, _: int, end: float) -> str:
    return await _said(port, upgrade(port), None, end)


async def wrong(port: int, user: int, end: float) -> str:
    guess = f"paseo.bearer.a-wrong-password-{next(_numbers)}"
    return await _said(port, upgrade(port, guess), user, end)


async def _said(port: int, request: bytes, user: int | None, end: float) -> str:
    """Asks, and reads until it is thrown out; gives why."""
    reader, writer = await asyncio.open_connection(sock=await _connected(port, user))
    try:
        writer.write(request)
        async with asyncio.timeout(max(0.01, end - time.monotonic())):
            answer = await reader.read()
    finally:
        writer.transport.abort()
    return next((what for words, what in _TOLD if words in answer), "other")


async def _connected(port: int, user: int | None) -> socket.socket:
    """A socket of this user's: the kernel keeps who made it."""
    own = os.geteuid()
    if user is not None:
        os.seteuid(user)
    try:
        made = socket.socket()
    finally:
        if user is not None:
            os.seteuid(own)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
    except BaseException:
        made.close()
        raise
    return made


async def silent(port: int, _: int, end: float) -> str:
    """A byte of a header each tenth of a second, for as long as it is let."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /ws HTTP/1.1\r\nX-Slow: ")
        while time.monotonic() < end and not reader.at_eof():
            writer.write(b"a")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await reader.read(1000)
    finally:
        writer.transport.abort()
    return "silent"


def main() -> None:
    what, port, number, *more = sys.argv[1:]
    if what in ("rate", "hold"):
        trust = ssl.create_default_context(cafile=more[0]) if more else None
        work = rate if what == "rate" else hold
        asyncio.run(work(int(port), int(number), trust))
    else:
        asyncio.run(strangers(what, int(port), int(number), float(more[0]), int(more[1])))


if __name__ == "__main__":
    main()
