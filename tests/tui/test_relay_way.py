"""Our own client and the pins of this home: the relay must have one, or nothing is said to it."""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import msgspec
import pytest

from sereno.core.client.errors import ClientError, NoDaemon
from sereno.core.client.paired import Paired
from sereno.core.client.target import Target
from sereno.core.config.model import RelayConfig
from sereno.core.home import Home, hosts
from sereno.relay_client.endpoints import parse_endpoint
from sereno.relay_client.pins import format_pin, parse_pin, pin_of
from sereno.tui.relay_way import paired_host, pins_for
from sereno.tui.remote import Remote
from tests import certificates
from tests.certificates import Certificate
from tests.relay_client.misbehaving import Socket, liar

PIN = format_pin(bytes(32))
OTHER = format_pin(bytes([1]) * 32)
TARGET = Target(link="sereno://srv_one")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    root = tmp_path / "home"
    root.mkdir(mode=0o700)
    monkeypatch.setenv("SERENO_HOME", str(root))
    monkeypatch.delenv("SERENO_RELAY_ENDPOINT", raising=False)
    return Home(root)


def configure(home: Home, endpoint: str, *pins: str) -> None:
    home.config.write_text(
        f'[daemon.relay]\nendpoint = "{endpoint}"\npins = {list(pins)!r}\n'.replace("'", '"')
    )
    home.config.chmod(0o600)


def pair(home: Home, relay: str) -> None:
    """As if this home had been paired with a daemon there."""
    key = base64.b64encode(os.urandom(32)).decode()
    record = Paired(1, "srv_one", relay, key, key, device_secrets=[key])
    hosts.save(home, "srv_one", msgspec.json.encode(record))


@pytest.mark.parametrize(
    ("configured", "dialled", "same"),
    [
        ("wss://relay.example:8788", "wss://relay.example:8788", True),
        ("wss://relay.example", "wss://Relay.Example.:443", True),
        ("wss://[::1]:8788", "wss://[0:0:0:0:0:0:0:1]:8788", True),
        ("wss://relay.example:8788", "ws://relay.example:8788", True),  # A pin is not lost by that.
        ("wss://relay.example:8788", "ws://relay.example:8787", False),
        ("wss://relay.example:8788", "wss://other.example:8788", False),
    ],
)
def test_c29_pins_hold_for_the_configured_relay_and_no_other(
    configured: str, dialled: str, same: bool
) -> None:
    relay = RelayConfig(endpoint=configured, pins=(PIN, OTHER))
    expected = (parse_pin(PIN), parse_pin(OTHER)) if same else ()
    assert pins_for(parse_endpoint(dialled), relay) == expected


def test_settings_that_cannot_be_read_are_not_gone_without(home: Home) -> None:
    pair(home, "wss://relay.example:8788")
    configure(home, "wss://relay.example:8788", "sha256/nonsense")
    with pytest.raises(ClientError) as refused:
        paired_host(TARGET)
    assert refused.value.code == "wrong_value"
    assert "daemon.relay.pins" in str(refused.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificates.made(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1")


@pytest.fixture
async def relay(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[str, list[str]]]:
    """A relay whose certificate is good, where nobody waits; and what was asked of it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.cert))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    asked: list[str] = []

    async def before(_: str | None) -> None:
        asked.append("asked")

    async def nobody(_: Socket) -> None:
        pass

    async with liar(nobody, tls=context, before=before) as url:
        yield url, asked


def shown(certificate: Certificate) -> str:
    return format_pin(pin_of(ssl.PEM_cert_to_DER_cert(certificate.cert.read_text())))


async def refusal() -> NoDaemon:
    with anyio.fail_after(20), pytest.raises(NoDaemon) as refused:
        await Remote(TARGET).connect()
    return refused.value


async def test_c29_our_client_says_nothing_to_a_relay_with_another_key(
    home: Home, certificate: Certificate, relay: tuple[str, list[str]]
) -> None:
    url, asked = relay
    pair(home, url)
    configure(home, url, OTHER)
    refused = await refusal()
    assert refused.code == "relay_pin"
    assert shown(certificate) in str(refused)
    assert "ask who runs it" in refused.next_step
    assert asked == []


async def test_c29_our_client_goes_on_where_a_pin_fits(
    home: Home, certificate: Certificate, relay: tuple[str, list[str]]
) -> None:
    url, asked = relay
    pair(home, url)
    configure(home, url, OTHER, shown(certificate))
    assert (await refusal()).code == "daemon_away"
    assert asked == ["asked"]


async def test_c29_our_client_does_not_leave_a_pin_unused_without_tls(home: Home) -> None:
    pair(home, "ws://127.0.0.1:9")
    configure(home, "wss://127.0.0.1:9", OTHER)
    refused = await refusal()
    assert refused.code == "relay_pin"
    assert "without TLS" in str(refused)
