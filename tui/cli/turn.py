"""Watches one prompt of ours until its turn is over, for `run` and `send`.

Says what the outcome was and prints the answer meanwhile. Not here: connecting and following.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.events import (
    PermissionRequested,
    PermissionResolved,
    StreamEvent,
    TurnCanceled,
    TurnCompleted,
    TurnFailed,
)
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.timeline import AssistantMessage, Entry, UserMessage
from sereno.core.protocol.values import UnsetType, given
from sereno.tui.cli import exits
from sereno.tui.cli.errors import sentence
from sereno.tui.cli.link import short
from sereno.tui.cli.permits import request_lines
from sereno.tui.cli.printer import Printer
from sereno.tui.cli.questions import closed_words, how_to_allow


@dataclass(frozen=True)
class Outcome:
    """How a turn ended. `status`: completed, failed, canceled, asks."""

    status: str
    error: str | None = None
    next_step: str | None = None

    @property
    def exit_code(self) -> int:
        return {
            "completed": exits.OK,
            "failed": exits.AGENT_FAILED,
            "canceled": exits.CANCELED,
            "asks": exits.ASKS,
        }[self.status]


class TurnWatcher:
    """A Watcher (follow.py) of the turn that answers the prompt with `message_id`.

    `patient`: a request for permission is announced and waited for, as on a terminal; otherwise
    it ends the watching with "asks". `say` prints a line for the person.
    """

    def __init__(
        self,
        message_id: str,
        printer: Printer | None,
        say: Callable[[list[str]], None],
        patient: bool,
    ) -> None:
        self._message_id = message_id
        self._printer = printer
        self._say = say
        self._patient = patient
        self._begun_seq = 0
        self._over = False
        self._announced: set[str] = set()
        self._answer: list[str] = []
        self._answer_end = 0
        self.outcome: Outcome | None = None
        self.agent_id = ""

    @property
    def answer(self) -> str:
        """The text of the last message so far."""
        return "".join(self._answer)

    def row(self, entry: Entry) -> None:
        item = entry.item
        if isinstance(item, UserMessage):
            if given(item.message_id, "") == self._message_id:
                self._begun_seq = entry.seq_end
            elif self._begun_seq:
                self._over = True
            return
        if not self._begun_seq or self._over:
            return
        if isinstance(item, AssistantMessage):
            if entry.seq_start != self._answer_end + 1:
                self._answer = []
            self._answer.append(item.text)
            self._answer_end = entry.seq_end
        if self._printer is not None:
            self._printer.item(item)

    def event(self, event: StreamEvent) -> bool:
        match event:
            case PermissionRequested():
                self._announce(event.request)
                return not self._patient
            case PermissionResolved():
                self._resolved(event)
            case TurnCompleted() if self._ours(event.message_id):
                self.outcome = Outcome("completed")
            case TurnFailed() if self._ours(event.message_id):
                self.outcome = Outcome("failed", event.error, given(event.next_step, None))
            case TurnCanceled() if self._ours(event.message_id):
                self.outcome = Outcome("canceled", event.reason)
            case _:
                pass
        return self.outcome is not None

    def _ours(self, message_id: str | UnsetType) -> bool:
        return message_id == self._message_id

    def state(self, agent: AgentSnapshot, seq: int) -> bool:
        self.agent_id = agent.id
        for request in agent.pending_permissions:
            self._announce(request)
        if self.outcome is None:
            self.outcome = self._judge(agent, seq)
        if self.outcome is not None and self.outcome.status == "failed":
            self.outcome = self._explained(self.outcome, agent)
        return self.outcome is not None

    def _judge(self, agent: AgentSnapshot, seq: int) -> Outcome | None:
        """The outcome, where the event that says it was lost with a connection."""
        if agent.pending_permissions and not self._patient:
            return Outcome("asks", "the agent waits for permission")
        if self._over:
            return Outcome("completed")
        if self._begun_seq > seq:
            return None  # It began after the state was read.
        queue = agent.sereno.queue if agent.sereno else []
        if agent.status in ("running", "initializing"):
            return None
        if agent.status == "error":
            return Outcome("failed", "the agent failed")
        if self._begun_seq:
            closed = agent.status == "closed"
            return Outcome("canceled", "the agent was ended") if closed else Outcome("completed")
        if any(prompt.id == self._message_id for prompt in queue):
            return None
        return Outcome("canceled", "the prompt was taken back before it was sent")

    @staticmethod
    def _explained(outcome: Outcome, agent: AgentSnapshot) -> Outcome:
        next_step = given(agent.sereno.next_step, None) if agent.sereno else None
        return Outcome(
            "failed",
            given(agent.last_error, None) or outcome.error,
            outcome.next_step or next_step,
        )

    def note(self, text: str) -> None:
        self._tell([f"sereno: {sentence(text)}"])

    def _announce(self, request: PermissionRequest) -> None:
        if request.id in self._announced:
            return
        self._announced.add(request.id)
        how = how_to_allow(short(self.agent_id), request)
        lines = ["? the agent asks for permission:", *request_lines(request, "  ")]
        lines.append(f"  Answer it on the screen (`sereno`), or with: {how} (or deny)")
        self._tell(lines)

    def _resolved(self, event: PermissionResolved) -> None:
        if event.request_id in self._announced:
            self._tell([f"  {closed_words(event)}"])

    def _tell(self, lines: list[str]) -> None:
        if self._printer is not None:
            self._printer.end()
        self._say(lines)
