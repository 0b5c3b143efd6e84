"""What one daemon hands to the next: the descriptors of lock and listening sockets. A value only.

Also its text, as it stands in the next daemon's command: `lock:4,unix:5,door:7:127.0.0.1:80`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Self


class Descriptors:
    """Numbers of open descriptors. Written out, because `dataclasses` loads slowly.

    `doors`: of `daemon.listen`, each with the address under which it stands there; a name that
    means two addresses stands there twice.
    """

    def __init__(self, lock: int, unix: int, doors: tuple[tuple[str, int], ...] = ()) -> None:
        self.lock: Final = lock
        self.unix: Final = unix
        self.doors: Final = doors

    @property
    def all(self) -> tuple[int, ...]:
        return (self.lock, self.unix, *(fd for _, fd in self.doors))

    def duplicate(self) -> Self:
        """The same with descriptors of its own (CLOEXEC)."""
        made: list[int] = []
        try:
            for fd in self.all:
                made.append(os.dup(fd))
        except OSError:
            for fd in made:
                os.close(fd)
            raise
        return self.renumbered(made)

    def renumbered(self, numbers: list[int]) -> Self:
        """The same under other numbers, in the order of `all`."""
        names = (name for name, _ in self.doors)
        return type(self)(numbers[0], numbers[1], tuple(zip(names, numbers[2:], strict=True)))

    def same_as(self, other: Descriptors) -> bool:
        """Whether both stand for the very same lock and sockets, under whatever numbers."""
        return self._held() == other._held()

    def _held(self) -> list[tuple[str, int, int]]:
        names = ["lock", "unix", *(name for name, _ in self.doors)]
        found = [os.fstat(fd) for fd in self.all]
        return [(n, one.st_dev, one.st_ino) for n, one in zip(names, found, strict=True)]

    def close(self) -> None:
        for fd in self.all:
            os.close(fd)

    @property
    def text(self) -> str:
        doors = (f",door:{fd}:{_escaped(name)}" for name, fd in self.doors)
        return f"lock:{self.lock},unix:{self.unix}{''.join(doors)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `text`. Raises ValueError for anything else."""
        found: dict[str, int] = {}
        doors: list[tuple[str, int]] = []
        for part in text.split(","):
            kind, _, rest = part.partition(":")
            number, _, name = rest.partition(":")
            if not (number.isascii() and number.isdigit()) or kind in found:
                raise ValueError(text)
            if kind == "door":
                doors.append((_plain(name), int(number)))
            else:
                found[kind] = int(number)
        if found.keys() != {"lock", "unix"}:
            raise ValueError(text)
        return cls(found["lock"], found["unix"], tuple(doors))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Descriptors) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Descriptors({self.text})"


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace(",", "%2C")


def _plain(name: str) -> str:
    return name.replace("%2C", ",").replace("%25", "%")
