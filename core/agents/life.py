"""What each thing that a driver wants does to an agent: effect in, changes of the step out.

Pure. The order of what clients hear is that of the wire reference's section 6.4; the audit gets who
asked, answered and failed. Not here: driving the driver, processes, storage (agent.py).
"""

from __future__ import annotations

import msgspec

from sereno.core.agents.lastline import last_line
from sereno.core.agents.record import Attention, Denial, Failure, Reported, Turn
from sereno.core.agents.states import IN_TURN, Event, State
from sereno.core.agents.step import Step
from sereno.core.protocol.agents import AttentionReason
from sereno.core.protocol.events import (
    AttentionData,
    AttentionNotification,
    AttentionRequired,
    PermissionRequested,
    PermissionResolved,
    ThreadStarted,
    TurnCanceled,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
)
from sereno.core.protocol.messages import PermissionPush, PermissionResolvedPush
from sereno.core.protocol.permissions import Deny, PermissionResponse
from sereno.core.protocol.timeline import AssistantMessage, TimelineItem, ToolCall, UserMessage
from sereno.core.protocol.values import UNSET, UnsetType, given, iso
from sereno.core.providers import effects
from sereno.core.store.prompts import PromptRow

__all__ = ["answered", "begin_turn", "break_down", "left", "take", "withdraw_all"]

INTERRUPTED = "Interrupted"
TURN_FAILED = "Turn failed"
_WITHDRAWN = {
    INTERRUPTED: "the turn was stopped",
    TURN_FAILED: "the turn failed",
    "Turn ended": "the turn is over",
}
"""The wire's words for a request that nobody answered (6.4), as people read them."""
SESSION_LOST = "session_lost"
ENDINGS = (effects.TurnEnded, effects.SessionFailed)
_TITLES: dict[AttentionReason, str] = {
    "finished": "Agent finished",
    "permission": "Agent needs permission",
    "error": "Agent needs attention",
}
_LOG_LEVELS: dict[effects.Level, str] = {
    "debug": "debug",
    "info": "info",
    "notice": "info",
    "warning": "warn",
    "error": "error",
}


def take(step: Step, effect: effects.Effect, at_ms: int, server_id: str) -> None:
    """One effect of the driver. `at_ms`: when the program said it."""
    match effect:
        case effects.Item(item, delta):
            step.add_item(_with_denial(step, item), at_ms, delta=delta)
        case effects.Send(data):
            step.send(data)
        case effects.Ready():
            _ready(step, effect)
        case effects.TurnStarted(prompt_id):
            _turn_started(step, prompt_id)
        case effects.TurnEnded():
            _turn_ended(step, effect, server_id)
        case effects.Asked(request):
            first = not step.requests
            asked = step.ask(request, at_ms)
            step.audit(f"agent {step.record.id[:8]}", "request.asked", request=request.id)
            step.say_state()
            step.say_event(
                PermissionRequested(provider=step.record.provider, request=asked.request)
            )
            step.say(PermissionPush(agent_id=step.record.id, request=asked.request))
            if first:
                _call(step, "permission", server_id, asked.request.title)
        case effects.Withdrawn(request_id, reason):
            _withdraw(step, request_id, reason)
        case effects.Changed():
            _changed(step, effect)
        case effects.Refused(what, value):
            _forget_wish(step, what, value)
        case effects.SessionFailed(error, code, next_step):
            break_down(step, Failure(error, code, next_step), server_id)
        case effects.Diagnostic(level, text, detail):
            step.log(_LOG_LEVELS[level], "driver", f"{text} {detail}".strip(), at_ms)


def begin_turn(step: Step, prompt: PromptRow) -> None:
    """The prompt leaves the queue and becomes a row; what the driver wants for it follows."""
    step.unqueue(prompt, "sent")
    step.set(last_user_ms=step.now_ms, failure=None, held=False)
    message_id = prompt.message_id or UNSET
    step.add_item(UserMessage(text=prompt.text, message_id=message_id), step.now_ms)
    step.audit(prompt.asked_by, "prompt.sent", prompt=prompt.id)


def answered(step: Step, request_id: str, response: PermissionResponse, by: str) -> None:
    """A person's answer: ledger, audit, and everyone who looks at the request."""
    _note_denial(step, request_id, response, by)
    step.close_request(request_id, "answered", response, by)
    step.audit(by, "request.answered", request=request_id, behavior=_behavior(response))
    _say_closed(step, request_id, response, by)


def withdraw_all(step: Step, reason: str) -> None:
    """Nobody waits for these answers any more."""
    for asked in step.requests:
        _withdraw(step, asked.request.id, reason)


def left(step: Step, words: str, server_id: str) -> None:
    """The process is gone as it was asked to, or by itself with nothing to say."""
    _abandon_turn(step, server_id)
    step.forget_run()
    step.set(exit=words)
    if step.move(Event.GONE):
        step.say_state()


