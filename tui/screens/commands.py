"""The command palette's words: every place and every act, also with arguments.

`:` and `ctrl+p` open it. `log`, `rename x`, an agent's name: what matches is offered, the rest of
the words are the argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from sereno.tui.theme import THEMES
from sereno.tui.wall import harmless
from sereno.tui.words import cut, one_line

if TYPE_CHECKING:
    from sereno.tui.app import SerenoApp

__all__ = ["SerenoCommands", "Word"]


@dataclass(frozen=True, slots=True)
class Word:
    """A command: its words, what it does, and how it is done."""

    words: str
    help: str
    run: Callable[[], object]


class SerenoCommands(Provider):
    """Places, agents, and what can be done to the selected or open agent."""

    @property
    def _sereno(self) -> SerenoApp:
        return cast("SerenoApp", self.app)

    def _words(self) -> Iterator[Word]:
        app = self._sereno
        yield Word("fleet", "all agents", app.to_fleet)
        yield Word("new", "new agent", app.open_new_agent)
        yield Word("requests", "go to the oldest open request", app.action_oldest_request)
        yield Word("log", "the daemon's log", app.open_log)
        yield Word("keys", "all keys of this place", app.action_keys)
        yield Word("mouse", "mouse on or off", app.action_mouse)
        for theme in THEMES:
            words = f"theme {theme.name}"
            yield Word(words, "change the colours", partial(setattr, app, "theme", theme.name))
        yield Word("detach", "leave; the agents keep running", app.action_detach)
        for state in app.model.ordered():
            name = cut(one_line(harmless(state.title)), 50)
            yield Word(
                name, f"open this agent, {state.need.word}", partial(app.open_agent, state.id)
            )
            yield Word(f"log {name}", "its stderr and events", partial(app.open_log, state.id))

    async def discover(self) -> Hits:
        for word in self._words():
            yield DiscoveryHit(Content(word.words), word.run, word.words, word.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for word in self._words():
            score = matcher.match(word.words)
            if score > 0:
                shown = matcher.highlight(word.words)
                yield Hit(score, shown, word.run, word.words, word.help)
