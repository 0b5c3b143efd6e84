"""Moving between places: what opens which screen, and what stays open under it.

A part of SerenoApp in a file of its own. The fleet is always at the bottom; every other place
stands on it, and going to an agent closes what was between.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sereno.tui.agent_acts import AgentActs
from sereno.tui.messages import CreateAgent, Seen
from sereno.tui.model import Need

if TYPE_CHECKING:
    from sereno.tui.pairing_news import PairingNews
    from sereno.tui.screens.base import SerenoScreen
    from sereno.tui.screens.new_agent.view import Draft

__all__ = ["Places"]


class Places(AgentActs, inherit_bindings=False):
    """The app's ways from place to place."""

    @cached_property
    def new_agent_draft(self) -> Draft:
        """What the form of a new agent holds while it is closed."""
        from sereno.tui.screens.new_agent.view import Draft

        return Draft()

    @cached_property
    def pairing(self) -> PairingNews:
        """What is known of pairing; the fleet watches it."""
        from sereno.tui.pairing_news import PairingNews

        return PairingNews(self.link)

    def open_agent(self, agent_id: str) -> None:
        """The agent's screen, on top of the fleet; nothing else stays between them."""
        from sereno.tui.screens.agent.screen import AgentScreen

        if agent_id not in self.model.agents:
            return
        self.to_fleet()
        if self.model.agents[agent_id].need in (Need.DONE, Need.FAILED):
            self.post_message(Seen(agent_id))
        self.push_screen(AgentScreen(agent_id))

    def open_new_agent(self, *, editor: bool = False, task: str = "") -> None:
        """The form; with `editor` the task is written in $EDITOR first. `task` stands there."""
        from sereno.tui.screens.new_agent.screen import NewAgentScreen

        self.to_fleet()
        if task:
            self.new_agent_draft.task = task
        self.push_screen(NewAgentScreen(editor=editor))

    def open_log(self, source: str = "daemon") -> None:
        """The daemon's log, or an agent's by its id."""
        from sereno.tui.screens.log.screen import LogScreen

        if isinstance(self.screen, LogScreen):
            self.pop_screen()
        self.push_screen(LogScreen(source))

    def open_processes(self, agent_id: str) -> None:
        """What runs for an agent, on top of what is open."""
        from sereno.tui.screens.processes.screen import ProcessesScreen

        if not isinstance(self.screen, ProcessesScreen):
            self.push_screen(ProcessesScreen(agent_id))

    def open_security(self) -> None:
        """Who can reach the daemon, and what they must show."""
        from sereno.tui.screens.security.screen import SecurityScreen

        if not isinstance(self.screen, SecurityScreen):
            self.to_fleet()
            self.push_screen(SecurityScreen())

    def open_pair(self) -> None:
        """A code for another device, or who wants in just now; on top of what is open."""
        from sereno.tui.screens.pair.screen import PairScreen

        if not self._back_to(PairScreen):
            self.push_screen(PairScreen())

    def open_devices(self) -> None:
        """Who was let in by pairing, on top of what is open."""
        from sereno.tui.screens.devices.screen import DevicesScreen

        if not self._back_to(DevicesScreen):
            self.push_screen(DevicesScreen())

    def _back_to(self, kind: type[SerenoScreen[None]]) -> bool:
        """Closes what stands on a place of this kind; False where none is open."""
        if not any(isinstance(screen, kind) for screen in self.screen_stack):
            return False
        while not isinstance(self.screen, kind):
            self.pop_screen()
        return True

    def open_history(self) -> None:
        """Archived agents, and what can be imported."""
        from sereno.tui.screens.history.screen import HistoryScreen

        self.to_fleet()
        self.push_screen(HistoryScreen())

    def filter_fleet(self, words: str) -> None:
        """The fleet with only the agents that these words fit."""
        from sereno.tui.screens.fleet.screen import FleetScreen

        self.to_fleet()
        if isinstance(self.screen, FleetScreen):
            self.screen.filter_by(words)

    def to_fleet(self) -> None:
        """Closes everything above the fleet; drafts are kept by their screens."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def open_requests(self) -> None:
        """To the oldest open request; once its panel has the keyboard, to the next one."""
        from sereno.tui.screens.agent.screen import AgentScreen

        requests = self.model.requests
        if not requests:
            self.notify("No request is open.")
            return
        waiting = list(dict.fromkeys(each.agent_id for each in requests))
        screen = self.screen
        if isinstance(screen, AgentScreen) and screen.agent_id in waiting:
            mine = len(self.model.requests_of(screen.agent_id))
            if len(waiting) == 1 or mine > 1 or not screen.panel.has_focus:
                screen.focus_request()
                return
            after = waiting.index(screen.agent_id) + 1
            self._to_request(waiting[after % len(waiting)])
            return
        self._to_request(waiting[0])

    def _to_request(self, agent_id: str) -> None:
        from sereno.tui.screens.agent.screen import AgentScreen

        self.to_fleet()
        self.push_screen(AgentScreen(agent_id, focus_request=True))

    def creation(self, draft: Draft) -> CreateAgent:
        """A filled form as what is asked of the daemon: folders are whole paths there."""
        words = draft.folder.strip() or "."
        where = Path(self.home + words[1:] if words.partition("/")[0] == "~" else words)
        return CreateAgent(
            "",
            provider=draft.provider,
            folder=str(where if where.is_absolute() else self.cwd / where),
            task=draft.task.strip(),
            mode_id=draft.mode or None,
            model_id=draft.model or None,
            thinking_id=draft.thinking or None,
        )

    # -- the same, as actions of keys ----------------------------------------------------------

    def action_keys(self) -> None:
        """All keys of this place."""
        from sereno.tui.screens.help.screen import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_jump(self) -> None:
        """A label on every part of the screen."""
        from sereno.tui.screens.jump.screen import JumpScreen

        if not isinstance(self.screen, JumpScreen):
            self.push_screen(JumpScreen(self.screen))

    def action_oldest_request(self) -> None:
        self.open_requests()

    def action_agent(self, number: int) -> None:
        """An agent by its place in the list, from 1."""
        states = self.model.ordered()
        if number <= len(states):
            self.open_agent(states[number - 1].id)

    def action_log(self) -> None:
        self.open_log("daemon")

    def action_pair(self) -> None:
        self.open_pair()

    def action_fleet(self) -> None:
        self.to_fleet()
