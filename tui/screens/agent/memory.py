"""How much memory an agent holds, for the head of its screen: asked for now and then.

Only while the screen is looked at, and only where a program may run. Where the daemon cannot tell,
nothing is shown: the processes screen says why.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.worker import Worker

from sereno.core.protocol.additions import InspectAgentResult
from sereno.tui.link_api import ActError
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.processes.view import summary

__all__ = ["MemoryFigure"]

PACE = 5
"""Seconds between two questions."""
SOON = 2
"""The same while nothing is known: the program may be starting."""


class MemoryFigure:
    """`words` is `142 MiB`, or empty. `tick` once a second; `changed` hears of other words."""

    def __init__(
        self,
        screen: SerenoScreen[None],
        ask: Callable[[], Awaitable[InspectAgentResult]],
        changed: Callable[[], None],
    ) -> None:
        self._screen = screen
        self._ask = ask
        self._changed = changed
        self._waited = PACE
        self._asking = False
        self.words = ""

    def tick(self, *, runs: bool) -> None:
        """The screen is looked at. `runs`: a program may run, and the daemon can be asked."""
        self._waited += 1
        if not runs:
            self._say("")
        elif self._waited >= (PACE if self.words else SOON) and not self._asking:
            self._waited, self._asking = 0, True
            _: Worker[None] = self._screen.run_worker(self._fetch, group="log", exit_on_error=False)

    async def _fetch(self) -> None:
        try:
            words = summary(await self._ask())
        except ActError:
            words = ""
        finally:
            self._asking = False
        self._say(words)

    def _say(self, words: str) -> None:
        if words != self.words:
            self.words = words
            self._changed()
