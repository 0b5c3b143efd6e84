"""The task of a new agent: like the composer, but `enter` is a new line, and nothing is sent."""

from __future__ import annotations

from sereno.tui.attachments import dropped_image
from sereno.tui.widgets.composer import Composer

__all__ = ["TaskText"]

_TEXT_AREAS = ("enter", "escape", "up", "down")
"""What the composer has of its own for these keys is for talks."""


def _unheard(_key: str) -> None:
    """Nobody asks who typed: no request waits here."""


class TaskText(Composer):
    """With completion of `@`, and images that are dropped on it."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(typed=_unheard, dropped=dropped_image, id=id)

    async def _for_text(self, key: str) -> bool:
        return False if key in _TEXT_AREAS else await super()._for_text(key)
