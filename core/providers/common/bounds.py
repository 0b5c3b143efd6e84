"""How much of one text is kept and shown: the middle of what is too long goes, and it says so."""

from __future__ import annotations

from typing import Any

__all__ = ["OUTPUT_LIMIT", "clip", "clipped"]

OUTPUT_LIMIT = 256 * 1024
"""Characters of one text of a tool call; beyond, the middle is left out, and it says so."""


def clip(text: str, limit: int = OUTPUT_LIMIT) -> str:
    """At most about `limit` characters: the middle is replaced by a line that counts it."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"


def clipped(value: Any) -> Any:
    """JSON of which each text is at most `OUTPUT_LIMIT` long, the mark of what is left out too."""
    if isinstance(value, str):
        return clip(value, OUTPUT_LIMIT - 100)
    if isinstance(value, dict):
        return {key: clipped(part) for key, part in value.items()}
    return [clipped(part) for part in value] if isinstance(value, list) else value
