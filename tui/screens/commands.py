"""The command palette's words: every place and every act, also with arguments.

`:` and `ctrl+p` open it. `log`, `quit`, an agent's name: what matches is offered. After `rename`,
`new` and `filter` the rest of the words is the argument: `rename x`.
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

__all__ = ["SerenoCommands", "Verb", "Word"]

EXACT = 1000.0
"""The score of what was typed whole: before everything that is only like it."""


@dataclass(frozen=True, slots=True)
class Word:
    """A command: its words, what it does, and how it is done. An alias is found, not listed."""

    words: str
    help: str
    run: Callable[[], object]
    alias: bool = False


@dataclass(frozen=True, slots=True)
class Verb:
    """A command that takes the rest of the words; without any, a Word of the same name asks."""

    name: str
    help: str
    run: Callable[[str], object]


class SerenoCommands(Provider):
    """Places, agents, and what can be done to the selected or open agent."""

    @property
    def _sereno(self) -> SerenoApp:
        return cast("SerenoApp", self.app)

    @property
    def _agent_id(self) -> str:
        """Of the agent that is selected or open where the palette was opened."""
        found = str(getattr(self.screen, "agent_id", ""))
        return found if found in self._sereno.model.agents else ""

    def _words(self) -> Iterator[Word]:
        app = self._sereno
        yield Word("fleet", "all agents", app.to_fleet)
        yield Word("new", "new agent", app.open_new_agent)
        yield Word("requests", "go to the oldest open request", app.action_oldest_request)
        yield Word("log", "the daemon's log", app.open_log)
        yield Word("history", "archived agents, sessions to import", app.open_history)
        yield Word("import", "sessions of this folder to import", app.open_history, alias=True)
        yield Word("security", "who can reach the daemon, what they must show", app.open_security)
        yield Word("password", "of the daemon", app.open_security, alias=True)
        yield Word("pair", "let another device in, by a code", app.open_pair)
        yield Word("devices", "who was let in: rights, revoke", app.open_devices)
        yield Word("revoke", "a device", app.open_devices, alias=True)
        yield Word("relay", "on or off, where it leads", app.open_security, alias=True)
        yield Word("keys", "all keys of this place", app.action_keys)
        yield Word("help", "all keys of this place", app.action_keys, alias=True)
        yield from self._acts()
        yield Word("undo", "bring back what was archived last", app.undo_archive)
        yield Word("mouse", "mouse on or off", app.action_mouse)
        for theme in THEMES:
            words = f"theme {theme.name}"
            yield Word(words, "change the colours", partial(setattr, app, "theme", theme.name))
        yield Word("daemon start", "where none runs", app.action_start_daemon)
        yield Word("detach", "leave; the agents keep running", app.action_detach)
        yield Word("quit", "leave; the agents keep running", app.action_detach)
        yield Word("q", "leave; the agents keep running", app.action_detach, alias=True)
        for state in app.model.ordered():
            name = cut(one_line(harmless(state.title)), 50)
            yield Word(
                name, f"open this agent, {state.need.word}", partial(app.open_agent, state.id)
            )
            yield Word(f"log {name}", "its stderr and events", partial(app.open_log, state.id))

    def _acts(self) -> Iterator[Word]:
        """What can be done to one agent; each asks first where the key does."""
        app, agent_id = self._sereno, self._agent_id
        if agent_id:
            yield Word("rename", "another title ...", partial(app.rename_agent, agent_id))
            yield Word("mode", "mode and model ...", partial(app.modes_of, agent_id))
            yield Word("processes", "what runs, memory", partial(app.open_processes, agent_id))
            yield Word("memory", "what runs", partial(app.open_processes, agent_id), alias=True)
            yield Word("stop", "end its processes ...", partial(app.stop_agent, agent_id))
            yield Word("archive", "end it, put it away ...", partial(app.archive_agent, agent_id))

    def _verbs(self) -> Iterator[Verb]:
        app, agent_id = self._sereno, self._agent_id
        if agent_id:
            yield Verb("rename", "give it this title", partial(app.rename_agent, agent_id))
        yield Verb("new", "new agent with this task", lambda task: app.open_new_agent(task=task))
        yield Verb("filter", "only agents with these words", app.filter_fleet)

    async def discover(self) -> Hits:
        for word in self._words():
            if not word.alias:
                yield DiscoveryHit(Content(word.words), word.run, word.words, word.help)

    async def search(self, query: str) -> Hits:
        typed = query.strip()
        name, _, rest = typed.partition(" ")
        for verb in self._verbs():
            if rest and name.casefold() == verb.name:
                run = partial(verb.run, rest.strip())
                yield Hit(EXACT, Content(f"{verb.name} {rest}"), run, typed, verb.help)
        matcher = self.matcher(query)
        for word in self._words():
            exact = word.words.casefold() == typed.casefold()
            score = EXACT if exact else matcher.match(word.words)
            if exact or (score > 0 and not word.alias):
                shown = matcher.highlight(word.words)
                yield Hit(score, shown, word.run, word.words, word.help)
