"""What goes to the terminal beside the screen: the bell, the title, and its reset after a crash.

Pure strings; the app writes them through Textual's driver, the crash path to descriptor 2.
`kill -9` is the standby's case (core/daemon/standby.py), which resets the terminal on its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from sereno.tui.wall import harmless

__all__ = ["BELL", "RESET", "Bell", "title"]

BELL = "\x07"

RESET = (
    "\x1b[<u"  # kitty keyboard flags off
    "\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # mouse off
    "\x1b[?1004l\x1b[?2004l\x1b[?2048l"  # focus, paste, in-band resize off
    "\x1b[?1049l\x1b[?25h\x1b[0m"  # main screen, cursor, plain text
)
"""Leaves the alternate screen and turns off every mode that Textual turns on."""


def title(waiting: int) -> str:
    """The sequence that sets the terminal's title: `(2) sereno` while requests wait."""
    words = f"({waiting}) sereno" if waiting else "sereno"
    return f"\x1b]0;{harmless(words)}\x07"


class Bell:
    """Rings once for each request that was not there before (rule 12)."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def due(self, requests: Iterable[str], *, quiet: bool = False) -> bool:
        """Whether to ring now, given the ids of all open requests.

        `quiet` learns them without ringing: what waited before the first look is no news.
        """
        now = set(requests)
        fresh = now - self._known
        self._known = now
        return bool(fresh) and not quiet
