"""All agents of one daemon: the only door from sessions to agents.

Finds agents by id, prefix or title, makes new ones, and passes every wish on to the agent that it
concerns (agent.py). It holds no rule about an agent's life itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import anyio
import anyio.abc

from sereno.core.agents.views import (
    AgentView,
    Ended,
    Inspection,
    LogPage,
    Principal,
    PromptResult,
    TakenBack,
    WaitOutcome,
)
from sereno.core.protocol.additions import LedgerEntry
from sereno.core.protocol.agents import ProjectPlacement
from sereno.core.protocol.outgoing import Outgoing
from sereno.core.protocol.permissions import PermissionResponse
from sereno.core.protocol.requests import CreateAgent, FetchTimeline, Image

if TYPE_CHECKING:
    from sereno.core.config import Config
    from sereno.core.home import Home

__all__ = ["Fleet", "Publisher"]


class Publisher(Protocol):
    """Implemented by core/sessions: hands one message, encoded once, to every session."""

    def publish(self, message: Outgoing) -> None: ...


class Fleet:
    """Every method may raise AgentError (errors.py) and StoreError (core/store/errors.py).

    Methods take the full agent id unless they say "identifier"; use `resolve` for those. `by` is
    who asked, in words: it goes to the ledger, the audit and other clients' screens.
    """

    def __init__(
        self,
        *,
        database: Any,
        catalog: Any,
        publisher: Publisher,
        home: Home,
        config: Config,
        server_id: str,
        clock: Callable[[], int] = ...,  # type: ignore[assignment]
        place: Callable[[str], ProjectPlacement] = ...,  # type: ignore[assignment]
    ) -> None:
        """`clock`: epoch milliseconds. `place`: reads a folder's placement; called in a thread."""

    async def run(
        self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Loads every agent (then `started`), attaches the runners, and owns all tasks of all
        agents until it is cancelled. Leaving ends no agent. `await task_group.start(fleet.run)`.
        """

    def list(self) -> Sequence[AgentView]:
        """Every agent, archived ones too; in no order. Touches neither disk nor processes."""
        raise NotImplementedError

    def view(self, agent_id: str) -> AgentView:
        raise NotImplementedError

    def resolve(self, identifier: str) -> str:
        """The id that an identifier means. Raises UnknownAgent, AmbiguousAgent (wire 6.2.1)."""
        raise NotImplementedError

    async def create(self, request: CreateAgent, *, by: Principal) -> AgentView:
        """Makes and starts an agent; returns when its first prompt is queued, not when it ran.

        Raises AgentError: unknown_provider, provider_disabled, cwd_missing, bad_title, …
        """
        raise NotImplementedError

    async def prompt(
        self,
        agent_id: str,
        text: str,
        *,
        by: Principal,
        message_id: str | None = None,
        delivery: Literal["queue", "interrupt"] = "queue",
        images: Sequence[Image] = (),
        attachments: Sequence[Mapping[str, Any]] = (),
    ) -> PromptResult:
        """Committed when it returns. Starts the program where none runs; unarchives. A message id
        that was seen before runs nothing twice (but starts a failed agent with it again)."""
        raise NotImplementedError

    async def take_back(
        self, agent_id: str, prompt_id: str | None, *, by: Principal
    ) -> TakenBack | None:
        """Takes a queued prompt (None: the newest) out of the queue; None where it is too late."""
        raise NotImplementedError

    async def start(self, agent_id: str, *, by: Principal) -> AgentView:
        """Starts (again) the program of an agent that has none, and what waits in its queue."""
        raise NotImplementedError

    async def interrupt(self, agent_id: str, *, by: Principal) -> AgentView:
        """Cancels the running turn; an idle agent is left alone. Open requests are denied."""
        raise NotImplementedError

    async def end(self, agent_id: str, *, by: Principal) -> Ended:
        """Ends the whole process tree and says what is left. The next prompt resumes."""
        raise NotImplementedError

    async def archive(self, agent_id: str, *, by: Principal) -> AgentView:
        """Ends the agent and hides it; its timeline stays."""
        raise NotImplementedError

    async def unarchive(self, agent_id: str, *, by: Principal) -> AgentView:
        raise NotImplementedError

    async def delete(self, agent_id: str, *, by: Principal) -> None:
        """Ends the agent and removes everything of it but the audit."""

    async def update(
        self,
        agent_id: str,
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        by: Principal,
    ) -> AgentView:
        """Sets the title and merges labels. Raises AgentError nothing_to_update, bad_title."""
        raise NotImplementedError

    async def set_mode(self, agent_id: str, mode_id: str, *, by: Principal) -> AgentView:
        raise NotImplementedError

    async def set_model(self, agent_id: str, model_id: str | None, *, by: Principal) -> AgentView:
        raise NotImplementedError

    async def set_thinking(
        self, agent_id: str, option_id: str | None, *, by: Principal
    ) -> AgentView:
        raise NotImplementedError

    async def clear_attention(self, agent_ids: Iterable[str]) -> Sequence[AgentView]:
        """Marks agents as seen; unknown ids are left out of the answer."""
        raise NotImplementedError

    async def answer(
        self, agent_id: str, request_id: str, response: PermissionResponse, *, by: Principal
    ) -> None:
        """Answers a request for permission; committed before the agent hears of it.

        Raises RequestGone (one answer wins; says whose), AgentError for an impossible answer.
        """

    async def requests(self, *, closed: bool = False, limit: int = 200) -> Sequence[LedgerEntry]:
        """The ledger: open requests oldest first; with `closed` all of them, newest first."""
        raise NotImplementedError

    async def timeline(self, request: FetchTimeline) -> bytes:
        """The answer to a timeline fetch as a whole encoded frame, made off the loop (6.7)."""
        raise NotImplementedError

    async def wait(self, agent_id: str, timeout_s: float | None) -> WaitOutcome:
        """Until the agent is idle, failed or asks (wire 6.6.5), or the time is over."""
        raise NotImplementedError

    async def inspect(self, agent_id: str) -> Inspection:
        raise NotImplementedError

    async def log(
        self,
        agent_id: str,
        direction: Literal["tail", "before", "after"] = "tail",
        cursor: int | None = None,
        limit: int = 500,
    ) -> LogPage:
        """The agent's stderr and diagnostics. A cursor is a line's number: `before` gives the
        lines under it, `after` those above it; `start_cursor`/`end_cursor` are the first and last
        number given (0, 0 when there is none)."""
        raise NotImplementedError
