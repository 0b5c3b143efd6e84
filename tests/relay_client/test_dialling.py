"""One WebSocket to a relay: TLS and who it is believed to be (T15, C-28, C-29), IPv6, refusals."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from cryptography import x509
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from sereno.relay_client import addresses
from sereno.relay_client.dialling import Dialler, dial_client
from sereno.relay_client.endpoints import Endpoint, parse_endpoint
from sereno.relay_client.pins import BadPin, format_pin, parse_pin, pin_of
from sereno.relay_client.reasons import RelayError
from sereno.relay_client.sockets import DataSocket
from tests import certificates
from tests.certificates import Certificate
from tests.relay_client.misbehaving import Socket, liar
from tests.relay_server.running import LIMIT_S, relay

SERVER_ID = "srv_AAECAwQFBgcI"


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificates.made(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1", "IP:::1")


@pytest.fixture
def trusted(ours: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The machine trusts it as it would trust an authority of its owner's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.cert))
    return ours


def pin(certificate: Certificate) -> bytes:
    der = ssl.PEM_cert_to_DER_cert(certificate.cert.read_text())
    return pin_of(der)


async def refused(endpoint: Endpoint, pins: tuple[bytes, ...] = ()) -> RelayError:
    with anyio.fail_after(LIMIT_S), pytest.raises(RelayError) as error:
        await dial_client(endpoint, SERVER_ID, pins=pins)
    assert SERVER_ID not in str(error.value)
    assert error.value.message.endswith(".")
    return error.value


async def greeting(socket: Socket) -> None:
    await socket.wire.send("hello")
    async for _ in socket.wire:
        pass


async def said(socket: DataSocket) -> str | bytes:
    with anyio.fail_after(LIMIT_S):
        return await socket.receive()


@asynccontextmanager
async def tls_server(
    certificate: Certificate, *, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncIterator[tuple[Endpoint, list[str]]]:
    """And what was asked of it, which a client that does not believe it must not tell."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    context.maximum_version = newest
    asked: list[str] = []

    async def before(connection_id: str | None) -> None:
        asked.append("asked")

    async with liar(greeting, tls=context, before=before) as url:
        yield parse_endpoint(url), asked


async def test_c28_a_relay_with_a_certificate_that_is_trusted_is_dialled(
    trusted: Certificate,
) -> None:
    async with relay(tls=(trusted.cert, trusted.key)) as running:
        endpoint = parse_endpoint(running.url)
        assert endpoint.tls
        client = await dial_client(endpoint, SERVER_ID, pins=(pin(trusted),))
        await client.close()


async def test_t15_a_self_signed_certificate_is_refused(ours: Certificate) -> None:
    async with tls_server(ours) as (endpoint, asked):
        assert (await refused(endpoint)).code == "relay_untrusted"
    assert asked == []


async def test_t15_an_expired_certificate_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired = certificates.made(tmp_path, "IP:127.0.0.1", expired=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(expired.cert))
    async with tls_server(expired) as (endpoint, asked):
        assert (await refused(endpoint)).code == "relay_expired"
    assert asked == []


