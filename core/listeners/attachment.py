"""The head of an answer that is a file: saved by the browser, never shown or run by it.

Pure. The name of a file is whatever an agent or a repository made it: nothing in it may end a
header, a quoted string, or pass for another folder (RFC 6266, RFC 8187).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import quote

from websockets.http11 import Response

from sereno.core.listeners.answers import empty

__all__ = ["as_attachment", "disposition"]

_MIME = r"(?a:[A-Za-z0-9][\w.+-]*/[A-Za-z0-9][\w.+-]*)"
# What is plain in a quoted string for every reader: no quote, backslash, percent, slash or colon.
_NOT_PLAIN = r"[^ !#$&'()+,\-.0-9;=@A-Z\[\]^_`a-z{}~]"
# What is no part of a visible name: controls, surrogates, and what turns text around.
_UNSEEN = r"[\x00-\x1f/\\\x7f-\x9f\ud800-\udfff\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
_ATTR = "!#$&+-.^_`|~"
"""RFC 8187: what stands for itself besides letters and digits."""
_LONGEST = 255


def as_attachment(
    name: str, mime: str, size: int, more: Iterable[tuple[str, str]] = ()
) -> Response:
    """200 with the headers of a file of so many bytes, and without its body."""
    response = empty(HTTPStatus.OK)
    del response.headers["Content-Length"]
    kind = mime if re.fullmatch(_MIME, mime) else "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    headers = (
        ("Content-Type", kind),
        ("Content-Length", str(size)),
        ("Content-Disposition", disposition(name)),
        # Were it shown all the same, it could do nothing there.
        ("Content-Security-Policy", "default-src 'none'; sandbox"),
        ("Cross-Origin-Resource-Policy", "same-site"),
        ("Referrer-Policy", "no-referrer"),
        ("Accept-Ranges", "none"),
    )
    for header, value in (*headers, *more):
        response.headers[header] = value
    return response


def disposition(name: str) -> str:
    """Content-Disposition for a name of any text: as it is where that is plain, and else a plain
    one beside the whole of it."""
    seen = re.sub(_UNSEEN, "_", name)[:_LONGEST].strip(" .") or "file"
    plain = re.sub(_NOT_PLAIN, "_", seen)
    told = f'attachment; filename="{plain}"'
    return told if plain == seen else f"{told}; filename*=UTF-8''{quote(seen, safe=_ATTR)}"
