"""Where a request wants to go: the query of `/ws` (wire reference 2.1), read and checked.

Nothing here knows HTTP beyond the text of the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl

__all__ = ["MOST_CHARACTERS", "BadPlace", "Place", "Role", "read_place", "split_target"]

MOST_CHARACTERS = 256
"""Of a server id or connection id; the official ones have 16 and 21."""
_MOST_FIELDS = 32


class Role(StrEnum):
    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True)
class Place:
    """`connection` is None where the query has none, and always in version 1."""

    version: int
    server_id: str
    role: Role
    connection: str | None = None


class BadPlace(Exception):
    """The words of the 400."""


def split_target(target: str) -> tuple[str, str]:
    """Path and query of a request's target."""
    path, _, query = target.partition("?")
    return path, query.partition("#")[0]


def read_place(query: str) -> Place:
    """Raises BadPlace, in the order serverId, v, role. Of equal names the first counts."""
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise BadPlace("Too many parameters") from error
    found: dict[str, str] = {}
    for name, value in fields:
        found.setdefault(name, value)
    server_id = found.get("serverId", "")
    if not server_id:
        raise BadPlace("Missing serverId parameter")
    if len(server_id) > MOST_CHARACTERS:
        raise BadPlace("The serverId parameter is too long")
    version = found.get("v", "").strip() or "1"
    if version not in ("1", "2"):
        raise BadPlace("Invalid v parameter (expected 1 or 2)")
    role = found.get("role")
    if role not in (Role.SERVER, Role.CLIENT):
        raise BadPlace("Missing or invalid role parameter")
    connection = found.get("connectionId", "").strip()
    if len(connection) > MOST_CHARACTERS:
        raise BadPlace("The connectionId parameter is too long")
    if version == "1" or not connection:
        return Place(int(version), server_id, Role(role))
    return Place(2, server_id, Role(role), connection)
