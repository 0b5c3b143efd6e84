"""Feeds a TCP door with whatever atheris thinks of: request line, headers, and the first frames.

By hand, not by `make test`: `pip install atheris`, then
`python -m bench.fuzz_door -max_total_time=60`. Stops at the first input that raises, hangs, or is
answered with something that is no refusal, no health, and no upgrade.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from sereno.core.listeners.heads import LARGEST_HEAD, QUIET, HeadReader, Unfit
from sereno.core.listeners.stages import examine, is_forwarded, subprotocols_of
from sereno.core.protocol.frames import BadFrame, decode_client_frame
from sereno.core.security.credentials import from_http, from_upgrade
from sereno.core.security.gate import GateSettings
from sereno.core.sessions.limits import too_deep
from sereno.core.sessions.shape import misshapen

RULES = GateSettings(uid=1, hostnames=(".example.com",), origins=frozenset({"paseo://app"}))


def head(data: bytes) -> None:
    """As an arrival does it, in two pieces."""
    reader = HeadReader(ServerProtocol(extensions=None, logger=QUIET))
    cut = data[0] if data else 0
    try:
        request = reader.feed(data[:cut]) if cut else None
        request = request or reader.feed(data[cut:])
    except Unfit as unfit:
        if not 400 <= unfit.status < 500:
            raise
        return
    if request is not None:
        judged(request)
        assert len(reader.rest) <= len(data)
    else:
        assert len(data) <= LARGEST_HEAD


def judged(request: Request) -> None:
    found = examine(request, RULES)
    if isinstance(found, Response):
        assert found.status_code in (200, 204, 400, 403)
        assert found.status_code != 200 or found.body == b'{"status":"ok"}'
        found.serialize()
        return
    authorization = request.headers.get_all("Authorization")
    offered = subprotocols_of(request)
    if offered is not None:
        from_upgrade(authorization, offered)
    from_http(authorization)
    is_forwarded(request)


def first_word(data: bytes) -> None:
    if too_deep(data) or misshapen(data) is not None:
        return
    with contextlib.suppress(BadFrame):
        decode_client_frame(data)


def one(data: bytes) -> None:
    if data[:1] == b"{":
        first_word(data)
    else:
        head(data)


def main() -> None:
    atheris: Any = __import__("atheris")
    # Only what is fuzzed: to instrument everything takes minutes.
    for place in (HeadReader.feed, examine, subprotocols_of, from_upgrade, from_http, misshapen):
        place.__code__ = atheris.instrument_func(place).__code__
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
