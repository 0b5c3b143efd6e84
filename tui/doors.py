"""What the fleet knows of the daemon's addresses: which could not be opened, and who knows of it.

A port that another program has is no reason not to work, so it is a quiet line on the fleet; once
the security screen has shown it, it is not said again.
"""

from __future__ import annotations

from collections.abc import Iterable

from sereno.core.protocol.additions import DoorStatus
from sereno.tui.lines import Line, spread
from sereno.tui.wall import harmless
from sereno.tui.words import cut, one_line

__all__ = ["Doors", "door_lines"]


class Doors:
    """The addresses of the configuration as the daemon told last."""

    def __init__(self) -> None:
        self.failed: tuple[DoorStatus, ...] = ()
        self._seen: frozenset[tuple[str, str | None]] = frozenset()

    def told(self, doors: Iterable[DoorStatus], *, seen: bool = False) -> None:
        """`seen`: the person looks at them just now."""
        self.failed = tuple(door for door in doors if door.error is not None)
        if seen:
            self._seen = frozenset((door.address, door.error) for door in self.failed)

    @property
    def news(self) -> tuple[DoorStatus, ...]:
        """What could not be opened and was not seen yet."""
        return tuple(door for door in self.failed if (door.address, door.error) not in self._seen)


def door_lines(doors: Doors, width: int) -> list[Line]:
    """One line, or none: which address is not open, why as far as it fits, and the key for more."""
    news = doors.news
    if not news:
        return []
    names = cut(", ".join(one_line(harmless(door.address)) for door in news), width - 34)
    words = f"! {names} {'is' if len(news) == 1 else 'are'} not open"
    why = one_line(harmless(news[0].error or ""))
    why = f"   {why.removeprefix(f'{news[0].address} cannot be opened: ')}" if width >= 80 else ""
    key: Line = (("S", "key"), (" says why ", "dim"))
    return [spread(((" ", ""), (words, "asks-line"), (why, "dim")), key, width)]
