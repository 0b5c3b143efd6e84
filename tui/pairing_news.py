"""What the app knows of pairing: watched while a daemon of this machine is there, for all places.

Nothing is pushed by the daemon; one question waits at it for the next change. Loaded after the
first frame, and never for a daemon on another machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sereno.core.protocol.pairing import Offer, PairingState, Question, RelayStatus
from sereno.tui import pairing_words as words
from sereno.tui.lines import Line
from sereno.tui.link_api import ActError, Link
from sereno.tui.pairing_link import read
from sereno.tui.words import count, cut

__all__ = ["Made", "PairingNews", "is_open", "knock_words", "relay_line"]

PACE = 1.0
"""Seconds at least between two questions that were answered at once and told nothing new."""
AGAIN = 5.0
"""Seconds after a question that failed."""
_UNKNOWN = ("Unknown request schema", "own machine only")
"""A daemon that says this will not say anything else."""


@dataclass(repr=False)
class Made:
    """An offer of ours: its link, what was said of whoever comes, what can be typed instead of the
    link (empty: nothing), the file that holds its code."""

    url: str
    name: str
    rights: str
    typed: str = ""
    image: Path | None = None

    def __repr__(self) -> str:
        """Without what lets somebody in: a traceback may show it."""
        return f"Made({self.name!r}, {self.rights})"

    def forget(self) -> None:
        """It is dead: so is the picture of it."""
        if self.image is not None:
            with contextlib.suppress(OSError):
                self.image.unlink()
        self.image = None


class PairingNews:
    """`state`: None while nothing is known. `made`: the offers that were made here, by id.
    `knocked`: is told each question once."""

    def __init__(self, link: Link) -> None:
        self.state: PairingState | None = None
        self.made: dict[str, Made] = {}
        self.knocked: Callable[[Question], None] = lambda _question: None
        self.pace = PACE
        self._link = link
        self._known: frozenset[str] = frozenset()
        self._listeners: list[Callable[[], None]] = []

    # -- reading -------------------------------------------------------------------------------

    @property
    def question(self) -> Question | None:
        """The oldest that is not answered."""
        return self.state.questions[0] if self.state is not None and self.state.questions else None

    def offer(self, offer_id: str) -> Offer | None:
        offers = [] if self.state is None else self.state.offers
        return next((each for each in offers if each.id == offer_id), None)

    def listen(self, listener: Callable[[], None]) -> None:
        """It is called after each change."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[], None]) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)

    # -- asking --------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Until it is cancelled, or the daemon says that it tells nothing."""
        after: int | None = None
        while True:
            began = time.monotonic()
            try:
                state = await read(self._link, after)
            except ActError as error:
                self.told(None)
                if any(told in str(error) for told in _UNKNOWN):
                    return
                after = None
                await asyncio.sleep(max(AGAIN, self.pace))
                continue
            self.told(state)
            if state.revision == after and time.monotonic() - began < self.pace:
                await asyncio.sleep(self.pace)
            after = state.revision

    async def look(self) -> PairingState:
        """As it is now. Raises ActError."""
        state = await read(self._link)
        self.told(state)
        return state

    def told(self, state: PairingState | None) -> None:
        if state == self.state:
            return
        self.state = state
        if state is not None:
            usable = {each.id for each in state.offers if is_open(each)}
            for name in set(self.made) - usable:
                self.made.pop(name).forget()
            fresh = [each for each in state.questions if each.id not in self._known]
            self._known = frozenset(each.id for each in state.questions)
            for question in fresh:
                self.knocked(question)
        for listener in tuple(self._listeners):
            listener()


def is_open(offer: Offer) -> bool:
    """Whether somebody may still come by it."""
    return offer.ended is None and offer.device_id is None


def relay_line(relay: RelayStatus | None, width: int) -> Line:
    """Through which relay one is reachable and whether it answers; nothing where it is off."""
    if relay is None or not relay.enabled:
        return ()
    name = cut(words.relay_name(relay), 30) if width >= 80 else "relay"
    match relay.state:
        case "ready":
            return ((f"{name} ok", "dim"),)
        case "idle":
            return ((f"{name} idle", "dim"),)
        case "connecting":
            return ((f"{name} …", "dim"),)
        case "waiting":
            return ((f"! {name} does not answer", "failed"),)
        case _:
            return ()


def knock_words(questions: list[Question]) -> str:
    """Who waits for a yes: one is named."""
    if not questions:
        return ""
    first = questions[0]
    told = f"{words.kind_of(first.kind)} ({words.who(first)}) wants in"
    more = len(questions) - 1
    return f"{told}, and {count(more, 'other')}" if more else told
