"""`sereno token qr`: a code that a real reader reads, with a secret for one time (C-51)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import zxingcpp

from sereno.core.protocol.additions import MakeOfferResult
from sereno.tui.cli import exits
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.qr import drawn
from sereno.tui.cli.reach import url_of
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, Message, message

SECRET = "oNe-tImE_secret-of-32-characters"
SCALE = 4


def read(lines: list[str]) -> str:
    """What a camera would see of these lines, read by a library that did not draw them."""
    rows: list[list[bool]] = []
    for line in lines:
        body = line.split("m", 1)[1].split("\x1b")[0]
        rows += [[one in "█▀" for one in body], [one in "█▄" for one in body]]
    pixels = bytearray()
    for row in rows:
        pixels += b"".join((b"\xff" if light else b"\0") * SCALE for light in row) * SCALE
    shape = (len(rows) * SCALE, len(rows[0]) * SCALE)
    (found,) = zxingcpp.read_barcodes(memoryview(bytes(pixels)).cast("B", shape))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    return str(found.text)


def offers(*addresses: str, tls: bool = False) -> Any:
    def answer(request: Message) -> list[Message]:
        payload = {
            "requestId": request["requestId"],
            "secret": SECRET,
            "expiresAt": "2026-05-03T10:10:00.000Z",
            "addresses": list(addresses),
            "tls": tls,
        }
        return [message("sereno.token.offer.response", payload)]

    return answer


@pytest.mark.parametrize("size", [1, 60, 61, 120, 300])
def test_a_code_of_any_size_is_read_back(size: int) -> None:
    text = "tcp://" + "x" * size
    lines = drawn(text)
    assert read(lines) == text
    assert all(line.endswith("\x1b[0m") for line in lines)


def test_c51_the_code_carries_a_secret_for_one_time_and_not_the_token(
    daemon: FakeDaemon, sereno: Run, home: Any
) -> None:
    (home / "auth_token").write_text("0f" * 32)
    daemon.answers["sereno.token.offer.request"] = offers("127.0.0.1:6767", "10.0.0.5:6767")
    done = sereno("token", "qr", "--force")
    assert done.code == exits.OK
    lines = done.out.splitlines()
    assert read(lines[:-2]) == lines[-2] == f"tcp://10.0.0.5:6767?password={SECRET}"
    assert "once, until" in lines[-1]
    assert "speaks no TLS" in done.err
    assert "0f" * 32 not in done.out + done.err


def test_with_tls_as_json(daemon: FakeDaemon, sereno: Run) -> None:
    daemon.answers["sereno.token.offer.request"] = offers("[fd00::5]:443", tls=True)
    done = sereno("token", "qr", "--force", "--json")
    assert done.err == ""
    assert json.loads(done.out) == {
        "url": f"tcp://[fd00::5]:443?ssl=true&password={SECRET}",
        "expiresAt": "2026-05-03T10:10:00.000Z",
    }


def test_into_a_pipe_only_by_force(daemon: FakeDaemon, sereno: Run) -> None:
    daemon.answers["sereno.token.offer.request"] = offers("10.0.0.5:6767")
    done = sereno("token", "qr")
    assert done.code == exits.USAGE
    assert daemon.seen == []


def test_without_a_daemon_there_is_nothing_to_offer(sereno: Run) -> None:
    assert sereno("token", "qr", "--force").code == exits.NO_DAEMON


def offered(*addresses: str) -> MakeOfferResult:
    return MakeOfferResult(
        request_id="", secret="s", expires_at="", addresses=list(addresses), tls=False
    )


@pytest.mark.parametrize(
    ("at", "place"),
    [
        ("box", "box:6767"),
        ("box.example.com:80", "box.example.com:80"),
        ("100.64.0.7", "100.64.0.7:6767"),
        ("fd00::1", "[fd00::1]:6767"),
        ("[fd00::1]", "[fd00::1]:6767"),
        ("[fd00::1]:80", "[fd00::1]:80"),
    ],
)
def test_the_address_as_the_person_says_it(at: str, place: str) -> None:
    assert url_of(offered("127.0.0.1:6767"), at) == f"tcp://{place}?password=s"


@pytest.mark.parametrize("at", ["", ":80", "a b", "box/path", "me@box", "box?x"])
def test_what_is_no_address_is_said(at: str) -> None:
    with pytest.raises(CliError) as refused:
        url_of(offered("127.0.0.1:6767"), at)
    assert "is no host" in refused.value.message


@pytest.mark.parametrize(
    "addresses", [(), ("127.0.0.1:6767",), ("[::1]:6767", "127.0.0.2:1", "[fe80::1%eth0]:6767")]
)
def test_where_nobody_else_can_come_in_the_way_out_is_said(addresses: tuple[str, ...]) -> None:
    with pytest.raises(CliError) as refused:
        url_of(offered(*addresses), None)
    assert refused.value.code == "not_reachable"
    assert "daemon.listen" in refused.value.next_step


def test_for_all_addresses_the_one_that_is_used_outwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sereno.tui.cli.reach._outward", lambda family, _: "192.168.1.5")
    assert url_of(offered("0.0.0.0:6767"), None) == "tcp://192.168.1.5:6767?password=s"
    assert url_of(offered("[::]:6767"), None) == "tcp://192.168.1.5:6767?password=s"
    monkeypatch.setattr("sereno.tui.cli.reach._outward", lambda family, _: None)
    with pytest.raises(CliError):
        url_of(offered("0.0.0.0:6767"), None)
