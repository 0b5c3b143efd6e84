"""Devices in lines: a row each, and everything about the one that is chosen. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sereno.core.protocol.pairing import Device, PairingState
from sereno.tui import pairing_words as words
from sereno.tui.lines import Line, beside, spread, wrap
from sereno.tui.timeline import milliseconds
from sereno.tui.widgets.rows import Row
from sereno.tui.words import ago, count, cut

__all__ = ["NARROW", "about", "device_rows", "heading", "standing"]

NARROW = 80
_DAY_MS = 24 * 60 * 60 * 1000
_WAYS = {"relay": "by relay", "direct": "direct", None: ""}


def standing(state: PairingState) -> Line:
    """How many, and how many are here, for the header."""
    here = sum(each.connections > 0 for each in state.devices)
    words = f"{len(state.devices)} paired"
    return ((f"{words}, {here} here now" if here else words, "dim"),)


def _seen(device: Device, now_ms: int) -> str:
    if device.connections:
        return "now"
    if device.last_seen_at is None:
        return "never"
    return _ago(device.last_seen_at, now_ms)


def _paired(device: Device, now_ms: int) -> str:
    return _ago(device.paired_at, now_ms)


def _ago(at: str, now_ms: int) -> str:
    """`now` is said of who is here."""
    words = ago(now_ms - milliseconds(at))
    return "just now" if words == "now" else words


def heading(width: int) -> Line:
    """Over the columns; nothing in narrow terminals, whose rows say it themselves."""
    if width < NARROW:
        return ()
    cells = ("Device", "For", "May", "Last seen", "Way", "Paired")
    return beside([(((f" {name}", "dim"),), room) for name, room in zip(cells, _rooms(width))])  # noqa: B905


def _rooms(width: int) -> list[int]:
    """Cells of each column."""
    rest = [27, 10, 11, 10, 11]
    return [max(16, width - sum(rest)), *rest]


def device_rows(devices: Sequence[Device], *, width: int, now_ms: int) -> list[Row]:
    """Who is here stands first, then who was here last."""
    make = _two_lines if width < NARROW else _one_line
    order = sorted(devices, key=lambda each: (-each.connections, _last(each)))
    return [Row(each.id, make(each, width, now_ms)) for each in order]


def _last(device: Device) -> int:
    return -milliseconds(device.last_seen_at) if device.last_seen_at else 0


def _one_line(device: Device, width: int, now_ms: int) -> tuple[Line, ...]:
    here = device.connections > 0
    first, *rest = _rooms(width)
    seen = _seen(device, now_ms)
    cells: list[tuple[Line, int]] = [
        (((cut(words.device_name(device), first - 2), "strong"),), first),
        (((words.KINDS[device.kind], "dim"),), rest[0]),
        (((device.rights, ""),), rest[1]),
        (((seen, "done" if here else "dim"),), rest[2]),
        (((_way(device), "dim"),), rest[3]),
        (((_paired(device, now_ms), "dim"),), rest[4]),
    ]
    return (beside(cells),)


def _two_lines(device: Device, width: int, now_ms: int) -> tuple[Line, ...]:
    here = device.connections > 0
    right: Line = ((f"{_seen(device, now_ms)}", "done" if here else "dim"),)
    name: Line = ((words.device_name(device), "strong"),)
    facts = ", ".join(filter(None, (words.KINDS[device.kind], device.rights, _way(device))))
    return spread(name, right, width - 3), (("  ", ""), (facts, "dim"))


def _way(device: Device) -> str:
    return _WAYS[device.way]


def _standing_since(device: Device, paired: str, now_ms: int) -> str:
    """When it was paired, and until when that counts."""
    if device.expires_at is None:
        return f"{paired}; for as long as it is not revoked"
    left_ms = max(0, milliseconds(device.expires_at) - now_ms)
    days = count(-(-left_ms // _DAY_MS), "day")
    if device.connections:
        return f"{paired}; must pair again after {days} away"
    return f"{paired}; must pair again if it stays away for another {days}"


def _here(device: Device, now_ms: int) -> str:
    """Whether it is, else when it was, and by which way."""
    if device.connections:
        seen = count(device.connections, "connection")
    else:
        seen = f"no; last seen {_seen(device, now_ms)}" if device.last_seen_at else "no; never seen"
    return ", ".join(filter(None, (seen, _way(device))))


def about(device: Device | None, *, width: int, now_ms: int) -> list[Line]:
    """The chosen one, whole."""
    if device is None:
        return []
    paired = _paired(device, now_ms)
    facts = [
        ("may", f"{words.grants(device.rights)}; not: {words.WITHHELD}"),
        ("here", _here(device, now_ms)),
        ("paired", _standing_since(device, paired, now_ms)),
        ("id", device.id),
    ]
    if device.kind == "paseo":
        facts.append(("note", "its pairing came from Paseo and is shared with other devices"))
    lines: list[Line] = []
    for label, text in facts:
        for place, line in enumerate(wrap(text, max(20, width - 11))):
            lines.append(((f" {label if place == 0 else '':<8}", "dim"), (line, "")))
    return lines
