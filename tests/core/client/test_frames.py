"""Our client framing against the websockets library at the other end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from sereno.core.client.frames import (
    CLOSE,
    PING,
    TEXT,
    FrameError,
    MessageReader,
    encode,
    read_upgrade,
    upgrade_request,
)

payloads = st.binary(max_size=300)
EDGES = (0, 1, 125, 126, 127, 65_535, 65_536)


def server() -> ServerProtocol:
    """The library's end, after the upgrade that our request opened."""
    protocol = ServerProtocol(max_size=None)
    protocol.receive_data(upgrade_request(b"0123456789abcdef"))
    (request,) = protocol.events_received()
    protocol.send_response(protocol.accept(request))  # type: ignore[arg-type]
    answer = bytearray(b"".join(protocol.data_to_send()))
    assert not read_upgrade(answer[:20])
    assert read_upgrade(answer)
    assert answer == b""
    return protocol


@given(payloads, st.binary(min_size=4, max_size=4))
def test_what_we_send_is_read(payload: bytes, mask: bytes) -> None:
    protocol = server()
    protocol.receive_data(encode(TEXT, payload, mask))
    (frame,) = protocol.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, bytes(frame.data), frame.fin) == (Opcode.TEXT, payload, True)


@pytest.mark.parametrize("size", EDGES)
def test_every_length_of_header(size: int) -> None:
    protocol = server()
    protocol.receive_data(encode(TEXT, b"y" * size, b"\1\2\3\4"))
    (frame,) = protocol.events_received()
    assert isinstance(frame, Frame)
    assert bytes(frame.data) == b"y" * size
    protocol.send_text(b"z" * size)
    reader = MessageReader()
    reader.feed(b"".join(protocol.data_to_send()))
    assert reader.take() == (TEXT, b"z" * size)


@given(st.lists(payloads, max_size=4), st.integers(min_value=1, max_value=99))
def test_what_is_sent_we_read_over_any_chunks(sent: list[bytes], step: int) -> None:
    protocol = server()
    for payload in sent:
        protocol.send_text(payload)
    protocol.send_ping(b"hey")
    stream = b"".join(protocol.data_to_send())
    reader = MessageReader()
    got = []
    for start in range(0, len(stream), step):
        reader.feed(stream[start : start + step])
        while (message := reader.take()) is not None:
            got.append(message)
    assert got == [*((TEXT, payload) for payload in sent), (PING, b"hey")]


def test_a_message_in_parts_with_a_ping_between() -> None:
    protocol = server()
    protocol.send_text(b"one ", fin=False)
    protocol.send_ping(b"")
    protocol.send_continuation(b"two", fin=True)
    reader = MessageReader()
    reader.feed(b"".join(protocol.data_to_send()))
    assert reader.take() == (PING, b"")
    assert reader.take() == (TEXT, b"one two")
    assert reader.take() is None


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("masked", bytes((0x81, 0x80)) + b"mask"),
        ("extension", bytes((0xC1, 0x00))),
        ("control in parts", bytes((PING, 0x00))),
        ("long control", bytes((0x80 | CLOSE, 126)) + (126).to_bytes(2, "big") + b"x" * 126),
        ("part without beginning", bytes((0x80, 0x00))),
        ("message within another", bytes((0x01, 0x00, 0x81, 0x00))),
        ("too large", bytes((0x81, 127)) + (2**40).to_bytes(8, "big")),
    ],
)
def test_what_a_server_must_not_send(name: str, data: bytes) -> None:
    reader = MessageReader()
    reader.feed(data)
    with pytest.raises(FrameError):
        [reader.take() for _ in range(2)]


def test_any_answer_but_101_is_refused() -> None:
    with pytest.raises(FrameError, match="403 Forbidden"):
        read_upgrade(bytearray(b"HTTP/1.1 403 Forbidden\r\n\r\n"))
    with pytest.raises(FrameError, match="no end"):
        read_upgrade(bytearray(b"x" * 70_000))
