"""Where the request panel stands, and what it says to a key that does not count.

Plain values of request_panel_state.py.
"""

from __future__ import annotations

import enum
from typing import Final

from sereno.tui.widgets.request_panel_gate import Verdict

__all__ = ["END_FIRST", "LISTENING", "REMARKS", "Phase"]


class Phase(enum.Enum):
    """Where the panel stands. Those of LISTENING listen to keys of their own."""

    EMPTY = "no request"
    SHOWN = "shown, the keyboard is elsewhere"
    ASKING = "shown, with the keyboard"
    CHOOSING = "one of several options is to be picked by its number"
    CONFIRMING = "the exact option is shown; enter sends it"
    ANSWERING = "a question of the agent is answered"
    WRITING = "words for the agent, or a changed command, are typed"
    SENT = "the answer is on its way"
    PUT_OFF = "to be decided later"


LISTENING: Final = (Phase.ASKING, Phase.CHOOSING, Phase.CONFIRMING, Phase.ANSWERING)

REMARKS: Final = {
    Verdict.DEAD: "Keys are dead for 0.6 s after each: wait, then press once.",
    Verdict.REPEATS: "A held key answers nothing: let go, wait, press once.",
    Verdict.BURST: "Keys together answer nothing: wait, then press one.",
}
END_FIRST: Final = "once the end was seen: space, or v."
"""How a remark ends that is done with the end."""
