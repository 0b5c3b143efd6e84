"""What a door says over HTTP, in the library's form: bodies, and the headers that all have.

Pure. Every answer ends its connection: so nothing that one request proved is carried to the next
one, which a proxy may send for somebody else.
"""

from __future__ import annotations

import email.utils
from collections.abc import Iterable, Mapping
from http import HTTPStatus

import msgspec
from websockets.datastructures import Headers
from websockets.http11 import Response

__all__ = ["HEALTH", "Pairs", "as_json", "as_text", "empty"]

HEALTH = b'{"status":"ok"}'
"""Says that somebody is there and nothing else: no version, no id, no path, no time (T38, C-41)."""

Pairs = Iterable[tuple[str, str]]
_ALWAYS = (
    ("Connection", "close"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


def as_json(status: HTTPStatus, body: Mapping[str, object] | bytes, more: Pairs = ()) -> Response:
    """`body`: an object, or JSON that is written already."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return _response(status, data, "application/json; charset=utf-8", more)


def as_text(status: HTTPStatus, words: str, more: Pairs = ()) -> Response:
    return _response(status, f"{words}\n".encode(), "text/plain; charset=utf-8", more)


def empty(status: HTTPStatus, more: Pairs = ()) -> Response:
    return _response(status, b"", "", more)


def _response(status: HTTPStatus, body: bytes, kind: str, more: Pairs) -> Response:
    headers = Headers([("Date", email.utils.formatdate(usegmt=True)), *_ALWAYS])
    if status is not HTTPStatus.NO_CONTENT:
        headers["Content-Length"] = str(len(body))
    if kind:
        headers["Content-Type"] = kind
    for name, value in more:
        headers[name] = value
    return Response(status.value, status.phrase, headers, body)
