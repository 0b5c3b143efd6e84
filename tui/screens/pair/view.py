"""The pairing screen in lines: what stands beside the code, and instead of it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from sereno.core.protocol.pairing import Device, Offer, RelayStatus
from sereno.tui import pairing_words as words
from sereno.tui.lines import Line, wrap
from sereno.tui.qr import Code
from sereno.tui.timeline import milliseconds
from sereno.tui.words import minutes

__all__ = [
    "SIDE",
    "Sight",
    "Stage",
    "beside_code",
    "fits",
    "left_words",
    "message_lines",
    "stage",
    "trouble",
]

SIDE = 18
"""Cells that words beside the code need; with fewer the code stands alone."""
GAP = 2
SHORT = 30
"""Below so many cells the words are as few as can be."""
ASKS = "This screen then asks you. Before your yes nothing is granted."
KEY = "This is a key: do not post or record it."


class Stage(enum.Enum):
    CHOICE = "choice"
    CODE = "code"
    HIDDEN = "hidden"
    LINK = "link"
    SMALL = "small"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known, and the size of the terminal in cells. `rights`: what was asked for. `typed`:
    what can be typed instead of the link. `image`: the file in which the code is."""

    offer: Offer
    code: Code
    url: str
    relay: RelayStatus | None
    rights: str
    typed: str
    device: Device | None
    image: str
    now_ms: int
    width: int
    height: int


def fits(code: Code, width: int, height: int) -> bool:
    """Whole, with one line for the keys under it."""
    return width >= code.width and height > code.height


def stage(sight: Sight | None, *, hidden: bool, as_text: bool) -> Stage:
    if sight is None:
        return Stage.CHOICE
    if sight.offer.ended is not None or sight.offer.device_id is not None:
        return Stage.OVER
    if hidden:
        return Stage.HIDDEN
    if as_text:
        return Stage.LINK
    return Stage.CODE if fits(sight.code, sight.width, sight.height) else Stage.SMALL


def left_words(offer: Offer, now_ms: int) -> str:
    """How long it counts: `9:41`."""
    return minutes(max(0, milliseconds(offer.expires_at) - now_ms))


# -- beside the code -------------------------------------------------------------------------------


def beside_code(sight: Sight) -> list[Line]:
    """As many of the words as have room, the least needed left out first."""
    width = sight.width - sight.code.width - GAP - 1
    if width < SIDE:
        return []
    blocks = [*_blocks(sight, width)]
    while sum(len(lines) for _, lines in blocks) > sight.height - 1:
        blocks.remove(max(blocks, key=lambda block: block[0]))
    return [line for _, lines in blocks for line in lines]


def _blocks(sight: Sight, width: int) -> Iterator[tuple[int, list[Line]]]:
    """(How soon it may be left out, its lines)."""
    short = width < SHORT
    own = sight.offer.kind == "sereno"
    yield 0, _lines("Pair another Sereno" if own else "Pair an official app", width, "strong")
    yield 4, [()]
    yield 2, _lines(_scan(own, short), width)
    if sight.typed:
        yield 5, [()]
        yield 2, _lines("Or typed there:" if short else "Or typed there, once, instead:", width)
        yield 2, _typed(words.told(sight.typed), width)
        yield 5, [()]
    asks = "You are asked first." if short else ASKS
    yield 1, _lines(asks, width)
    yield 5, [()]
    yield 0, _lines(f"Valid {left_words(sight.offer, sight.now_ms)}, once.", width, "busy")
    yield 6, [()]
    yield 3, _lines(f"It may {words.grants(sight.rights)}.", width, "dim")
    yield 3, _lines(f"Not: {words.WITHHELD}.", width, "dim")
    if sight.relay is not None:
        yield 7, [()]
        yield 7, _lines(f"Through {words.relay_name(sight.relay)}, end to end.", width, "dim")
        yield 7, _lines(words.relay_could(sight.offer.kind), width, "dim")
    yield 8, [()]
    secret = "It is a key: let nobody record it." if short else KEY
    yield 0, _lines(secret, width, "asks-line")


