"""The turn: one prompt at a time, begun, steered, interrupted, ended.

Codex names a turn in its reply or a moment later; an interrupt that comes before is sent then. An
interrupt also ends what the turn left running, commands and sub-agents: Codex does not by itself.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.timeline import UserMessage
from sereno.core.providers.codex import approvals, plans
from sereno.core.providers.codex.children import Children
from sereno.core.providers.codex.failures import LOGIN, Failure, explain_reply, explain_turn
from sereno.core.providers.codex.items import close_items
from sereno.core.providers.codex.prompts import turn_of
from sereno.core.providers.codex.state import Core, OpenRequest
from sereno.core.providers.codex.text import Text
from sereno.core.providers.codex.usage import new_turn, usage_now
from sereno.core.providers.codex.values import as_dict, as_text
from sereno.core.providers.common.ending import ended_by_itself, turn_ended, why_closed
from sereno.core.providers.common.failures import message_of
from sereno.core.providers.driver import Prompt
from sereno.core.providers.effects import (
    Diagnostic,
    Effect,
    Item,
    Outcome,
    Send,
    TurnStarted,
)
from sereno.core.providers.jsonrpc import Reply

__all__ = ["TURN_METHODS", "Turns"]

TURN_METHODS = frozenset({"turn/start", "review/start", "thread/compact/start"})
CLEAN = "thread/backgroundTerminals/clean"


class Turns:
    """The turns of one thread."""

    def __init__(self, core: Core, text: Text, children: Children) -> None:
        self._core = core
        self._text = text
        self._children = children

    def begin(self, prompt: Prompt) -> list[Effect]:
        state = self._core.state
        effects = self._open(prompt.id)
        method, params, left_out = turn_of(prompt, state.thread_id, state.skills)
        effects += [Diagnostic("notice", f"Not sent with the prompt: {what}") for what in left_out]
        return [*effects, Send(self._core.peer.request(method, params, prompt.id))]

    def _open(self, prompt_id: str) -> list[Effect]:
        """A turn begins: nothing of the last one counts any more."""
        state = self._core.state
        self._text.end()
        state.prompt_id, state.turn_id, state.active_id = prompt_id, "", ""
        state.cancelling, state.plan_text = False, ""
        state.reviewing, state.streamed, state.closed = "", [], []
        state.sums.pop("plan", None)
        new_turn(self._core)
        return [*plans.withdraw(self._core), TurnStarted(prompt_id)]

    def _own_id(self) -> str:
        """A name for a turn that nobody here prompted."""
        self._core.state.own += 1
        return f"own-{self._core.setup.run}-{self._core.state.own}"

    def begin_with(self, text: str) -> list[Effect]:
        """A turn that an answer begins, in words that stand in the timeline."""
        said = Item(UserMessage(text=text))
        return [said, *self.begin(Prompt(self._own_id(), text))]

    def replied(self, reply: Reply) -> list[Effect]:
        """The answer to a prompt: the turn's id, or why there is none."""
        state, identity = self._core.state, self._core.identity
        if reply.call.context != state.prompt_id:
            return []
        if reply.failure is not None:
            if state.cancelling:
                return self.end("canceled")
            login = identity.login_hint or LOGIN
            return self.end("failed", explain_reply(reply.failure, identity.label, login))
        turn = as_dict(as_dict(reply.result).get("turn"))
        named = self._named(as_text(turn.get("id")))
        return self._stop() if named and state.cancelling else []

    def started(self, turn: dict[str, Any]) -> list[Effect]:
        """`turn/started` of this thread."""
        state = self._core.state
        effects: list[Effect] = []
        if state.prompt_id is None:
            # A goal goes on, or a sub-agent has reported.
            effects = self._core.noted("info", "Codex began a turn by itself")
            effects += self._open(self._own_id())
        self._named(as_text(turn.get("id")))
        state.active_id = as_text(turn.get("id"))
        # An interrupt that came before the turn had really begun found nothing to interrupt.
        return [*effects, *(self._stop() if state.cancelling else [])]

    def _named(self, turn_id: str) -> bool:
        state = self._core.state
        if state.turn_id or not turn_id:
            return False
        state.turn_id = turn_id
        self._core.touch()
        return True

    def completed(self, turn: dict[str, Any]) -> list[Effect]:
        """`turn/completed` of this thread."""
        core, state = self._core, self._core.state
        if state.prompt_id is None:
            return [*self._leave("canceled"), *core.noted("info", "A turn of its own has ended")]
        ids = (as_text(turn.get("id")), as_text(turn.get("rootTurnId")))
        if state.turn_id and state.turn_id not in ids:
            return core.noted("debug", "The end of another turn was ignored")
        match turn.get("status"):
            case "completed":
                return self.end("completed")
            case "interrupted":
                return self.end(
                    "canceled", None if state.cancelling else ended_by_itself(self._core)
                )
            case _ if state.cancelling:
                return self.end("canceled")
            case _:
                return self.end("failed", self._failure(turn.get("error")))

    def _failure(self, error: Any) -> Failure:
        identity = self._core.identity
        login = identity.login_hint or LOGIN
        return explain_turn(error, identity.label, login, self._core.state.limits)

    def end(self, outcome: Outcome, failure: Failure | None = None) -> list[Effect]:
        """The turn is over, whatever was open in it."""
        state = self._core.state
        effects, kept = list[Effect](), list[OpenRequest]()
        if outcome == "completed":
            reason = "The turn has ended; the sub-agent goes on and asks again."
            effects, kept = approvals.set_aside(self._core, reason)
        effects += self._leave("failed" if outcome == "failed" else "canceled", outcome)
        if state.cancelling:
            # What began between the interrupt and here; there is none as a rule.
            params = {"threadId": state.thread_id}
            effects.append(Send(self._core.peer.request(CLEAN, params)))
        prompt_id, state.prompt_id, state.turn_id = state.prompt_id or "", None, ""
        state.active_id, state.cancelling = "", False
        self._core.touch()
        end = turn_ended(prompt_id, outcome, failure, usage_now(self._core))
        plan = plans.plan_request(self._core) if outcome == "completed" else None
        kept += [] if plan is None else [plan]
        again = [effect for request in kept for effect in approvals.show(self._core, request)]
        return [*effects, end, *again]

    def _leave(self, status: Any, outcome: Outcome = "completed") -> list[Effect]:
        """Closes requests and items."""
        self._text.end()
        self._core.state.reviewing = ""
        effects = approvals.withdraw_all(self._core, why_closed(outcome))
        effects += close_items(self._core, status)
        self._children.forget_old()
        return effects

    def interrupt(self) -> list[Effect]:
        """Nothing without a turn, but for sub-agents that go on; asked twice, it is said twice."""
        state = self._core.state
        if state.prompt_id is None:
            return self._stop()
        state.cancelling = True
        self._core.touch()
        return [*self._stop(), *approvals.withdraw_all(self._core, "Interrupted")]

    def _stop(self) -> list[Effect]:
        """The frames that stop the turn, its sub-agents and its commands; none before it has a
        name.
        """
        state, peer = self._core.state, self._core.peer
        turns = [(thread, child.turn_id) for thread, child in state.children.items()]
        turns.append((state.thread_id, state.active_id or state.turn_id))
        effects: list[Effect] = []
        for thread_id, turn_id in turns:
            if turn_id:
                params = {"threadId": thread_id, "turnId": turn_id}
                effects.append(Send(peer.request("turn/interrupt", params)))
                effects.append(Send(peer.request(CLEAN, {"threadId": thread_id})))
        return effects

    def side_reply(self, reply: Reply) -> list[Effect]:
        """The answers to interrupts, cleaning and words into the turn."""
        if reply.failure is None:
            return []
        words = message_of(reply.failure)
        if reply.call.method == "turn/steer":
            text = "Codex could not be told why you said no; send it as a prompt"
            return self._core.noted("warning", f"{text} ({words})")
        return self._core.noted("debug", f"{reply.call.method}: {words}")
