"""What can be done to one agent from any place: each act with its question or its panel first.

A part of SerenoApp in a file of its own, shared by the fleet's keys and the palette's words.
Destructive acts go through the confirm screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from textual.app import App

from sereno.core.protocol.values import given
from sereno.tui.keys import LEADER_KEY
from sereno.tui.link_api import ActError, Link
from sereno.tui.messages import Act, ArchiveAgent, EndAgent, Rename, Unarchive
from sereno.tui.model import ASKING, AgentState, FleetModel
from sereno.tui.widgets.key_shown import key_shown
from sereno.tui.words import folder, one_line

__all__ = ["AgentActs"]


class AgentActs(App[str], inherit_bindings=False):
    """Acts by agent id; an id that is gone does nothing."""

    link: Link
    model: FleetModel
    cwd: Path
    home: str
    keymap: Mapping[str, str]
    last_archived: str | None = None

    def key_of(self, name: str, usual: str) -> str:
        """The key of the binding `name` for a sentence; `usual`: how it is written by default."""
        return key_shown(self.keymap, name, usual)

    @property
    def leader(self) -> str:
        return self.key_of("app.leader", LEADER_KEY)

    def rename_agent(self, agent_id: str, name: str = "") -> None:
        """With a name at once; without one a panel asks for it."""
        from sereno.tui.screens.confirm.text import AskText

        state = self.model.agents.get(agent_id)
        if state is None:
            return
        old = state.snapshot.title or ""

        def renamed(words: str | None) -> None:
            if words and words.strip() and words.strip() != old:
                self.post_message(Rename(agent_id, words.strip()))

        if name.strip():
            renamed(name)
        else:
            self.push_screen(AskText("Rename", "New name", old), renamed)

    def want_models(self, provider: str, *, again: bool = False) -> None:
        """Asks a program for its models, unless they are known or asked for. `again`: also one
        that could not tell the last time."""
        if self._lacks_models(provider, again=again):
            self.model.models_asked(provider, ASKING)
            self.run_worker(self._ask_models(provider), group="acts", exit_on_error=False)

    def _lacks_models(self, provider: str, *, again: bool) -> bool:
        entry = next((each for each in self.model.providers if each.provider == provider), None)
        if entry is None or entry.status != "ready" or given(entry.models, []):
            return False
        words = self.model.models_words.get(provider)
        return words is None or (again and words not in ("", ASKING))

    async def _ask_models(self, provider: str) -> None:
        self.model.models_asked(provider, ASKING)
        try:
            found = await self.link.models(provider, str(self.cwd))
        except ActError as error:
            self.model.models_asked(provider, str(error))
        else:
            self.model.models_told(provider, found)

    def modes_of(self, agent_id: str) -> None:
        """The panel of mode, model and thinking, once the program has told its models."""
        state = self.model.agents.get(agent_id)
        if state is None:
            return
        if self._lacks_models(state.snapshot.provider, again=True):
            self.run_worker(self._modes_after_asking(agent_id), group="acts", exit_on_error=False)
        else:
            self._show_modes(agent_id)

    async def _modes_after_asking(self, agent_id: str) -> None:
        screen = self.screen
        self.notify("Asking the program for its models ...")
        await self._ask_models(self.model.agents[agent_id].snapshot.provider)
        if self.screen is screen:
            self._show_modes(agent_id)

    def _show_modes(self, agent_id: str) -> None:
        from sereno.tui.screens.modes.screen import ModesPanel
        from sereno.tui.screens.new_agent.view import find

        state = self.model.agents.get(agent_id)
        if state is None:
            return

        def chosen(acts: list[Act] | None) -> None:
            for act in acts or ():
                self.post_message(act)

        entry = find(self.model.providers, state.snapshot.provider)
        self.push_screen(ModesPanel(state, entry), chosen)

    def undo_archive(self) -> None:
        """Brings back what was archived last from this terminal."""
        if self.last_archived is None:
            self.notify("Nothing was archived from here since this terminal was opened.")
            return
        self.post_message(Unarchive(self.last_archived))

    def stop_agent(self, agent_id: str) -> None:
        """Asks, then ends its processes."""
        state = self.model.agents.get(agent_id)
        if state is not None:
            lines = (
                "Its process and everything it started end now; a running turn is lost.",
                "The conversation stays: the next prompt starts it again.",
            )
            self._ask("Stop", state, lines, "stop it", EndAgent(agent_id))

    def archive_agent(self, agent_id: str) -> None:
        """Asks, then ends it and takes it from the list."""
        state = self.model.agents.get(agent_id)
        if state is not None:
            lines = (
                "It ends, and leaves the list; nothing of it is deleted. "
                f"{self.key_of('fleet.undo', 'u')} brings it back.",
                f"The folder {folder(state.snapshot.cwd, self.home)} is not touched.",
            )
            self._ask("Archive", state, lines, "archive it", ArchiveAgent(agent_id))

    def _ask(
        self, verb: str, state: AgentState, lines: tuple[str, ...], yes: str, act: Act
    ) -> None:
        from sereno.tui.screens.confirm.screen import Confirm, Question

        def answered(sure: bool | None) -> None:
            if sure:
                self.post_message(act)

        question = Question(f"{verb} {one_line(state.title)}?", lines, yes)
        self.push_screen(Confirm(question), answered)
