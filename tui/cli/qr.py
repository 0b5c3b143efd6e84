"""A QR code as lines of a terminal: two modules a character, black on white in every theme.

Scanners want dark on light and a light margin, and terminals are dark more often than not: so both
colours are said, by numbers that themes do not change.
"""

from __future__ import annotations

import segno

MARGIN = 4
"""Modules of light around the code, as ISO 18004 wants it."""
_COLOURS = "\x1b[38;5;231;48;5;16m"
_PLAIN = "\x1b[0m"
# By (upper is light, lower is light): light is drawn, dark is the ground.
_BLOCKS = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def drawn(text: str) -> list[str]:
    """The lines of the code that says `text`. Raises ValueError for what no code can hold."""
    code = segno.make(text, error="m", micro=False)
    rows = [[not dark for dark in row] for row in code.matrix_iter(border=MARGIN)]
    if len(rows) % 2:
        rows.append([True] * len(rows[0]))
    return [
        _COLOURS + "".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True)) + _PLAIN
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]
