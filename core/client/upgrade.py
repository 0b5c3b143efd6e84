"""The opening handshake of a WebSocket over a network, the client's side (RFC 6455 4.1). Pure.

Bytes in, an Answer or nothing yet out. What an answer that is no 101 means is said in refusals.py.
The home's own socket has a shorter handshake, in frames.py.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass

from sereno.core.client.frames import FrameError
from sereno.core.client.target import Target
from sereno.core.protocol.subprotocols import SERENO_V1, bearer64

__all__ = ["Answer", "Handshake", "SpeaksTls"]

LONGEST_HEAD = 65_536
LONGEST_BODY = 4_096
_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 1.3."""
_TLS_ALERT = b"\x15\x03"


class SpeaksTls(FrameError):
    """A TLS alert came where HTTP was expected (RFC 8446 6)."""


@dataclass(frozen=True)
class Answer:
    """What came instead of a 101: `status`, headers by lower-case name, the body's beginning."""

    status: int
    headers: dict[str, str]
    body: bytes


class Handshake:
    """One opening handshake. Feed it until it gives the bytes behind the 101, or an Answer."""

    def __init__(self, target: Target, nonce: bytes) -> None:
        """`nonce`: 16 random bytes."""
        self._key = b64encode(nonce)
        self._offered = [SERENO_V1]
        if target.secret is not None:
            self._offered.append(bearer64(target.secret))
        self._host = target.host_header
        self._buffer = bytearray()
        self._head: tuple[int, dict[str, str]] | None = None

    def request(self) -> bytes:
        """The request. No Origin, because this is no page; no compression."""
        lines = (
            "GET /ws HTTP/1.1",
            f"Host: {self._host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {self._key.decode()}",
            f"Sec-WebSocket-Protocol: {', '.join(self._offered)}",
            "User-Agent: sereno",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    def feed(self, data: bytes) -> bytes | Answer | None:
        """What is behind the 101, an Answer that is none, or None: more must come.

        Raises FrameError for what is no HTTP, and for a 101 that is not the answer to this.
        """
        self._buffer += data
        if self._head is None and not self._read_head():
            return None
        assert self._head is not None
        status, headers = self._head
        if status == 101:
            self._check(headers)
            return bytes(self._buffer)
        length = headers.get("content-length", "")
        wanted = int(length) if _is_number(length) else LONGEST_BODY
        if len(self._buffer) >= min(wanted, LONGEST_BODY):
            return Answer(status, headers, bytes(self._buffer[:LONGEST_BODY]))
        return None

    def ended(self) -> Answer:
        """The Answer, as far as it came before the other side closed. Raises FrameError."""
        if self._head is None:
            seen = _printable(bytes(self._buffer[:80]))
            raise FrameError(f"it said {seen}" if seen else "it closed without a word")
        status, headers = self._head
        return Answer(status, headers, bytes(self._buffer[:LONGEST_BODY]))

    def _read_head(self) -> bool:
        if self._buffer.startswith(_TLS_ALERT):
            raise SpeaksTls("it speaks TLS")
        begin = bytes(self._buffer[:5])
        if not b"HTTP/".startswith(begin[: len(b"HTTP/")]):
            raise FrameError(f"it said {_printable(bytes(self._buffer[:80]))}")
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LONGEST_HEAD:
                raise FrameError("its answer has no end")
            return False
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        words = lines[0].split(" ", 2)
        if len(words) < 2 or not _is_number(words[1]):
            raise FrameError(f"it said {_printable(lines[0].encode()[:80])}")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        self._head = (int(words[1]), headers)
        return True

    def _check(self, headers: dict[str, str]) -> None:
        """RFC 6455 4.1, the client's checks: a cache or another program may stand between."""
        # SHA-1 as the RFC asks: it proves that the request was read, and protects nothing.
        digest = hashlib.sha1(self._key + _ACCEPT_GUID, usedforsecurity=False).digest()
        if headers.get("sec-websocket-accept") != b64encode(digest).decode():
            raise FrameError("its answer belongs to another request")
        if headers.get("upgrade", "").lower() != "websocket":
            raise FrameError("its answer opens no WebSocket")
        if "sec-websocket-extensions" in headers:
            raise FrameError("it chose an extension that was not offered")
        chosen = headers.get("sec-websocket-protocol")
        if chosen is not None and chosen not in self._offered:
            raise FrameError("it chose a subprotocol that was not offered")


def _is_number(text: str) -> bool:
    """One that Python reads: thousands of digits are an error there."""
    return text.isascii() and text.isdigit() and len(text) <= 12


def _printable(data: bytes) -> str:
    text = data.decode("ascii", "replace").split("\n", 1)[0]
    return "".join(one if one.isprintable() and one != "�" else "." for one in text).strip()
