"""What every wire struct is built from: the base class, absent keys, and times.

Not here: any message. Called by all other modules of this package.
"""

import functools
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

__all__ = ["UNSET", "UnsetType", "Wire", "given", "iso", "parse_iso"]

T = TypeVar("T")


class Wire(msgspec.Struct, rename="camel", kw_only=True):
    """A JSON object on the wire. A key whose value is UNSET is not sent."""


def given(value: T | UnsetType, default: T) -> T:
    """The value of an optional key, or `default` where the key was absent."""
    return default if isinstance(value, UnsetType) else value


def iso(epoch_ms: int) -> str:
    """Epoch milliseconds as the wire's `iso`: UTC, milliseconds, `Z` (wire reference section 0)."""
    return f"{_second(epoch_ms // 1000)}.{epoch_ms % 1000:03d}Z"


@functools.lru_cache(maxsize=64)
def _second(epoch_s: int) -> str:
    """Kept, because every row of a stream has a time, and strftime costs more than the rest."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_iso(text: str) -> int:
    """The wire's `iso` as epoch milliseconds.

    Raises:
        ValueError: the text is not an ISO-8601 time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
