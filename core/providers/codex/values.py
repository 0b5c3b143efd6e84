"""Reading JSON in which anything may be wrong: what does not fit is as if it were not there."""

from __future__ import annotations

from typing import Any

__all__ = ["as_dict", "as_dicts", "as_int", "as_number", "as_text", "as_texts", "pruned"]

DEPTH = 32
LARGEST = 2**63


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def as_texts(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def as_number(value: Any) -> float | None:
    """A number; not a truth value, and nothing that is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e15 else None


def as_int(value: Any) -> int | None:
    number = as_number(value)
    return None if number is None else int(number)


def pruned(value: Any, depth: int = DEPTH) -> Any:
    """The value in a form that can be stored: not too deep, no number too large."""
    if isinstance(value, dict):
        if not depth:
            return "…"
        return {key: pruned(part, depth - 1) for key, part in value.items()}
    if isinstance(value, list):
        return [pruned(part, depth - 1) for part in value] if depth else "…"
    if isinstance(value, int) and not -LARGEST <= value < LARGEST:
        return float(value) if abs(value) < 1e300 else "…"
    return value