def break_down(step: Step, failure: Failure, server_id: str) -> None:
    """The session is lost, or never began: cause, next step; the queue waits for the person.

    Only where the program does not know the session that it was to go on with, what waits runs at
    once, in a session of its own.
    """
    goes_on = failure.code == SESSION_LOST and step.record.session_id is not None
    _abandon_turn(step, server_id, failure)
    step.forget_run()
    if not step.move(Event.BROKE):
        return
    if step.record.state is State.CLOSED:
        # It was being ended anyway: no failure.
        step.say_state()
        return
    held = step.record.held or not goes_on
    step.set(failure=failure, held=held)
    if failure.code == SESSION_LOST:
        step.set(session_id=None)
    step.log("error", "agent", failure.message)
    step.audit(f"agent {step.record.id[:8]}", "agent.broke", code=failure.code)
    begins_anew = bool(step.queue) and not held
    called = not begins_anew and _mark(step, "error")
    step.say_state()
    if called:
        _call(step, "error", server_id, failure.message)


def _abandon_turn(step: Step, server_id: str, failure: Failure | None = None) -> None:
    """Ends a turn that nobody will end any more, and what it asked."""
    if step.record.turn is not None:
        outcome: effects.Outcome = "failed" if failure else "canceled"
        end = effects.TurnEnded(
            step.record.turn.prompt_id,
            outcome,
            failure.message if failure else "The agent was ended.",
            failure.code if failure else None,
            failure.next_step if failure else None,
        )
        _turn_ended(step, end, server_id)
    withdraw_all(step, TURN_FAILED if failure else INTERRUPTED)


def _ready(step: Step, ready: effects.Ready) -> None:
    step.set(
        session_id=ready.session_id,
        reported=Reported(
            capabilities=ready.capabilities,
            modes=ready.modes,
            mode_id=ready.mode_id,
            model_id=ready.model_id,
            thinking_option_id=ready.thinking_option_id,
            features=ready.features,
            commands=ready.commands,
            takes_words=ready.can_explain_denial,
        ),
    )
    if step.move(Event.READY):
        step.set(failure=None)
    step.say_state()
    step.say_event(ThreadStarted(provider=step.record.provider, session_id=ready.session_id))


def _turn_started(step: Step, prompt_id: str) -> None:
    if not step.move(Event.TURN):
        return
    worked_ms = step.record.worked_ms or step.now_ms
    step.set(turn=Turn(prompt_id, step.now_ms), worked_ms=worked_ms)
    step.say_state()
    step.say_event(TurnStarted(provider=step.record.provider, message_id=_message_id(step)))


def _turn_ended(step: Step, end: effects.TurnEnded, server_id: str) -> None:
    turn = step.record.turn
    if turn is None:
        step.log("warn", "driver", f"a turn ended that nobody began ({end.outcome})")
        return
    ending = step.record.state is State.ENDING
    outcome = "canceled" if ending and end.outcome == "failed" else end.outcome
    withdraw_all(step, TURN_FAILED if outcome == "failed" else INTERRUPTED)
    message_id = _message_id(step)
    step.finish_prompt("failed" if outcome == "failed" else "done")
    step.set(
        turn=None, denials={}, usage=end.usage or step.record.usage, last_line=_last_line(step)
    )
    reason = end.error or (INTERRUPTED if outcome == "canceled" else "The turn failed.")
    match outcome:
        case "completed":
            step.move(Event.COMPLETED)
        case "canceled":
            step.move(Event.CANCELED)
            # A prompt that was sent to cut this turn off goes first; others wait for the person.
            step.set(held=step.record.held or turn.interrupted_by is None)
        case "failed":
            # Rows of speech are joined as they are: an answer that broke off would run into it.
            gap = "\n\n" if step.speech and not step.speech.endswith("\n") else ""
            step.add_item(AssistantMessage(text=f"{gap}The turn failed: {reason}"), step.now_ms)
            step.move(Event.FAILED)
            step.set(failure=Failure(reason, end.code or "", end.next_step), held=True)
    _say_turn_ended(step, outcome, reason, end, message_id, server_id)


def _say_turn_ended(
    step: Step,
    outcome: effects.Outcome,
    reason: str,
    end: effects.TurnEnded,
    message_id: str | UnsetType,
    server_id: str,
) -> None:
    """State first, then the end of the turn, then the call for attention (wire 6.4)."""
    provider = step.record.provider
    goes_on = bool(step.queue) and not step.record.held
    attention: AttentionReason = "error" if outcome == "failed" else "finished"
    called = not goes_on and _mark(step, attention)
    step.say_state()
    match outcome:
        case "completed":
            usage = end.usage or UNSET
            step.say_event(TurnCompleted(provider=provider, usage=usage, message_id=message_id))
        case "canceled":
            step.say_event(TurnCanceled(provider=provider, reason=reason, message_id=message_id))
        case "failed":
            failed = TurnFailed(
                provider=provider,
                error=reason,
                code=end.code or UNSET,
                next_step=end.next_step or UNSET,
                message_id=message_id,
            )
            step.say_event(failed)
            step.audit(f"agent {step.record.id[:8]}", "turn.failed", code=end.code)
    if called:
        _call(step, attention, server_id, reason if outcome == "failed" else step.record.last_line)


