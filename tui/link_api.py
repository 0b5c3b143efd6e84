"""What the app needs of a link to a daemon; link.py is the real one, tests bring their own.

The app talks to this and to nothing behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sereno.core.protocol.additions import InspectAgentResult, ReadLogResult
from sereno.core.protocol.agents import AgentSnapshot, Model
from sereno.core.protocol.importing import ProviderSessions
from sereno.core.protocol.values import Wire
from sereno.tui.messages import Act
from sereno.tui.model import FleetModel

__all__ = ["ActError", "Link"]


class ActError(Exception):
    """An act or a question that the daemon refused, or that did not reach it: words for a person.

    `next_step` is empty where nothing can be advised.
    """

    def __init__(self, words: str, next_step: str = "") -> None:
        super().__init__(f"{words} {next_step}".strip())
        self.words = words
        self.next_step = next_step


class Link(Protocol):
    """A session at a daemon that keeps a FleetModel up to date."""

    async def run(self, model: FleetModel) -> None:
        """Connects, feeds the model, connects again; until it is cancelled."""

    async def start_daemon(self) -> None:
        """Starts one in the background where none runs, and connects to it. Raises ActError."""

    def follow(self, agent_ids: Sequence[str]) -> None:
        """These agents are on the screen: their timelines are fetched and kept whole."""

    async def perform(self, act: Act) -> Wire | None:
        """Does what the person wants. Raises ActError."""

    async def read_log(
        self, source: str, direction: str, cursor: int | None, limit: int
    ) -> ReadLogResult:
        """A page of the daemon's log, or of an agent's stderr. Raises ActError."""

    async def archived(self) -> list[AgentSnapshot]:
        """The archived agents, newest first. Raises ActError."""

    async def sessions(self, folder: str) -> ProviderSessions:
        """What agent programs have for a folder, begun outside Sereno; slow. Raises ActError."""

    async def models(self, provider: str, folder: str) -> list[Model]:
        """Which models an agent program has; slow. Raises ActError."""

    async def inspect(self, agent_id: str) -> InspectAgentResult:
        """What stands behind an agent. Raises ActError."""

    async def ask(self, request: Wire) -> Wire:
        """A question of a place that knows its messages itself. Raises ActError."""

    async def find_files(self, folder: str, query: str, limit: int) -> list[str]:
        """Paths below a folder that match, for completion. Raises ActError."""
