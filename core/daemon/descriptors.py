"""What one daemon hands to the next: the descriptors of lock and listening socket. A value only."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Descriptors:
    """Numbers of open descriptors. Written out, because `dataclasses` loads slowly."""

    def __init__(self, lock: int, unix: int) -> None:
        self.lock: Final = lock
        self.unix: Final = unix

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Descriptors) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"Descriptors(lock={self.lock}, unix={self.unix})"
