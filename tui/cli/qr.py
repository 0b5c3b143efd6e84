"""A QR code as lines of a terminal: black on white in every theme.

Terminals are dark more often than not, and scanners want dark on light: so both colours are said,
by numbers that themes do not change.
"""

from __future__ import annotations

from sereno.tui.qr import Code, code_of

MARGIN = 4
"""Modules of light around the code, as ISO 18004 wants it."""
_COLOURS = "\x1b[38;5;231;48;5;16m"
_PLAIN = "\x1b[0m"


def drawn(text: str) -> list[str]:
    """The lines of the code that says `text`. Raises ValueError for what no code can hold."""
    return coloured(code_of(text, error="m", margin=MARGIN))


def coloured(code: Code) -> list[str]:
    return [_COLOURS + line + _PLAIN for line in code.lines]
