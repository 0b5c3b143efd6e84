"""A file over HTTP, by its token: who may have it, and in which words others hear that they may not
(wire reference 4.4).

What a token opens is the business of core/sessions/files.py; sending it, that of delivery.py.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Protocol

from websockets.http11 import Response

from sereno.core.listeners.answers import Pairs, as_json
from sereno.core.security.confinement import PathRefused
from sereno.core.security.roles import fetches
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.files import OpenFile

__all__ = ["Shelf", "fetching"]

log = logging.getLogger("sereno.listeners")


class Shelf(Protocol):
    """See core/sessions/files.py."""

    def fetch(
        self, token: str, peer: Peer, *, look: bool
    ) -> AbstractAsyncContextManager[OpenFile | None]: ...


@asynccontextmanager
async def fetching(
    shelf: Shelf | None, token: str, peer: Peer, cors: Pairs, *, look: bool
) -> AsyncIterator[OpenFile | Response]:
    """The file, open, or what is said instead. `look`: only its head is asked for."""
    if not fetches(peer.role):
        # Before the token is looked at: who may not read files cannot use one up either (T46).
        yield as_json(HTTPStatus.FORBIDDEN, {"error": "Forbidden"}, cors)
        return
    async with AsyncExitStack() as stack:
        found: OpenFile | Response | None = None
        try:
            if shelf is not None:
                found = await stack.enter_async_context(shelf.fetch(token, peer, look=look))
        except PathRefused as refused:
            body = {"error": "File not found", "message": refused.words}
            found = as_json(HTTPStatus.NOT_FOUND, body, cors)
        except Exception as error:
            log.error("a file cannot be fetched: %s", error, exc_info=error)
            body = {"error": "Internal Server Error", "message": "The daemon's log says more"}
            found = as_json(HTTPStatus.INTERNAL_SERVER_ERROR, body, cors)
        yield found or as_json(HTTPStatus.FORBIDDEN, _NOT_GOOD, cors)


_NOT_GOOD = {
    "error": "Invalid or expired token",
    "message": "A token fetches one file, once, within a minute: ask for another one",
}
