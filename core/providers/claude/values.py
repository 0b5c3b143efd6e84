"""Small readers of values in which anything may be wrong, and bounds on what is kept of them."""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.values import UNSET, UnsetType
from sereno.core.providers.common.bounds import clip

__all__ = ["bounded", "flag", "hides", "listed", "number", "optional", "record", "size_of", "text"]

DEPTH = 12
LIST = 2_000


def record(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[dict[str, Any]]:
    """The dictionaries of a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def optional(value: Any) -> str | UnsetType:
    return value if isinstance(value, str) and value else UNSET


def number(value: Any) -> float | None:
    """A number of a size that every reader of JSON takes."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53:
        return value
    return None


def flag(value: Any) -> bool:
    return value is True


def bounded(value: Any, limit: int, depth: int = DEPTH) -> Any:
    """JSON-like data as it is kept: long texts clipped, what is too deep or too long marked."""
    if isinstance(value, str):
        return clip(value, limit)
    if isinstance(value, dict):
        return {k: bounded(v, limit, depth - 1) for k, v in value.items()} if depth else "…"
    if isinstance(value, list):
        kept = [bounded(v, limit, depth - 1) for v in value[:LIST]] if depth else "…"
        more = len(value) - LIST
        return [*kept, f"[… {more} entries left out …]"] if depth and more > 0 else kept
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value


def hides(value: Any, limit: int, depth: int = DEPTH) -> bool:
    """Whether `bounded` leaves something of this out."""
    if isinstance(value, str):
        return len(value) > limit
    if isinstance(value, dict):
        return not depth or any(hides(part, limit, depth - 1) for part in value.values())
    if isinstance(value, list):
        over = not depth or len(value) > LIST
        return over or any(hides(part, limit, depth - 1) for part in value)
    return False


def size_of(value: Any, depth: int = DEPTH) -> int:
    """About how many characters a value holds; very many where it is nested too deep."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict | list):
        if not depth:
            return 1 << 40
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        return 2 + sum(size_of(part, depth - 1) for part in parts)
    odd = isinstance(value, int | float) and not isinstance(value, bool) and number(value) is None
    return 1 << 40 if odd else 8
