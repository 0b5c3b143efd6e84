"""The driver of one ACP program: bytes in, effects out (driver.Driver).

Ties the parts together and owns the turn: one prompt at a time, cancel said in both ways, the
program's end. What a message means is in opening.py, updates.py and permissions.py.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sereno.core.protocol.permissions import Deny, PermissionResponse
from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.acp import permissions
from sereno.core.providers.acp.calls import close_calls
from sereno.core.providers.acp.opening import KEYS, Opening
from sereno.core.providers.acp.options import changes, merge_options, read_options, setter_call
from sereno.core.providers.acp.pieces import read_hot
from sereno.core.providers.acp.state import Core, State
from sereno.core.providers.acp.updates import Updates, usage_now
from sereno.core.providers.common.core import FAILED, READY
from sereno.core.providers.common.ending import (
    ended_by_itself,
    how_it_ended,
    junk,
    left_over,
    turn_ended,
    why_closed,
)
from sereno.core.providers.common.failures import (
    Failure,
    explain,
    message_of,
)
from sereno.core.providers.common.prompts import prompt_blocks
from sereno.core.providers.driver import DriverBusy, Identity, Prompt, Setup
from sereno.core.providers.effects import (
    Diagnostic,
    Effect,
    Item,
    Outcome,
    Refused,
    Send,
    TurnStarted,
)
from sereno.core.providers.jsonrpc import (
    METHOD_NOT_FOUND,
    Incoming,
    Junk,
    Notification,
    Reply,
    Request,
    RpcFailure,
    Stray,
)
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["AcpDriver"]

_OPENING = frozenset({"initialize", "session/new", "session/load", "session/resume"})
_SETTERS = frozenset({"session/set_mode", "session/set_model", "session/set_config_option"})
_NOT_OFFERED = "This client offers no files, terminals or extensions: use your own"
LANGUAGE = "the Agent Client Protocol"

_STOPS = {
    "max_tokens": Failure(
        "max_tokens",
        "The model's answer was cut off: it reached its limit of tokens",
        "Ask it to go on, or ask for less at once.",
    ),
    "max_turn_requests": Failure(
        "max_tokens",
        "The program stopped: it reached its limit of model requests for one turn",
        "Ask it to go on.",
    ),
    "refusal": Failure("refused", "The model refused to go on with this", "Ask in another way."),
}

_decode_state = msgspec.json.Decoder(State).decode


class AcpDriver:
    """See `Driver` for what each method promises."""

    def __init__(self, identity: Identity, setup: Setup, state: bytes | None = None) -> None:
        self._core = Core(identity, setup, _decode_state(state) if state else State(), state)
        self._opening = Opening(self._core)
        self._updates = Updates(self._core)

    # ── from the program ─────────────────────────────────────────────────────

    def receive(self, data: bytes) -> list[Effect]:
        effects: list[Effect] = []
        core = self._core
        if core.state.phase == FAILED:
            return []  # given up: what it says has no meaning any more
        for line in core.peer.lines(data):
            if isinstance(line, Junk):
                effects += self._junk(line)
                continue
            core.reading(line)
            hot = read_hot(line)
            if hot is not None:
                if core.state.replaying:
                    self._opening.heard_history()
                effects += self._updates.read_hot(hot)
            else:
                for message in core.peer.read(line):
                    effects += self._message(message)
                if core.state.phase == FAILED:
                    break
        return effects

    def _message(self, message: Incoming) -> list[Effect]:
        match message:
            case Notification("session/update", params):
                if self._core.state.replaying:
                    self._opening.heard_history()
                return self._updates.read(params)
            case Notification("$/cancel_request", params):
                return permissions.withdraw_rpc(self._core, params.get("requestId"))
            case Notification(method, _):
                text = f"A notification of unknown kind: {sanitise_line(method, 80)}"
                return self._core.noted("debug", text)
            case Request(rpc_id, "session/request_permission", params):
                self._updates.end_text()
                return permissions.ask(self._core, rpc_id, params)
            case Request(rpc_id, method, _):
                error = f"{_NOT_OFFERED} ({method})"
                reply = self._core.peer.respond_error(rpc_id, METHOD_NOT_FOUND, error)
                text = f"A request that is not supported: {sanitise_line(method, 80)}"
                return [Send(reply), *self._core.noted("debug", text)]
            case Reply():
                return self._reply(message)
            case Stray(_, text):
                return self._core.noted("warning", "A reply that nobody waits for", sanitise(text))
            case Junk():
                return self._junk(message)

    def _reply(self, reply: Reply) -> list[Effect]:
        method, state = reply.call.method, self._core.state
        if method == "session/prompt":
            return self._prompt_reply(reply)
        if state.phase not in (READY, FAILED) or method in _OPENING:
            return self._opening.reply(reply)
        if method in _SETTERS:
            return self._set(reply)
        return []

    def _junk(self, line: Junk) -> list[Effect]:
        unanswered = self._core.peer.waiting("initialize")
        return junk(self._core, line, self._core.line_size, LANGUAGE, unanswered)

    # ── the turn ─────────────────────────────────────────────────────────────

    def start(self, resume: str | None) -> list[Effect]:
        return self._opening.begin(resume)

    def prompt(self, prompt: Prompt) -> list[Effect]:
        state = self._core.state
        if state.phase != READY:
            raise DriverBusy("the session is not ready")
        if state.prompt_id is not None:
            raise DriverBusy("a turn is running")
        self._updates.end_text()
        state.prompt_id, state.cancelling, state.replaying = prompt.id, False, False
        state.broken, state.last_text = False, ""
        state.sums.pop("plan", None)
        state.prompts += 1
        self._core.touch()
        blocks, left_out = prompt_blocks(prompt, state.takes_images)
        params = {"sessionId": state.session_id, "prompt": blocks}
        effects: list[Effect] = [TurnStarted(prompt.id)]
        effects += [Diagnostic("notice", f"Not sent with the prompt: {what}") for what in left_out]
        return [*effects, Send(self._core.peer.request("session/prompt", params, prompt.id))]

    def _prompt_reply(self, reply: Reply) -> list[Effect]:
        if reply.failure is not None:
            return self._end_of_failed(reply.failure)
        result = reply.result if isinstance(reply.result, dict) else {}
        reason, state = result.get("stopReason"), self._core.state
        tokens = result.get("usage") or _gemini_tokens(result)
        interrupted = state.cancelling
        effects: list[Effect] = []
        if reason == "cancelled":
            return self._end("canceled", None if interrupted else self._own_cancel(), tokens)
        if state.broken:
            return self._end("failed", self._hidden_failure(), tokens)
        if reason in _STOPS:
            return self._end("failed", _STOPS[reason], tokens)
        if reason != "end_turn":
            effects += self._core.noted("warning", f"An end of unknown kind: {reason!r}")
        return effects + self._end("completed", None, tokens)

    def _own_cancel(self) -> Failure:
        """Nobody here cancelled: codex-acp does so after a denial."""
        calls = self._core.state.calls.values()
        denied = any(call.denied and not call.refused for call in calls)
        why = "after your no" if denied else "by itself"
        return ended_by_itself(self._core, why)

    def _end_of_failed(self, failure: RpcFailure) -> list[Effect]:
        identity = self._core.identity
        if self._core.state.cancelling:
            text = f"After the interruption {identity.label} said: {message_of(failure)}"
            return [*self._core.noted("info", text), *self._end("canceled", None, None)]
        hint = identity.login_hint or next(iter(self._core.state.login_hints), "")
        return self._end("failed", explain(failure, identity.label, hint), None)

    def _hidden_failure(self) -> Failure:
        failure = RpcFailure(0, self._core.state.last_text or "the model could not be used")
        return explain(failure, self._core.identity.label)

    def _end(self, outcome: Outcome, failure: Failure | None, tokens: Any) -> list[Effect]:
        state = self._core.state
        effects = permissions.cancel_all(self._core, why_closed(outcome))
        effects += close_calls(self._core, "failed" if outcome == "failed" else "canceled")
        prompt_id, state.prompt_id, state.cancelling = state.prompt_id or "", None, False
        self._updates.end_text()
        self._core.touch()
        usage = usage_now(self._core, tokens if isinstance(tokens, dict) else None)
        return [*effects, turn_ended(prompt_id, outcome, failure, usage)]

    def interrupt(self) -> list[Effect]:
        state = self._core.state
        if state.prompt_id is None:
            return []
        state.cancelling = True
        self._core.touch()
        cancel = self._core.peer.notify("session/cancel", {"sessionId": state.session_id})
        return [Send(cancel), *permissions.cancel_all(self._core, "Interrupted")]

    def answer(self, request_id: str, response: PermissionResponse) -> list[Effect]:
        answered = permissions.answer(self._core, request_id, response)
        if isinstance(response, Deny) and response.interrupt is True:
            # The cancel first: a program that reads the no alone may go on, and be done, before it.
            return [*self.interrupt(), *answered]
        return answered

    # ── settings ─────────────────────────────────────────────────────────────

    def set_mode(self, mode_id: str) -> list[Effect]:
        return self._wish("mode", mode_id)

    def set_model(self, model_id: str | None) -> list[Effect]:
        return self._wish("model", model_id)

    def set_thinking(self, option_id: str | None) -> list[Effect]:
        return self._wish("thinking", option_id)

    def set_feature(self, feature_id: str, value: str) -> list[Effect]:
        return self._wish(f"feature:{feature_id}", value)

    def _wish(self, subject: str, value: str | None) -> list[Effect]:
        if self._core.state.phase != READY:
            raise DriverBusy("the session is not ready")
        if value is None:
            return self._core.noted("notice", "This program has no default to go back to.")
        try:
            return [Send(setter_call(self._core, subject, value))]
        except KeyError:
            label = self._core.identity.label
            words = f"{label} has no setting for the {subject}."
            return [Refused(subject, value), Item(ErrorItem(message=words))]

    def _set(self, reply: Reply) -> list[Effect]:
        subject, _, value = reply.call.context.partition("=")
        if reply.failure is not None:
            label, reason = self._core.identity.label, message_of(reply.failure)
            text = f"{label} refused the {subject} “{sanitise_line(value, 80)}”: {reason}"
            return [Refused(subject, value), Item(ErrorItem(message=text))]
        found = read_options(self._core, reply.result if isinstance(reply.result, dict) else {})
        if subject in KEYS:
            merge_options(found, {KEYS[subject]: value})
        return changes(self._core, found)

    # ── the end ──────────────────────────────────────────────────────────────

    def exited(self, code: int | None, signal: int | None, stderr_tail: str) -> list[Effect]:
        core = self._core
        effects = left_over(core, core.peer.finish())
        ending = how_it_ended(core, code, signal, stderr_tail)
        effects += permissions.cancel_all(core, "The program ended", tell=False)
        if ending.in_turn:
            effects += self._end("failed", ending.failure, None)
        else:
            effects += close_calls(core, "canceled")
        core.state.phase = FAILED
        core.touch()
        return [*effects, ending.told()]

    def snapshot(self) -> bytes:
        return self._core.snapshot()


def _gemini_tokens(result: dict[str, Any]) -> Any:
    """Gemini and older adapters have the tokens of a turn in `_meta.quota` only."""
    meta = result.get("_meta")
    quota = meta.get("quota") if isinstance(meta, dict) else None
    return quota.get("token_count") if isinstance(quota, dict) else None
