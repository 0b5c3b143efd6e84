"""Cutting what an agent writes at line ends, with a bound on a line that does not end.

Pure. Whole lines make every frame's end a place from which a daemon may go on.
"""

from __future__ import annotations

LONGEST_CARRY = 1024 * 1024


class LineCutter:
    """Keeps the begun line of one stream until the rest of it comes."""

    def __init__(self, longest: int = LONGEST_CARRY) -> None:
        self._carry = bytearray()
        self._longest = longest

    @property
    def carried(self) -> int:
        return len(self._carry)

    def feed(self, data: bytes) -> tuple[tuple[bytes, ...], bool]:
        """The parts of the next frame (none: nothing to say yet), and whether it is partial."""
        cut = data.rfind(b"\n") + 1
        if cut:
            whole = data if cut == len(data) else data[:cut]
            parts = (bytes(self._carry), whole) if self._carry else (whole,)
            self._carry.clear()
            self._carry += data[cut:]
            return parts, False
        self._carry += data
        return self.flush() if len(self._carry) >= self._longest else ((), False)

    def flush(self) -> tuple[tuple[bytes, ...], bool]:
        """Gives the begun line as it is."""
        if not self._carry:
            return (), False
        parts = (bytes(self._carry),)
        self._carry = bytearray()
        return parts, True
