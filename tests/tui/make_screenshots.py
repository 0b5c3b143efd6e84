"""Writes `screenshots/`: SVG and PNG of the main screens at both sizes, from the test scenes.

Run by `make screenshots`. PNGs are rendered by resvg with the machine's DejaVu Sans Mono, without a
browser and without a network.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import resvg_py

from tests.tui.scenes import PICTURES, SIZES, Scene, play

FONT = "DejaVu Sans Mono"
WIDTHS = {100: 1400, 60: 1000}


async def picture(scene: Scene, size: tuple[int, int]) -> str:
    """The screen as SVG, in a font that every machine has."""
    app = scene.app()
    async with app.run_test(size=size) as pilot:
        await play(pilot, scene.keys)
        svg = app.export_screenshot(title="sereno")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code", FONT)


def main() -> None:
    """All pictures into the folder given, by default `screenshots/` beside the code."""
    root = Path(__file__).resolve().parents[2]
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else root / "screenshots"
    folder.mkdir(exist_ok=True)
    for name, scene in PICTURES.items():
        for size in SIZES:
            svg = asyncio.run(picture(scene, size))
            stem = folder / f"{name.replace('_', '-')}-{size[0]}x{size[1]}"
            stem.with_suffix(".svg").write_text(svg, encoding="utf-8")
            png = resvg_py.svg_to_bytes(
                svg_string=svg, width=WIDTHS[size[0]], font_family=FONT, monospace_family=FONT
            )
            stem.with_suffix(".png").write_bytes(bytes(png))
            sys.stdout.write(f"{stem.name}\n")


if __name__ == "__main__":
    main()