def _message_id(step: Step) -> str | UnsetType:
    return UNSET if step.current is None else step.current.message_id or UNSET


def _withdraw(step: Step, request_id: str, reason: str) -> None:
    turn = step.record.turn
    if turn is not None and turn.interrupted_by is not None and step.record.state in IN_TURN:
        reason = INTERRUPTED
    response = Deny(message=reason)
    words = _WITHDRAWN.get(reason, reason)
    if reason == INTERRUPTED and step.record.state is State.ENDING:
        words = "the agent was ended"
    if step.close_request(request_id, "withdrawn", response, words):
        step.audit(f"agent {step.record.id[:8]}", "request.withdrawn", request=request_id)
        _say_closed(step, request_id, response, withdrawn=words)


def _note_denial(step: Step, request_id: str, response: PermissionResponse, by: str) -> None:
    """Whose no it was is told with the tool call itself, once its program gave it up."""
    asked = next(one.request for one in step.requests if one.request.id == request_id)
    extra = given(asked.metadata, {}).get("sereno")
    if not isinstance(extra, dict) or not isinstance(call_id := extra.get("callId"), str):
        return
    denials = {one: denial for one, denial in step.record.denials.items() if one != call_id}
    if isinstance(response, Deny):
        denials[call_id] = Denial(
            by, given(response.message, ""), told=extra.get("takesWords") is not False
        )
    step.set(denials=denials)


def _with_denial(step: Step, item: TimelineItem) -> TimelineItem:
    """A call that did not run because a person said no: the wire has only "failed" for it."""
    if not isinstance(item, ToolCall) or item.status not in ("failed", "canceled"):
        return item
    denial = step.record.denials.get(item.call_id)
    if denial is None:
        return item
    metadata = given(item.metadata, {})
    denied: dict[str, str | bool] = {"by": denial.by, "words": denial.words}
    if denial.words and not denial.told:
        denied["told"] = False
    extra = {**metadata.get("sereno", {}), "denied": denied}
    return msgspec.structs.replace(item, metadata={**metadata, "sereno": extra})


def _say_closed(
    step: Step,
    request_id: str,
    response: PermissionResponse,
    by: str = "",
    *,
    withdrawn: str | UnsetType = UNSET,
) -> None:
    step.say_state()
    provider = step.record.provider
    step.say_event(
        PermissionResolved(
            provider=provider, request_id=request_id, resolution=response, withdrawn=withdrawn
        )
    )
    step.say(
        PermissionResolvedPush(
            agent_id=step.record.id,
            request_id=request_id,
            resolution=response,
            answered_by=by or UNSET,
            withdrawn=withdrawn,
        )
    )


def _changed(step: Step, change: effects.Changed) -> None:
    before, reported = step.record, step.record.reported
    if not isinstance(change.title, UnsetType) and not step.record.title_given:
        step.set(title=change.title[:200])
    if not isinstance(change.usage, UnsetType):
        step.set(usage=change.usage)
    if not isinstance(change.session_id, UnsetType):
        step.set(session_id=change.session_id)
    fields = {
        name: value
        for name in ("modes", "mode_id", "model_id", "thinking_option_id", "features", "commands")
        if (value := getattr(change, name)) is not UNSET
    }
    if fields:
        values = {name: getattr(reported, name) for name in reported.__struct_fields__}
        step.set(reported=Reported(**{**values, **fields}))
    if step.record != before:
        step.say_state()


def _forget_wish(step: Step, what: str, value: str) -> None:
    """What was refused is not asked for at the next start; what was wished since, is."""
    record, reported = step.record, step.record.reported
    now = {
        "mode": reported.mode_id,
        "model": reported.model_id,
        "thinking": reported.thinking_option_id,
    }
    if what not in now or getattr(record.wish, what) != value:
        return
    step.set(wish=msgspec.structs.replace(record.wish, **{what: now[what]}))
    step.say_state()


def _mark(step: Step, reason: AttentionReason) -> bool:
    """Sets the unread mark unless it is set; True when it was set now (wire 6.14)."""
    if step.record.attention is not None:
        return False
    step.set(attention=Attention(reason, step.now_ms))
    return True


def _call(step: Step, reason: AttentionReason, server_id: str, body: str | UnsetType) -> None:
    """Asks for somebody's attention."""
    data = AttentionData(server_id=server_id, agent_id=step.record.id, reason=reason)
    text = "" if isinstance(body, UnsetType) else body
    step.say_event(
        AttentionRequired(
            provider=step.record.provider,
            reason=reason,
            timestamp=iso(step.now_ms),
            should_notify=True,
            notification=AttentionNotification(title=_TITLES[reason], body=text[:220], data=data),
        )
    )


def _last_line(step: Step) -> str:
    return last_line(step.speech) or step.record.last_line


def _behavior(response: PermissionResponse) -> str:
    return "deny" if isinstance(response, Deny) else "allow"
