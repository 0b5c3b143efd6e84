"""Two small proxies for tests, HTTP CONNECT and SOCKS5: every name leads to loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

__all__ = ["Proxy", "http_proxy", "socks_proxy"]

_Greeting = Callable[["Proxy", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[int | None]]


@dataclass
class Proxy:
    """`asked`: where it was to lead, as "host:port". `answer`: the status of all answers.
    `credentials`: what was shown, as the header holds it."""

    port: int = 0
    answer: str = "200 Connection established"
    asked: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)


async def _http(
    proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> int | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    verb, target, _ = head[0].split()
    assert verb == "CONNECT"
    proxy.asked.append(target)
    for line in head[1:]:
        name, _, value = line.partition(": ")
        if name.lower() == "proxy-authorization":
            proxy.credentials.append(value)
    writer.write(f"HTTP/1.1 {proxy.answer}\r\n\r\n".encode())
    return int(target.rpartition(":")[2]) if proxy.answer.startswith("200") else None


async def _socks(
    proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> int | None:
    """RFC 1928, without authentication, names only."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    assert await reader.readexactly(4) == b"\x05\x01\x00\x03"
    host = await reader.readexactly((await reader.readexactly(1))[0])
    port = int.from_bytes(await reader.readexactly(2), "big")
    proxy.asked.append(f"{host.decode()}:{port}")
    writer.write(b"\x05\x00\x00\x01" + bytes(6))
    return port


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def _running(greeting: _Greeting) -> AsyncIterator[Proxy]:
    proxy = Proxy()
    tasks: set[asyncio.Task[None]] = set()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            port = await greeting(proxy, reader, writer)
            if port is not None:
                there, other = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_pass(reader, other), _pass(there, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass  # Whoever it was has gone.
        finally:
            writer.close()

    def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(tunnel(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(arrived, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks)


@asynccontextmanager
async def http_proxy() -> AsyncIterator[Proxy]:
    async with _running(_http) as proxy:
        yield proxy


@asynccontextmanager
async def socks_proxy() -> AsyncIterator[Proxy]:
    async with _running(_socks) as proxy:
        yield proxy
