"""The client's side of the opening handshake: what it asks, and what it takes for an answer."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.http11 import Response
from websockets.server import ServerProtocol

from sereno.core.client.frames import FrameError
from sereno.core.client.target import Target
from sereno.core.client.upgrade import Answer, Handshake, SpeaksTls
from sereno.core.protocol.subprotocols import SERENO_V1, bearer64

NONCE = bytes(range(16))
TARGET = Target(host="devbox", port=6767, secret="pass word")
KEY = base64.b64encode(NONCE)
ACCEPT = base64.b64encode(
    hashlib.sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
).decode()


def answer(**headers: str) -> bytes:
    whole = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT}
    whole |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in whole.items()]
    return ("\r\n".join(["HTTP/1.1 101 Switching Protocols", *lines]) + "\r\n\r\n").encode()


def test_a_server_of_the_library_agrees() -> None:
    """The library is the oracle for what RFC 6455 asks of both."""
    handshake = Handshake(TARGET, NONCE)
    server = ServerProtocol(select_subprotocol=lambda _, offered: offered[0])
    server.receive_data(handshake.request())
    (request,) = server.events_received()
    assert request.headers["Host"] == "devbox:6767"  # type: ignore[union-attr]
    assert "Origin" not in request.headers  # type: ignore[union-attr]
    offered = request.headers["Sec-WebSocket-Protocol"]  # type: ignore[union-attr]
    assert offered == f"{SERENO_V1}, {bearer64('pass word')}"
    response = server.accept(request)  # type: ignore[arg-type]
    assert isinstance(response, Response)
    server.send_response(response)
    assert handshake.feed(b"".join(server.data_to_send()) + b"behind") == b"behind"


def test_without_a_secret_only_our_name_is_offered() -> None:
    request = Handshake(Target(host="a", port=1), NONCE).request()
    assert b"Sec-WebSocket-Protocol: sereno.v1\r\n" in request


@given(st.integers(0, len(answer()) - 1))
def test_an_answer_in_pieces(cut: int) -> None:
    handshake = Handshake(TARGET, NONCE)
    assert handshake.feed(answer()[:cut]) is None
    assert handshake.feed(answer()[cut:] + b"x") == b"x"


@pytest.mark.parametrize(
    "wrong",
    [
        answer(Sec_WebSocket_Accept="AAAA"),
        answer(Upgrade="h2c"),
        answer(Sec_WebSocket_Extensions="permessage-deflate"),
        answer(Sec_WebSocket_Protocol="paseo.bearer.x"),
        b"HTTP/1.1 yes\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"<!doctype",
        b"HTTP/1.1 101 " + b"x" * 70_000,
        b"HTTP/1.1 " + b"9" * 5_000 + b" x\r\n\r\n",
    ],
)
def test_what_is_no_answer(wrong: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        Handshake(TARGET, NONCE).feed(wrong)
    assert str(caught.value).isprintable()


def test_a_tls_alert_is_known() -> None:
    with pytest.raises(SpeaksTls):
        Handshake(TARGET, NONCE).feed(b"\x15\x03\x01\x00\x02\x02\x46")


def test_a_refusal_comes_with_its_body() -> None:
    handshake = Handshake(TARGET, NONCE)
    assert handshake.feed(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 16\r\n\r\nHost not") is None
    assert handshake.feed(b" allowed") == Answer(403, {"content-length": "16"}, b"Host not allowed")


def test_a_refusal_without_a_length_ends_with_the_connection() -> None:
    handshake = Handshake(TARGET, NONCE)
    assert handshake.feed(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>") is None
    assert handshake.ended() == Answer(200, {"content-type": "text/html"}, b"<html>")


def test_a_length_that_is_no_number_of_this_world_is_left_aside() -> None:
    length = b"9" * 5_000
    handshake = Handshake(TARGET, NONCE)
    assert handshake.feed(b"HTTP/1.1 404 No\r\nContent-Length: " + length + b"\r\n\r\nhm") is None
    assert handshake.ended().body == b"hm"


def test_a_long_body_is_cut() -> None:
    got = Handshake(TARGET, NONCE).feed(b"HTTP/1.1 404 No\r\n\r\n" + b"x" * 1_000_000)
    assert isinstance(got, Answer)
    assert len(got.body) == 4096


def test_an_end_in_the_middle() -> None:
    with pytest.raises(FrameError, match="without a word"):
        Handshake(TARGET, NONCE).ended()
    handshake = Handshake(TARGET, NONCE)
    handshake.feed(b"HTTP/1.1 1")
    with pytest.raises(FrameError, match=r"HTTP/1\.1 1"):
        handshake.ended()
