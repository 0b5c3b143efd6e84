"""What no widget may hand to the terminal, whatever an agent wrote (T40, T41)."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment

__all__ = ["forbidden"]


def forbidden(segments: Iterable[Segment]) -> list[str]:
    """Controls, bidirectional overrides, links and actions among the segments of a line."""
    bad: list[str] = []
    for text, style, control in segments:
        codes = [ord(character) for character in text]
        if control or any(code < 0x20 or 0x7F <= code < 0xA0 for code in codes):
            bad.append(repr(text))
        if any(0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 for code in codes):
            bad.append(repr(text))
        if style is not None and (style.link or style.meta.keys() - {"offset"}):
            bad.append(f"{text!r} has a link or an action")
    return bad
