"""A QR code as half blocks, two modules a character: for screens and for the command line.

Scanners want dark on light and a light margin, whatever the theme: who draws it says both colours.
`code_of` is asked for the smallest code, so that it fits terminals; an image may be larger.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import segno

__all__ = ["MARGIN", "Code", "code_of", "image_of"]

MARGIN = 2
"""Modules of light around the code: fewer than ISO 18004's four, which every reader takes."""
_IMAGE_SCALE = 8
# By (upper is light, lower is light): light is drawn, dark is the ground.
_BLOCKS = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


@dataclass(frozen=True, slots=True)
class Code:
    """`lines`: all of one width; a block is light, a blank is dark."""

    lines: tuple[str, ...]

    @property
    def width(self) -> int:
        """Cells."""
        return len(self.lines[0])

    @property
    def height(self) -> int:
        return len(self.lines)


def code_of(text: str, *, error: str = "l", margin: int = MARGIN) -> Code:
    """The code that says `text`. Raises ValueError for what no code can hold."""
    code = segno.make(_segments(text), error=error, micro=False)
    rows = [[not dark for dark in row] for row in code.matrix_iter(border=margin)]
    if len(rows) % 2:
        rows.append([True] * len(rows[0]))
    return Code(
        tuple(
            "".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
            for upper, lower in zip(rows[::2], rows[1::2], strict=True)
        )
    )


def _segments(text: str) -> Any:
    """A link of ours in parts of one alphabet each and in capitals, which it allows: it then fits
    version 4-L. Parts in a list are what segno takes, beyond what its types say."""
    head, mark, digits = text.partition("#")
    if head.startswith("sereno:") and mark and digits.isascii() and digits.isdigit():
        return [head.upper(), mark, digits]
    return text


def image_of(text: str) -> bytes:
    """A PNG of it, with the margin of the standard. Raises ValueError."""
    file = io.BytesIO()
    segno.make(_segments(text), error="l", micro=False).save(
        file, kind="png", scale=_IMAGE_SCALE, border=4
    )
    return file.getvalue()
