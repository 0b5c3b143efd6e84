"""What the request panel's state machine asks its widget to do, and the keys that scroll.

Plain values; request_panel_state.py makes them, request_panel.py carries them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sereno.core.protocol.permissions import PermissionResponse

__all__ = ["SCROLLS", "AskWords", "Effect", "Focus", "Page", "Purpose", "Scroll", "Send"]

Purpose = Literal["deny", "edit", "answer"]


@dataclass(frozen=True, slots=True)
class Send:
    """The answer, bound to the request that was on the screen."""

    request_id: str
    response: PermissionResponse


@dataclass(frozen=True, slots=True)
class Focus:
    where: Literal["panel", "composer"]


@dataclass(frozen=True, slots=True)
class AskWords:
    """A field for words: why it is denied, an answer, the command to edit (`start` is in it)."""

    purpose: Purpose
    start: str = ""
    secret: bool = False
    """What is typed is not shown."""


@dataclass(frozen=True, slots=True)
class Page:
    """The whole text in the pager."""


@dataclass(frozen=True, slots=True)
class Scroll:
    """Lines of the text, negative upwards; `whole` pages instead of lines."""

    lines: int
    whole: bool = False


Effect = Send | Focus | AskWords | Page | Scroll

SCROLLS: Final = {
    "down": Scroll(1),
    "j": Scroll(1),
    "up": Scroll(-1),
    "k": Scroll(-1),
    "pagedown": Scroll(1, whole=True),
    "space": Scroll(1, whole=True),
    "pageup": Scroll(-1, whole=True),
    "end": Scroll(1_000_000),
    "G": Scroll(1_000_000),
    "home": Scroll(-1_000_000),
    "g": Scroll(-1_000_000),
}
