"""Pairing on the fleet: the watch that all places read, the relay in the header, who knocks.

Loaded once the daemon of this machine is there, never for the first frame. A knock is told where
the person is just now, and stands on the fleet until it is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.worker import Worker

from sereno.core.protocol.pairing import Question
from sereno.tui.lines import Line, spread
from sereno.tui.pairing_news import PairingNews, knock_words, relay_line
from sereno.tui.widgets.attention import AttentionBar
from sereno.tui.widgets.key_shown import keys_shown
from sereno.tui.widgets.line import LineWidget

if TYPE_CHECKING:
    from sereno.tui.screens.fleet.screen import FleetScreen

__all__ = ["FleetPairing", "KnockBar"]


class KnockBar(LineWidget):
    """One line: who waits for a yes, and the key that answers."""

    DEFAULT_CSS = "KnockBar { height: 1; }"

    def __init__(self, words: str) -> None:
        super().__init__(id="knock")
        self._words = words

    def show(self, words: str) -> None:
        if words != self._words:
            self._words = words
            self.refresh()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        del height
        key: Line = (("P", "key"), (" answers ", "dim"))
        left: Line = ((" ", ""), (f"! {self._words}", "asks"))
        return [keys_shown(self, spread(left, key, width))]


class FleetPairing:
    """One for the fleet's life."""

    def __init__(self, fleet: FleetScreen) -> None:
        self._fleet = fleet
        self._worker: Worker[None] | None = None
        self._news.knocked = self._knocked
        self._news.listen(self._told)

    @property
    def _news(self) -> PairingNews:
        return self._fleet.sereno.pairing

    def watch(self) -> None:
        """Once for each connection; a watch that ended by itself is begun again."""
        if self._worker is None or self._worker.is_finished:
            self._worker = self._fleet.run_worker(
                self._news.watch(), name="pairing", group="link", exit_on_error=False
            )

    def relay(self, width: int) -> Line:
        """For the header."""
        state = self._news.state
        return relay_line(state.relay if state is not None else None, width)

    def _knocked(self, question: Question) -> None:
        """Told once, wherever the person is; not where the question itself comes up."""
        app = self._fleet.sereno
        app.ring()
        if getattr(app.screen, "PLACE", "") == "pair":
            return
        here = app.screen is self._fleet
        key = app.key_of("fleet.pair", "P") if here else f"{app.leader} w"
        app.notify(f"{knock_words([question])}. {key} answers.", severity="warning")

    def _told(self) -> None:
        """The line on the fleet, and what the header says of the relay."""
        fleet, state = self._fleet, self._news.state
        if not fleet.is_mounted:
            return
        words = knock_words(state.questions if state is not None else [])
        found = list(fleet.query(KnockBar))
        if found and words:
            found[0].show(words)
        elif words:
            fleet.mount(KnockBar(words), after=fleet.query_one(AttentionBar))
        for bar in found if not words else []:
            bar.remove()
        fleet.show_lists()
