"""The places of pairing for tests: the app in front of a Gate, its clock, what a scanner sees."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import zxingcpp
from rich.style import Style
from textual.pilot import Pilot

from sereno.core.protocol.pairing import Device
from sereno.tui.app import SerenoApp
from sereno.tui.screens.pair.admit import Admit
from tests.tui import sample
from tests.tui.pairing_place import Gate, device
from tests.tui.scenes import settle
from tests.tui.security_place import Keeper, Place

__all__ = ["DEVICES", "PairPlace", "opened_pair", "read_image", "scanned", "shown_app"]

SCALE = 4


def _devices() -> tuple[Device, ...]:
    return (
        device(1, "Pixel 9", connections=1),
        device(
            2, "Work laptop", kind="sereno", way="direct", last_seen_at=sample.stamp(3 * 86_400)
        ),
        device(3, "iPad (kitchen)", rights="viewer", last_seen_at=sample.stamp(41 * 86_400)),
        device(4, "Old phone", kind="paseo", last_seen_at=None, way=None),
    )


DEVICES = _devices()


class PairPlace(Place):
    """`gate`: the daemon's pairing. Time stands still until a test moves `clock` on."""

    def __init__(self, app: SerenoApp, pilot: Pilot[Any], keeper: Keeper) -> None:
        super().__init__(app, pilot, keeper)
        self.gate = keeper.pairing
        self.clock = 1000.0
        app.monotonic = lambda: self.clock

    async def knocked(self, **more: Any) -> None:
        """Somebody comes by the newest offer, and the question is on the screen."""
        self.gate.knock(self.gate.offers[-1].id, **more)
        await self.until(lambda: isinstance(self.app.screen, Admit))
        await self.pilot.pause()

    async def answer(self, key: str) -> None:
        """Once the question's keys are alive."""
        asked = self.app.screen
        self.clock += 5.0
        await self.press(key)
        self.clock += 1.0
        await self.until(lambda: self.app.screen is not asked)
        await settle(self.pilot)

    def seconds(self, many: int) -> None:
        for _ in range(many):
            self.app._clock_ticked()


@asynccontextmanager
async def opened_pair(
    *devices: Device,
    size: tuple[int, int] = (100, 30),
    keys: tuple[str, ...] = ("P",),
    gate: Gate | None = None,
    **more: Any,
) -> AsyncIterator[PairPlace]:
    """The app, and what these keys open."""
    keeper = Keeper()
    keeper.pairing = gate or Gate(*(devices or DEVICES))
    link = sample.StillLink(sample.fleet())
    link.asked = keeper
    app = sample.app(link, **more)
    app.pairing.pace = 0.05
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        here = PairPlace(app, pilot, keeper)
        await here.until(lambda: app.pairing.state is not None)
        await here.press(*keys)
        await settle(pilot)
        yield here


def shown_app(
    gate: Gate, keys: tuple[str, ...], *, knock: bool = False
) -> tuple[SerenoApp, Callable[[Pilot[Any]], Awaitable[None]]]:
    """An app for a picture, and what leads to it. `knock`: somebody comes by the offer."""
    keeper = Keeper()
    keeper.pairing = gate
    link = sample.StillLink(sample.fleet())
    link.asked = keeper
    app = sample.app(link, crash_file=Path(sample.HOME) / ".sereno" / "logs" / "crash.log")
    app.pairing.pace = 0.05

    async def ready(pilot: Pilot[Any]) -> None:
        here = PairPlace(app, pilot, keeper)
        await settle(pilot)
        await here.until(lambda: app.pairing.state is not None)
        await here.press(*keys)
        if knock:
            await here.knocked()
        await settle(pilot)

    return app, ready


def scanned(app: SerenoApp) -> str:
    """What a camera sees of the screen as it goes to the terminal; empty: no code.

    Only cells that say both colours count, white on black: all others look as the theme wants.
    """
    rows: list[bytes] = []
    for strip in app.screen._compositor.render_strips():
        text = "".join(segment.text for segment in strip if _says_both(segment.style))
        if text:
            for block in ("█▀", "█▄"):
                row = b"".join((b"\xff" if one in block else b"\0") * SCALE for one in text)
                rows += [row] * SCALE
    return _read(b"".join(rows), len(rows), len(rows[0])) if rows else ""


def _says_both(style: Style | None) -> bool:
    if style is None or style.color is None or style.bgcolor is None:
        return False
    named = not (style.color.is_default or style.bgcolor.is_default)
    both = (tuple(style.color.get_truecolor()), tuple(style.bgcolor.get_truecolor()))
    return named and both == ((255, 255, 255), (0, 0, 0))


def read_image(file: Path) -> str:
    """What a camera sees of a PNG of one bit a pixel, its rows plain or beside those above."""
    data, at, pixels = file.read_bytes(), 8, b""
    width = height = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (1, 0)
        elif kind == b"IDAT":
            pixels += body
        at += size + 12
    plain, stride = zlib.decompress(pixels), (width + 7) // 8 + 1
    grey, above = bytearray(), bytes(stride - 1)
    for row in range(height):
        way, *line = plain[row * stride : (row + 1) * stride]
        assert way in (0, 2)
        above = (
            bytes((one + over) & 255 for one, over in zip(line, above, strict=True))
            if way == 2
            else bytes(line)
        )
        bits = "".join(f"{byte:08b}" for byte in above)[:width]
        grey += bytes(255 if bit == "1" else 0 for bit in bits)
    return _read(bytes(grey), height, width)


def _read(pixels: bytes, height: int, width: int) -> str:
    (found,) = zxingcpp.read_barcodes(memoryview(pixels).cast("B", (height, width)))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    return str(found.text)
