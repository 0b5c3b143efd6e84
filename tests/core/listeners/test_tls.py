"""TLS on a direct address: who is served how, renewed files, and words for what is mixed up."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from websockets.asyncio.client import ClientConnection, connect

from sereno.core.listeners.tls import TlsContext, TlsRefused
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from tests.certificates import Certificate, made
from tests.core.listeners.house import HELLO, PING
from tests.core.listeners.street import Street, ask, get, hang_up, status_of, street


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return made(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1")


def trusting(cert: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(cert))


@contextlib.asynccontextmanager
async def served(files: Certificate) -> AsyncIterator[tuple[Street, ClientConnection]]:
    tls = TlsContext(files.cert, files.key)
    async with street(tls=tls) as place, opened(place, files.cert) as client:
        yield place, client


@contextlib.asynccontextmanager
async def opened(place: Street, cert: Path) -> AsyncIterator[ClientConnection]:
    url = place.ws.replace("ws", "wss", 1)
    async with connect(url, ssl=trusting(cert), compression=None, max_size=None, proxy=None) as one:
        await one.send((HELLO % (b"c1", b"cli")).decode())
        await one.recv()
        yield one


async def asked(place: Street, context: ssl.SSLContext, head: str) -> bytes:
    reader, writer = await asyncio.open_connection(*place.address, ssl=context)
    writer.write(head.encode())
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        await hang_up(writer)


async def test_t25_a_client_over_tls_is_served_as_any_other(files: Certificate) -> None:
    async with served(files) as (place, one):
        await one.send(PING.decode())
        assert "pong" in str(await one.recv())
        (channel,) = place.listener._channels
        assert channel.peer == Peer("same-user:owner", Role.OWNER, "tls")
        context = trusting(files.cert)
        assert status_of(await asked(place, context, get("/api/health"))) == 200


async def test_large_messages_pass_both_ways(files: Certificate) -> None:
    async with served(files) as (_, one):
        text = "x" * (8 << 20)
        await one.send(
            '{"type":"session","message":{"type":"fetch_agent_request","requestId":"r",'
            f'"agentId":"{text}"}}}}'
        )
        async with asyncio.timeout(10):
            assert "Agent not found" in str(await one.recv())


async def test_a_polite_end_and_a_cut_leave_nothing_behind(files: Certificate) -> None:
    async with street(tls=TlsContext(files.cert, files.key)) as place:
        async with opened(place, files.cert):
            pass
        for politely in (True, False):
            reader, writer = await asyncio.open_connection(*place.address, ssl=trusting(files.cert))
            if politely:
                await hang_up(writer)
            else:
                writer.transport.abort()
            del reader
        with anyio.fail_after(5):
            while place.listener._arrivals or place.listener._channels:
                await anyio.sleep(0.005)


async def test_what_speaks_no_tls_is_told_so_in_plain(files: Certificate) -> None:
    async with street(tls=TlsContext(files.cert, files.key)) as place:
        answer = await ask(place.address, get("/api/health"))
        assert status_of(answer) == 400
        assert b"speaks TLS" in answer
        noise = await ask(place.address, b"\x16" + os.urandom(400))
        assert b"HTTP" not in noise


async def test_t15_t25_old_versions_are_refused(files: Certificate) -> None:
    async with street(tls=TlsContext(files.cert, files.key)) as place:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = trusting(files.cert)
            context.minimum_version = context.maximum_version = version
            assert status_of(await asked(place, context, get("/api/health"))) == 200
        command = ["openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect"]
        command += [f"127.0.0.1:{place.address[1]}"]
        done = await anyio.run_process(command, check=False, input=b"")
        assert done.returncode != 0


async def test_new_files_are_for_new_connections_and_the_old_ones_stay(tmp_path: Path) -> None:
    first = made(tmp_path, "IP:127.0.0.1")
    tls = TlsContext(first.cert, first.key)
    async with street(tls=tls) as place:
        old = trusting(first.cert)
        async with opened(place, first.cert) as one:
            second = made(tmp_path, "IP:127.0.0.1")
            assert status_of(await asked(place, old, get("/api/health"))) == 200
            tls.reload()
            new = trusting(second.cert)
            assert status_of(await asked(place, new, get("/api/health"))) == 200
            with pytest.raises(ssl.SSLCertVerificationError):
                await asked(place, old, get("/api/health"))
            second.key.write_text("no key")
            with pytest.raises(TlsRefused):
                tls.reload()
            assert status_of(await asked(place, new, get("/api/health"))) == 200
            await one.send(PING.decode())
            assert "pong" in str(await one.recv())


@pytest.mark.parametrize("wrong", ["missing", "garbage", "other", "open", "passphrase"])
def test_files_that_cannot_be_used_are_named_with_the_way_out(
    files: Certificate, tmp_path: Path, wrong: str
) -> None:
    key = tmp_path / "key.pem"
    match wrong:
        case "garbage":
            key.write_text("no key")
        case "other":
            key.write_bytes(made(tmp_path / "other", "IP:127.0.0.1").key.read_bytes())
        case "open":
            key.write_bytes(files.key.read_bytes())
        case "passphrase":
            command = ["openssl", "ec", "-in", str(files.key), "-aes128", "-passout", "pass:x"]
            subprocess.run([*command, "-out", str(key)], check=True, capture_output=True)
    if wrong != "missing":
        key.chmod(0o644 if wrong == "open" else 0o600)
    with pytest.raises(TlsRefused) as caught:
        TlsContext(files.cert, key)
    assert str(key) in str(caught.value)
    assert caught.value.next_step


async def test_t31_handshakes_that_never_end_make_room(files: Certificate) -> None:
    async with street(tls=TlsContext(files.cert, files.key)) as place:
        flood = []
        for _ in range(100):
            reader, writer = await asyncio.open_connection(*place.address)
            writer.write(b"\x16\x03\x01")
            flood.append(writer)
            del reader
        with anyio.fail_after(5):
            context = trusting(files.cert)
            assert status_of(await asked(place, context, get("/api/health"))) == 200
        for writer in flood:
            await hang_up(writer)
