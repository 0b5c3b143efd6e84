"""A daemon on the address of a VPN under its name (C-33), tried on another address of loopback."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.home import Home, prepare
from tests.core.daemon.daemon_house import daemon, tidy
from tests.core.daemon.net import status_of

pytestmark = pytest.mark.linux

NAME = "box.example.ts.net"
PAGE = "https://notes.example.org"
CONFIG = f"""
[daemon]
listen = ["127.0.0.1:0", "127.0.0.2:0"]
hostnames = ["{NAME}"]

[daemon.cors]
allowed_origins = ["{PAGE}"]
"""


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, int]]]:
    """What is open, as bound."""
    folder: Path = tmp_path_factory.mktemp("vpn")
    with tidy(Home(folder / "home")) as home:
        prepare(home)
        home.config.write_text(CONFIG)
        home.config.chmod(0o600)
        with daemon(home, {"SERENO_LISTEN": ""}):
            opened = [text for door in status_of(home).doors for text in door.open]
            yield [(host, int(port)) for host, _, port in (one.rpartition(":") for one in opened)]


def ask(address: tuple[str, int], **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(*address, timeout=20)
    try:
        connection.request("GET", "/api/status", headers=headers)
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def test_c33_the_addresses_that_are_named_are_open_and_no_other(
    addresses: list[tuple[str, int]],
) -> None:
    assert [host for host, _ in addresses] == ["127.0.0.1", "127.0.0.2"]
    with pytest.raises(ConnectionRefusedError):
        ask(("127.0.0.3", addresses[1][1]))


@pytest.mark.parametrize(
    ("host", "status"),
    [(NAME, 200), (f"{NAME}:6767", 200), ("other.example.ts.net", 403), ("example.ts.net", 403)],
)
def test_c33_c35_the_name_that_is_allowed_passes_on_each_address(
    addresses: list[tuple[str, int]], host: str, status: int
) -> None:
    assert [ask(address, Host=host).status for address in addresses] == [status, status]


@pytest.mark.parametrize(("page", "status"), [(PAGE, 200), ("https://notes.example.com", 403)])
def test_c33_c37_a_page_that_is_listed_may_ask(
    addresses: list[tuple[str, int]], page: str, status: int
) -> None:
    response = ask(addresses[1], Host=NAME, Origin=page)
    assert response.status == status
    allowed = response.getheader("Access-Control-Allow-Origin")
    assert allowed == (page if status == 200 else None)