def _typed(code: str, width: int) -> list[Line]:
    """Whole words: broken between two of them where it is too long."""
    if len(code) <= width - 2:
        return [(("  ", ""), (code, "strong"))]
    parts = code.split("-")
    middle = len(parts) // 2
    return [(("-".join(parts[:middle]) + "-", "strong"),), (("-".join(parts[middle:]), "strong"),)]


def _scan(own: bool, short: bool) -> str:
    if own and short:
        return "There: sereno --host 'LINK'"
    if own:
        return "On the other machine: sereno --host 'LINK'. l shows the link, c copies it."
    return "Scan it with the Paseo app on a phone, or open the link there."


def _lines(text: str, width: int, style: str = "") -> list[Line]:
    return [((line, style),) for line in wrap(text, width)]


def trouble(text: str, width: int) -> list[Line]:
    """Why something was not done, or who waits; whole."""
    if not text:
        return []
    return [((" ", ""), (line, "asks-line")) for line in wrap(words.told(text, 600), width - 2)]


# -- instead of the code ---------------------------------------------------------------------------


def message_lines(sight: Sight, at: Stage) -> list[Line]:
    """What stands on the screen where the code does not."""
    width = sight.width - 4
    found = [line for part in _message(sight, at) for line in _part(part, width)]
    return [(), *found]


def _part(part: tuple[str, str], width: int) -> list[Line]:
    text, style = part
    return [(("  ", ""), *line) for line in _lines(text, width, style)] if text else [()]


def _message(sight: Sight, at: Stage) -> Iterator[tuple[str, str]]:
    offer, code = sight.offer, sight.code
    left = left_words(offer, sight.now_ms)
    match at:
        case Stage.OVER:
            yield from _over(sight)
        case Stage.HIDDEN:
            yield "The code is hidden.", "strong"
            yield "", ""
            yield f"It counts for {left} more. enter shows it.", ""
        case Stage.LINK:
            yield sight.url, ""
            yield "", ""
            yield f"Valid {left}, one device. This is a key: do not post or record it.", "asks-line"
            if sight.typed:
                yield f"Or typed there, instead: {words.told(sight.typed)}", ""
            yield "c copies it whole. l shows the code again.", "dim"
        case _:
            if sight.typed:
                yield "On the other machine, typed:", ""
                yield f"sereno --host {words.told(sight.typed)}", "strong"
                yield "This is a key: do not post or record it.", "asks-line"
                yield "", ""
            size = f"{code.width} x {code.height + 1}"
            yield f"The code needs {size} cells, and here are {sight.width} x {sight.height}.", ""
            yield "A part of it is worth nothing, so it is not shown. Make the terminal larger "\
                "or its letters smaller, or:", ""  # fmt: skip
            yield "", ""
            yield "l  the link as text      c  copy the link", ""
            yield "s  the code as an image, in a file that only you can read", ""
            yield "", ""
            yield f"Valid {left}, one device.", "busy"
    if sight.image and at is not Stage.OVER:
        yield "", ""
        yield f"The image: {sight.image}", "strong"
        yield "It is removed when the offer ends.", "dim"


def _over(sight: Sight) -> Iterator[tuple[str, str]]:
    device = sight.device
    if device is not None:
        yield f"{words.device_name(device)} is paired.", "done"
        yield "", ""
        yield f"It may {words.grants(device.rights)}. Not: {words.WITHHELD}.", ""
        yield "", ""
        yield "D shows all devices: rights, rename, revoke. n pairs another one.", "dim"
        return
    if sight.offer.device_id is not None:
        yield "Somebody was let in by this code. D shows all devices.", ""
        return
    yield "Nobody was let in.", "strong"
    yield "", ""
    yield words.ended(sight.offer), ""
    yield "", ""
    yield "n makes a new one.", "dim"
