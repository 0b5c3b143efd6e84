"""Request line and headers: bounded, read strictly, and nothing behind them is looked at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.http11 import Request
from websockets.server import ServerProtocol

from sereno.core.listeners.heads import LARGEST_HEAD, QUIET, HeadReader, Unfit

FINE = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n"


def reader() -> HeadReader:
    return HeadReader(ServerProtocol(extensions=None, logger=QUIET))


def outcome(data: bytes) -> int | Request | None:
    try:
        return reader().feed(data)
    except Unfit as unfit:
        return unfit.status.value if unfit.words else 0


@given(st.lists(st.integers(1, 20), max_size=40), st.binary(max_size=50))
def test_a_head_in_any_pieces_is_one_head_and_the_rest_is_kept(
    cuts: list[int], rest: bytes
) -> None:
    head, data, found = reader(), FINE + rest, None
    for size in (*cuts, len(data)):
        piece, data = data[:size], data[size:]
        if found is None and piece:
            found = head.feed(piece)
        elif piece:
            break
    if found is not None:
        assert (found.method, found.path) == ("GET", "/ws")
        assert rest.startswith(head.rest)


def test_the_rest_is_not_parsed_before_somebody_said_so() -> None:
    head = reader()
    assert head.feed(FINE + b"\x00garbage") is not None
    assert head.rest == b"\x00garbage"
    assert head.protocol.events_received() == []


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 200 + b"\r\n" + b"Y: z\r\n" * 3_000, 431),
        (b"x" * (LARGEST_HEAD + 1), 431),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\n\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc", 415),
        (b"POST / HTTP/1.1\r\ncontent-length:1\r\n\r\na", 415),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 415),
        (b"GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", 415),
    ],
)
def test_t31_t22_what_is_no_request_is_told_so(data: bytes, status: int) -> None:
    assert outcome(data) == status


def test_a_body_of_nothing_is_none() -> None:
    assert isinstance(outcome(b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), Request)


PIECES = [b"GET ", b"POST ", b"/ws", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r", b"Host: x"]
PIECES += [b"Content-Length: 1", b"Transfer-Encoding: chunked", b"Upgrade: websocket", b":", b" "]
PIECES += [b"\x16\x03", b"\x00", b"\xff", b"a" * 5_000, b"Sec-WebSocket-Protocol: a,,b"]
HEADS = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)


@given(HEADS | st.binary(max_size=400))
def test_t31_any_bytes_end_in_a_request_a_status_or_a_wait(data: bytes) -> None:
    found = outcome(data)
    if isinstance(found, int):
        assert 400 <= found < 500


@given(HEADS)
def test_pieces_and_the_whole_end_alike(data: bytes) -> None:
    whole = outcome(data)
    head = reader()
    found: int | Request | None = None
    try:
        for at in range(len(data)):
            if found is None:
                found = head.feed(data[at : at + 1])
    except Unfit as unfit:
        found = unfit.status.value
    if isinstance(whole, Request) and isinstance(found, Request):
        assert (whole.method, whole.path) == (found.method, found.path)
    else:
        assert (isinstance(whole, Request), whole is None) == (
            isinstance(found, Request),
            found is None,
        )
