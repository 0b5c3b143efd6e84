"""How far the journal of a run is taken: whole lines go to the driver, a half line waits.

A half line may have megabytes. It stays where it is anyway, in the journal: the committed position
stands before it until its end has come, so that it is neither in a driver's snapshot nor written
again with each commit. What else came behind that position is not taken twice (`heard`). Pure.
"""

from __future__ import annotations

from sereno.core.runners.model import Frame, Stream

__all__ = ["Intake"]


class Intake:
    """`limit`: bytes of the journal that may wait behind the committed position; a half line that
    would keep back more is given to the driver as it is."""

    def __init__(self, position: int, limit: int) -> None:
        self._limit = limit
        self._taken = position
        self._begin: int | None = None
        self._half: list[bytes] = []

    @property
    def position(self) -> int:
        """Up to where all is taken; reading goes on from here after a restart."""
        return self._taken if self._begin is None else self._begin

    @property
    def waits(self) -> bool:
        return self._begin is not None

    def rewind(self, position: int) -> None:
        """The journal is read again from here."""
        self._taken, self._begin, self._half = position, None, []

    def take(self, frame: Frame) -> bytes:
        """What the driver may have now that this frame, the next of the journal, has come."""
        begin, self._taken = self._taken, frame.end
        if frame.stream is Stream.OUT:
            self._half.append(frame.data)
            if frame.data.endswith(b"\n"):
                return self.rest()
            if self._begin is None:
                self._begin = begin
        if self._begin is None:
            return b""
        over = frame.stream is Stream.EXIT or frame.end - self._begin > self._limit
        return self.rest() if over else b""

    def rest(self) -> bytes:
        """The half line, because nothing more of it will come, or too much has."""
        half, self._half, self._begin = self._half, [], None
        return half[0] if len(half) == 1 else b"".join(half)
