"""Through which proxy a relay is dialled, by what the environment says."""

from __future__ import annotations

import base64
import os
import ssl
from pathlib import Path

import anyio
import pytest

from sereno.relay_client.dialling import dial_client
from sereno.relay_client.endpoints import Endpoint, parse_endpoint
from sereno.relay_client.proxies import proxy_for
from sereno.relay_client.reasons import RelayError
from sereno.relay_client.sockets import DataSocket
from tests import certificates
from tests.relay_client.misbehaving import Socket, liar
from tests.relay_client.proxying import http_proxy, socks_proxy
from tests.relay_server.running import LIMIT_S

SERVER_ID = "srv_AAECAwQFBgcI"


@pytest.fixture(autouse=True)
def _no_proxy_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)


async def greeting(socket: Socket) -> None:
    await socket.wire.send("hello")
    async for _ in socket.wire:
        pass


async def greeted(endpoint: Endpoint) -> None:
    with anyio.fail_after(LIMIT_S):
        client: DataSocket = await dial_client(endpoint, SERVER_ID)
        assert await client.receive() == "hello"
        await client.close()


async def refused(endpoint: Endpoint) -> RelayError:
    with anyio.fail_after(LIMIT_S), pytest.raises(RelayError) as error:
        await dial_client(endpoint, SERVER_ID)
    return error.value


def named(url: str) -> Endpoint:
    """The same relay by a name that only the proxy can look up."""
    endpoint = parse_endpoint(url)
    return Endpoint("relay.example", endpoint.port, endpoint.tls)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY", "ws_proxy"])
async def test_an_http_proxy_leads_there_and_is_shown_its_password(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with liar(greeting) as url, http_proxy() as proxy:
        monkeypatch.setenv(variable, f"http://me:se%20cret@127.0.0.1:{proxy.port}")
        endpoint = named(url)
        await greeted(endpoint)
    assert proxy.asked == [endpoint.authority]
    assert proxy.credentials == ["Basic " + base64.b64encode(b"me:se cret").decode()]


async def test_tls_goes_through_the_proxy_and_is_checked_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certificates.made(tmp_path, "DNS:relay.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    async with liar(greeting, tls=context) as url, http_proxy() as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        assert (await refused(named(url))).code == "relay_untrusted"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.cert))
        await greeted(named(url))
        other = Endpoint("other.example", parse_endpoint(url).port, tls=True)
        assert (await refused(other)).code == "relay_wrong_name"
    assert len(proxy.asked) == 3


@pytest.mark.parametrize("variable", ["socks_proxy", "https_proxy", "ALL_PROXY"])
async def test_a_socks_proxy_leads_there_and_looks_the_name_up(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with liar(greeting) as url, socks_proxy() as proxy:
        monkeypatch.setenv(variable, f"socks5h://127.0.0.1:{proxy.port}")
        endpoint = named(url)
        await greeted(endpoint)
    assert proxy.asked == [endpoint.authority]


async def test_a_socks_proxy_without_its_package_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def missing(*_: object, **__: object) -> None:
        raise ImportError("connecting through a SOCKS proxy requires python-socks")

    monkeypatch.setattr("websockets.asyncio.client.connect_socks_proxy", missing)
    monkeypatch.setenv("socks_proxy", "socks5h://127.0.0.1:9")
    error = await refused(Endpoint("relay.example", 1, tls=False))
    assert error.code == "relay_proxy"
    assert "python-socks" in error.next_step


@pytest.mark.parametrize("hosts", ["relay.example", ".example", "a.b,relay.example", "*"])
def test_no_proxy_is_honoured(hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("https_proxy", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    endpoint = Endpoint("relay.example", 443, tls=True)
    assert proxy_for(endpoint) == "http://127.0.0.1:9"
    monkeypatch.setenv("no_proxy", hosts)
    assert proxy_for(endpoint) is None
    monkeypatch.delenv("https_proxy")
    assert proxy_for(endpoint) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LocalHost."])
def test_this_machine_is_dialled_directly(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    assert proxy_for(Endpoint(host, 80, tls=False)) is None
    assert proxy_for(Endpoint("10.0.0.1", 80, tls=False)) == "http://127.0.0.1:9"


async def test_no_proxy_at_all_when_the_environment_names_none() -> None:
    assert proxy_for(Endpoint("relay.example", 443, tls=True)) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("407 Proxy Authentication Required", "user name and password"),
        ("403 Forbidden", "refuses to lead there (HTTP 403)"),
        ("502 Bad Gateway", "refuses to lead there (HTTP 502)"),
        ("nonsense", "does not lead there"),
    ],
)
async def test_a_proxy_that_refuses_is_told_apart_from_the_relay(
    answer: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_proxy() as proxy:
        proxy.answer = answer
        monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{proxy.port}")
        error = await refused(Endpoint("relay.example", 443, tls=True))
    assert error.code == "relay_proxy"
    assert words in error.message


@pytest.mark.parametrize(
    "value", ["proxy.example:3128", "ftp://me:secret@h", "http://secret@h:1", "http://h:1/secret"]
)
async def test_a_proxy_that_is_not_written_as_one_is_not_repeated(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold a password."""
    monkeypatch.setenv("https_proxy", value)
    error = await refused(Endpoint("relay.example", 443, tls=True))
    assert error.code == "relay_proxy"
    assert "secret" not in str(error)
    assert error.__suppress_context__


async def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with http_proxy() as proxy:
        port = proxy.port
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    error = await refused(Endpoint("relay.example", 443, tls=True))
    assert error.code == "relay_proxy"
    assert "cannot be reached" in error.message
