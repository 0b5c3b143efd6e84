"""Which key presses may answer a request: the rules against accidents (T44), as a pure object.

Time comes in as seconds of a monotonic clock. A key counts only when the request has been there
for 0.6 s without any key, when it does not repeat one that came just before, and when no other
key comes with it (typing and unbracketed paste come in bursts). Nothing here knows what is asked.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["BURST_S", "DEAD_S", "QUIET_S", "REPEAT_S", "KeyGate", "Verdict"]

DEAD_S = 0.6
"""After a request appeared or took the keyboard; any key in that time starts it again."""
QUIET_S = 1.5
"""A request takes the keyboard only after this long without any key."""
REPEAT_S = 1.0
"""The same key within this time is a key that is held: terminals begin to repeat after 0.25 to
0.66 s and do not tell it from a press."""
BURST_S = 0.08
"""Nobody presses two keys on purpose this fast; a paste and a held key do."""


class Verdict(enum.Enum):
    """What a key press is worth."""

    COUNTS = "counts"
    """It may answer, once `BURST_S` passed without another key."""
    DEAD = "dead"
    REPEATS = "repeats"
    BURST = "burst"


@dataclass(slots=True)
class KeyGate:
    """The times that decide. `press` for keys of the panel, `typed` for keys anywhere else."""

    dead_until: float = 0.0
    last_at: float = float("-inf")
    last_key: str = ""

    def restart(self, now: float) -> None:
        """The request appeared, changed or took the keyboard: its keys are dead from now."""
        self.dead_until = now + DEAD_S

    def typed(self, now: float, key: str = "") -> None:
        """A key, or a paste, that was for something else."""
        self.last_at, self.last_key = now, key

    def press(self, now: float, key: str) -> Verdict:
        """Judges a key press and remembers it. All but COUNTS start the dead time again."""
        since = now - self.last_at
        held = key == self.last_key and since < REPEAT_S
        dead = now < self.dead_until
        self.typed(now, key)
        if dead:
            verdict = Verdict.DEAD
        elif since < BURST_S:
            verdict = Verdict.BURST
        elif held:
            verdict = Verdict.REPEATS
        else:
            return Verdict.COUNTS
        self.restart(now)
        return verdict

    def is_dead(self, now: float) -> bool:
        return now < self.dead_until

    def is_quiet(self, now: float) -> bool:
        """Whether nobody has pressed a key for long enough to move the keyboard."""
        return now - self.last_at >= QUIET_S
