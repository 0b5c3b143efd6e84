"""The head of a request on its way in: collected, bounded, and read by the library (RFC 9112).

Pure. Nothing behind the head is looked at before somebody decided about it; what came along with it
is kept in `rest`. Requests with a body are refused: no route takes one.
"""

from __future__ import annotations

import logging
import re
from http import HTTPStatus

from websockets.exceptions import HeaderLineTooLong, RequestLineTooLong, TooManyHeaders
from websockets.http11 import Request
from websockets.server import ServerProtocol

__all__ = ["LARGEST_HEAD", "HeadReader", "Unfit"]

LARGEST_HEAD = 16 * 1024
"""Bytes of request line and headers (T31)."""
_BODY = rb"(?i)\n(?:transfer-encoding[ \t]*:|content-length[ \t]*:(?![ \t]*0+[ \t]*\r))"
_TLS_HELLO = 0x16

QUIET = logging.getLogger("sereno.websocket")
"""What the library may say: at its debug level it writes down headers, and they carry secrets."""
QUIET.setLevel(logging.WARNING)


class Unfit(Exception):
    """This is no request that can be answered otherwise than so."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class HeadReader:
    """Give it bytes until it gives the request; then `protocol` goes on with what comes."""

    def __init__(self, protocol: ServerProtocol) -> None:
        self.protocol = protocol
        self._raw = bytearray()
        self._read = 0

    @property
    def has_begun(self) -> bool:
        return bool(self._raw)

    @property
    def rest(self) -> bytes:
        """What came behind the head."""
        return bytes(self._raw[self._read :])

    def feed(self, data: bytes) -> Request | None:
        """The request once its head is whole. Raises Unfit."""
        self._raw += data
        found = self._raw.find(b"\r\n\r\n", max(0, self._read - 3))
        end = found + 4 if found >= 0 else len(self._raw)
        if end > LARGEST_HEAD:
            raise Unfit(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"Request line and headers are larger than {LARGEST_HEAD // 1024} KiB",
            )
        if self._raw[:1] == bytes((_TLS_HELLO,)):
            raise Unfit(HTTPStatus.BAD_REQUEST, "This address does not speak TLS")
        piece = bytes(self._raw[self._read : end])
        self._read = end
        self.protocol.receive_data(piece)
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                return event
        if self.protocol.handshake_exc is not None:
            raise self._unfit(self.protocol.handshake_exc)
        return None

    def _unfit(self, error: Exception) -> Unfit:
        if isinstance(error, RequestLineTooLong):
            return Unfit(HTTPStatus.REQUEST_URI_TOO_LONG, "The request line is too long")
        if isinstance(error, HeaderLineTooLong | TooManyHeaders):
            return Unfit(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Too long or too many headers")
        if re.search(_BODY, self._raw[: self._read]):
            return Unfit(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "No route here takes a body")
        return Unfit(HTTPStatus.BAD_REQUEST, "This is no request that can be read")
