"""How long the places of the terminal wait for a person, in one value that the app is given.

The product keeps the times that stand here and in docs/keys.md; tests bring others, so that what
they see does not depend on the speed of the machine. Not here: the times of the request panel,
which are counted on the app's `monotonic` (widgets/request_panel_gate.py).
"""

from __future__ import annotations

import msgspec

__all__ = ["Times"]


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds."""

    leader: float = 2.0
    """After `ctrl+x`, until it is forgotten."""
    dead: float = 0.6
    """After a question appeared, until `y` counts (rule 6, T44)."""
    twice: float = 1.5
    """Between two `ctrl+c` that detach, when there is nothing else that they could mean."""
    news: float = 4.0
    """Until something that is good to know leaves the footer."""
    warning: float = 8.0
    error: float = 12.0
    said: float = 8.0
    """Until what an agent's screen said under its composer goes."""
    mode: float = 3.0
    """Until an agent that was asked for another mode is said to have not taken it."""
    debounce: float = 0.06
    """After a key, until files are looked for: whoever types asks once."""
