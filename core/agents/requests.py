"""Requests for permission of one agent: what is open, and how it is closed, once.

Pure. The database keeps the same rule by compare-and-set (core/store/requests.py); the agent's
lock sees to it that answers come one after the other.
"""

from __future__ import annotations

import functools
from typing import Literal

import msgspec

from sereno.core.protocol.additions import LedgerEntry
from sereno.core.protocol.decoders import decoder
from sereno.core.protocol.permissions import PermissionRequest, PermissionResponse
from sereno.core.protocol.values import UNSET, given, iso
from sereno.core.store.requests import LedgerRow

__all__ = ["OpenRequest", "entry_of", "opened", "read_open", "stamped"]


@functools.cache
def _requests() -> msgspec.json.Decoder[PermissionRequest]:
    """Made when there is a request: with so many types it would take eight milliseconds of a
    daemon's start."""
    return decoder(PermissionRequest)


@functools.cache
def _responses() -> msgspec.json.Decoder[PermissionResponse]:
    return decoder(PermissionResponse)


class OpenRequest(msgspec.Struct, frozen=True):
    request: PermissionRequest
    asked_ms: int


def stamped(
    request: PermissionRequest, asked_ms: int, takes_words: bool | None
) -> PermissionRequest:
    """The request with what clients show beside it: when it was asked, and whether the words of a
    denial reach the agent. What the driver says of this one request in particular stays.
    """
    metadata = dict(given(request.metadata, {}))
    extra = metadata.get("sereno")
    ours = {} if takes_words is None else {"takesWords": takes_words}
    said = extra if isinstance(extra, dict) else {}
    metadata["sereno"] = {**ours, **said, "askedAt": iso(asked_ms)}
    return msgspec.structs.replace(request, metadata=metadata)


def opened(request: PermissionRequest, asked_ms: int, takes_words: bool | None) -> OpenRequest:
    return OpenRequest(stamped(request, asked_ms, takes_words), asked_ms)


def read_open(row: LedgerRow) -> OpenRequest:
    return OpenRequest(_requests().decode(row.request), row.asked_ms)


def entry_of(row: LedgerRow) -> LedgerEntry:
    """A row of the ledger as clients see it."""
    state: Literal["open", "answered", "withdrawn"] = "open"
    match row.state:
        case "answered" | "withdrawn":
            state = row.state
        case _:
            pass
    return LedgerEntry(
        agent_id=row.agent,
        request=_requests().decode(row.request),
        state=state,
        asked_at=iso(row.asked_ms),
        answered_at=UNSET if row.closed_ms is None else iso(row.closed_ms),
        answered_by=row.closed_by or UNSET,
        response=UNSET if row.response is None else _responses().decode(row.response),
    )
