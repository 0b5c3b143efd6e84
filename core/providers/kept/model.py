"""What is known of a session that a program keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from sereno.core.protocol.timeline import TimelineItem, ToolCall

if TYPE_CHECKING:
    from sereno.core.providers.catalog import Provider

__all__ = ["Keeper", "KeptError", "KeptSession", "lost", "settled"]


class KeptError(Exception):
    """In words for a person. `code`: provider_failed, or session_lost where the program answered
    and does not know the session."""

    def __init__(self, message: str, next_step: str = "", code: str = "provider_failed") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.code = code


def lost(label: str, session_id: str) -> KeptError:
    return KeptError(
        f"{label} keeps no session {session_id}.",
        "`sereno import` lists the sessions of the folder in which it is called.",
        "session_lost",
    )


class KeptSession(msgspec.Struct, frozen=True):
    """`updated_ms`: epoch milliseconds of the last thing said in it."""

    session_id: str
    cwd: str
    title: str | None = None
    updated_ms: int | None = None


def settled(items: Iterable[TimelineItem]) -> list[TimelineItem]:
    """Each tool call once, as it ended; one that never ended was cut off."""
    places: dict[str, int] = {}
    found: list[TimelineItem] = []
    for item in items:
        if isinstance(item, ToolCall) and item.call_id in places:
            found[places[item.call_id]] = item
        else:
            if isinstance(item, ToolCall):
                places[item.call_id] = len(found)
            found.append(item)
    for place in places.values():
        call = found[place]
        if isinstance(call, ToolCall) and call.status == "running":
            found[place] = msgspec.structs.replace(call, status="canceled")
    return found


class Keeper(Protocol):
    """One program's way to tell of its sessions. Every method raises KeptError."""

    def sessions(
        self, provider: Provider, env: Mapping[str, str], cwd: str | None, limit: int
    ) -> list[KeptSession]:
        """The newest ones of a folder; without one of all, where the program can tell."""
        ...

    def take(
        self, provider: Provider, env: Mapping[str, str], session_id: str, cwd: str | None
    ) -> tuple[KeptSession, list[TimelineItem]]:
        """A session, and what was said and done in it, oldest first. `cwd`: where it is asked."""
        ...