async def test_t15_a_certificate_of_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = certificates.made(tmp_path, "DNS:relay.example", "IP:127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.cert))
    async with tls_server(other) as (endpoint, asked):
        assert (await refused(endpoint)).code == "relay_wrong_name"
    assert asked == []


async def test_t15_tls_1_2_is_refused(trusted: Certificate) -> None:
    """By a server that says so; asyncio's own hangs up without a word."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted.cert, trusted.key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    heard: list[bytes] = []

    def serve_one(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        connection.settimeout(LIMIT_S)
        with connection, contextlib.suppress(ssl.SSLError):
            heard.append(context.wrap_socket(connection, server_side=True).recv(100))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(LIMIT_S)
        endpoint = Endpoint("127.0.0.1", listening.getsockname()[1], tls=True)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, serve_one, listening)
            assert (await refused(endpoint)).code == "relay_old_tls"
    async with tls_server(trusted, newest=ssl.TLSVersion.TLSv1_2) as (endpoint, asked):
        error = await refused(endpoint)
        assert error.code == "relay_broken"
        assert "TLS 1.3" in error.next_step
    assert asked == heard == []


async def test_t15_no_setting_of_the_environment_leaves_the_check_out(
    ours: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONHTTPSVERIFY", "NODE_TLS_REJECT_UNAUTHORIZED", "SSL_VERIFY"):
        monkeypatch.setenv(name, "0")
    async with tls_server(ours) as (endpoint, asked):
        assert (await refused(endpoint)).code == "relay_untrusted"
    assert asked == []


async def test_c29_with_a_pin_a_valid_certificate_of_another_key_is_refused(
    trusted: Certificate, tmp_path: Path
) -> None:
    """Before the relay is told whom we want."""
    other = certificates.made(tmp_path, "IP:127.0.0.1")
    async with tls_server(trusted) as (endpoint, asked):
        error = await refused(endpoint, pins=(pin(other),))
        assert error.code == "relay_pin"
        assert format_pin(pin(trusted)) in error.message
    assert asked == []


async def test_c29_the_pin_of_the_next_key_may_stand_beside_it(
    trusted: Certificate, tmp_path: Path
) -> None:
    other = certificates.made(tmp_path, "IP:127.0.0.1")
    async with tls_server(trusted) as (endpoint, _):
        client = await dial_client(endpoint, SERVER_ID, pins=(pin(other), pin(trusted)))
        assert await said(client) == "hello"
        await client.close()


async def test_c29_a_pin_replaces_no_other_check(ours: Certificate) -> None:
    async with tls_server(ours) as (endpoint, asked):
        assert (await refused(endpoint, pins=(pin(ours),))).code == "relay_untrusted"
    assert asked == []


async def test_c29_a_pin_is_not_left_unused_without_tls() -> None:
    endpoint = Endpoint("127.0.0.1", 9, tls=False)
    assert (await refused(endpoint, pins=(b"\x00" * 32,))).code == "relay_pin"


async def test_a_trust_store_that_was_mended_is_read_again(
    ours: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tls_server(ours) as (endpoint, _):
        dialler = Dialler(endpoint)
        url = endpoint.url(SERVER_ID, "server")
        with pytest.raises(RelayError):
            await dialler.dial(url, 1000)
        monkeypatch.setenv("SSL_CERT_FILE", str(ours.cert))
        connection = await dialler.dial(url, 1000)
        await connection.close()


def test_pins_are_written_as_rfc_7469_has_them(ours: Certificate) -> None:
    certificate = x509.load_pem_x509_certificate(ours.cert.read_bytes())
    assert len(pin(ours)) == 32
    text = format_pin(pin(ours))
    assert text.startswith("sha256/")
    assert parse_pin(text) == parse_pin(text.replace("/", "//", 1)) == pin(ours)
    assert certificate.subject  # It is a certificate that was pinned, not something else.
    for bad in ("", "md5/AAAA", "sha256/", "sha256/AAAA", "sha256/!", text[:-2], "sha256/é"):
        with pytest.raises(BadPin):
            parse_pin(bad)


async def test_ipv6_without_and_with_tls(trusted: Certificate) -> None:
    async with liar(greeting, host="::1") as url:
        client = await dial_client(parse_endpoint(url), SERVER_ID)
        assert await said(client) == "hello"
        await client.close()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted.cert, trusted.key)
    async with liar(greeting, host="::1", tls=context) as url:
        client = await dial_client(parse_endpoint(url), SERVER_ID)
        assert await said(client) == "hello"
        await client.close()


async def test_a_relay_that_speaks_no_tls_and_one_that_speaks_nothing_else(
    trusted: Certificate,
) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        with contextlib.suppress(OSError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(Endpoint("127.0.0.1", port, tls=True))
        assert error.code == "relay_no_tls"
        assert error.next_step == f"Write ws://127.0.0.1:{port}."
    async with tls_server(trusted) as (endpoint, _):
        error = await refused(Endpoint(endpoint.host, endpoint.port, tls=False))
        assert error.code in ("not_a_relay", "relay_broken")
        assert f"wss://{endpoint.authority}" in error.next_step


async def test_nobody_there_and_no_such_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert (await refused(Endpoint("127.0.0.1", port, tls=False))).code == "relay_unreachable"
    assert (await refused(Endpoint("a..b", 1, tls=False))).code == "relay_unknown_host"

    async def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nobody)
    assert (await refused(Endpoint("relay.example", 1, tls=False))).code == "relay_unknown_host"


async def test_who_does_not_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sereno.relay_client.dialling.OPEN_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = Endpoint("127.0.0.1", silent.getsockname()[1], tls=False)
        assert (await refused(endpoint)).code == "relay_timeout"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (302, "relay_redirects"),
        (400, "not_a_relay"),
        (404, "not_a_relay"),
        (429, "relay_busy"),
        (503, "relay_busy"),
    ],
)
async def test_an_http_answer_is_told_as_what_it_means(status: int, code: str) -> None:
    asked = 0

    def answer(connection: ServerConnection, request: Request) -> Response:
        nonlocal asked
        asked += 1
        response = connection.respond(HTTPStatus(status), "no")
        response.headers["Location"] = request.path  # To be followed by nobody.
        return response

    async def never(_: ServerConnection) -> None:
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=answer) as server:
        endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1], tls=False)
        assert (await refused(endpoint)).code == code
    assert asked == 1


async def test_an_address_that_does_not_answer_does_not_keep_the_next_one_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine that believes to have IPv6, and has not."""
    async with liar(greeting) as url:
        port = parse_endpoint(url).port
        with socket.create_server(("127.0.0.1", 0), backlog=1) as hole:
            there = hole.getsockname()
            rows = [(2, 1, 6, "", there), (2, 1, 6, "", ("127.0.0.1", port))]

            async def both(*_: object, **__: object) -> object:
                return rows

            loop = asyncio.get_running_loop()
            connect = loop.sock_connect

            async def never(connection: socket.socket, address: object) -> None:
                if address == there:
                    await anyio.sleep_forever()
                await connect(connection, address)  # type: ignore[arg-type]

            monkeypatch.setattr(loop, "getaddrinfo", both)
            monkeypatch.setattr(loop, "sock_connect", never)
            with anyio.fail_after(LIMIT_S):
                found = await addresses.connect_tcp("relay.example", port)
            assert found.getpeername() == ("127.0.0.1", port)
            found.close()


async def test_no_id_is_logged_by_whoever_dials(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with liar(greeting) as url:
        client = await dial_client(parse_endpoint(url), SERVER_ID)
        assert await said(client) == "hello"
        await client.close()
    dialling = [one for one in caplog.records if one.name.startswith("sereno.relay")]
    assert SERVER_ID not in " ".join(one.getMessage() for one in dialling)
