"""The driver of Claude Code: bytes in, effects out (driver.Driver).

Ties the parts together and owns settings and the program's end. What a message means is in
opening.py, talk.py, calls.py, permissions.py, turns.py and notices.py.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sereno.core.protocol.permissions import PermissionResponse
from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.claude import permissions
from sereno.core.providers.claude.arguments import BYPASS
from sereno.core.providers.claude.calls import close_calls, finish
from sereno.core.providers.claude.lines import Channel, Piece, refused
from sereno.core.providers.claude.notices import (
    mode_changed,
    model_changed,
    rate_limit,
    reset,
    system,
    title_told,
)
from sereno.core.providers.claude.offers import thinking_options
from sereno.core.providers.claude.opening import SETTING_MODE, Opening
from sereno.core.providers.claude.state import Core, State
from sereno.core.providers.claude.talk import Talk
from sereno.core.providers.claude.turns import Turns
from sereno.core.providers.claude.usage import context_counted
from sereno.core.providers.claude.values import listed, record, text
from sereno.core.providers.common.core import FAILED, OPENING, READY
from sereno.core.providers.common.ending import how_it_ended, junk, left_over
from sereno.core.providers.driver import DriverBusy, Identity, Prompt, Setup
from sereno.core.providers.effects import Changed, Effect, Item, Refused, Send
from sereno.core.providers.jsonrpc import Call, Junk
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["ClaudeDriver"]

_LOCAL = ("<local-command-stdout>", "</local-command-stdout>")
_SILENT = frozenset(
    {"tool_progress", "prompt_suggestion", "auth_status", "keep_alive", "tool_use_summary"}
)

_decode_state = msgspec.json.Decoder(State).decode


class ClaudeDriver:
    """See `Driver` for what each method promises."""

    def __init__(self, identity: Identity, setup: Setup, state: bytes | None = None) -> None:
        self._core = Core(identity, setup, _decode_state(state) if state else State(), state)
        self._channel = Channel(self._core)
        self._opening = Opening(self._core, self._channel)
        self._talk = Talk(self._core)
        self._turns = Turns(self._core, self._channel, self._talk)

    # ── from the program ─────────────────────────────────────────────────────

    def receive(self, data: bytes) -> list[Effect]:
        effects: list[Effect] = []
        state = self._core.state
        if state.phase == FAILED:
            return []  # given up: what it says has no meaning any more
        for message in self._channel.read(data):
            match message:
                case Piece():
                    effects += self._talk.piece(message)
                case Junk():
                    effects += self._junk(message)
                case _:
                    effects += self._message(message)
            if state.phase == FAILED:
                break
        return effects

    def _message(self, message: dict[str, Any]) -> list[Effect]:
        match text(message.get("type")):
            case "stream_event":
                return self._talk.event(message)
            case "assistant":
                return self._talk.assistant(message)
            case "user":
                return self._user(message)
            case "system":
                return system(self._core, message)
            case "result":
                if self._core.state.phase == OPENING:
                    return self._opening.refused(message)
                return self._turns.result(message)
            case "control_request":
                return self._asked(message)
            case "control_cancel_request":
                return permissions.cancelled_by_program(self._core, text(message.get("request_id")))
            case "control_response":
                return self._reply(record(message.get("response")))
            case "command_lifecycle":
                return self._turns.lifecycle(message)
            case "rate_limit_event":
                return rate_limit(self._core, message)
            case "conversation_reset":
                return reset(self._core, message)
            case kind if kind in _SILENT:
                return []
            case kind:
                words = f"A message of unknown kind: {sanitise_line(kind, 80)}"
                return self._core.noted("debug", words)

    def _user(self, message: dict[str, Any]) -> list[Effect]:
        """Results of tools; and what a slash command printed."""
        content = record(message.get("message")).get("content")
        if isinstance(content, str):
            if content.startswith(_LOCAL[0]):
                words = content.removeprefix(_LOCAL[0]).removesuffix(_LOCAL[1])
                self._core.state.local_output = sanitise(words[:64_000])
                self._core.touch()
            return []
        effects: list[Effect] = []
        for block in listed(content):
            if block.get("type") == "tool_result":
                effects += finish(self._core, block, message)
        return effects

    def _asked(self, message: dict[str, Any]) -> list[Effect]:
        request, rpc_id = record(message.get("request")), text(message.get("request_id"))
        subtype = sanitise_line(text(request.get("subtype")), 80)
        if not rpc_id:
            return self._core.noted("warning", "A request without an id was ignored", subtype)
        if subtype == "can_use_tool":
            self._talk.end()
            return permissions.ask(self._core, rpc_id, request)
        words = f"A request that is not supported: {subtype}"
        reply = refused(rpc_id, "This client does not serve requests of this kind")
        return [Send(reply), *self._core.noted("debug", words)]

    def _reply(self, response: dict[str, Any]) -> list[Effect]:
        call = self._channel.reply(response)
        if call is None:
            return self._core.noted("debug", "A reply that nobody waits for")
        failed = response.get("subtype") == "error"
        error = sanitise_line(text(response.get("error"))) or "no reason was given"
        answer = record(response.get("response"))
        return self._replied(call, answer, error if failed else "")

    def _replied(self, call: Call, answer: dict[str, Any], error: str) -> list[Effect]:
        match call.method:
            case "initialize":
                return self._opening.initialized(answer, error)
            case "set_permission_mode" if call.context == SETTING_MODE:
                return self._opening.mode_set(answer, error)
            case "interrupt":
                return self._turns.interrupted(answer)
            case "generate_session_title" if not error:
                return title_told(self._core, answer.get("title"))
            case "get_context_usage" if not error:
                return context_counted(self._core, answer)
            case "set_permission_mode" | "set_model" | "apply_flag_settings":
                if error:
                    return self._refused(call, error)
                return self._set(call, answer)
            case _:
                return self._core.noted("debug", f"{call.method}: {error}") if error else []

    # ── the turn ─────────────────────────────────────────────────────────────

    def start(self, resume: str | None) -> list[Effect]:
        return self._opening.begin(resume)

    def prompt(self, prompt: Prompt) -> list[Effect]:
        return self._turns.begin(prompt)

    def answer(self, request_id: str, response: PermissionResponse) -> list[Effect]:
        return permissions.answer(self._core, request_id, response)

    def interrupt(self) -> list[Effect]:
        return self._turns.interrupt()

    @property
    def background(self) -> int:
        """How many sub-agents and commands run on without a turn: not to be parked meanwhile."""
        return len(self._core.state.tasks)

    # ── settings ─────────────────────────────────────────────────────────────

    def set_mode(self, mode_id: str) -> list[Effect]:
        self._must_be_ready()
        if mode_id == BYPASS and self._core.setup.mode != BYPASS:
            label = self._core.identity.label
            words = (
                f"{label} goes into this mode only if it was started with it. "
                "Begin an agent in this mode."
            )
            return [Refused("mode", mode_id), Item(ErrorItem(message=words))]
        self._core.state.chosen = mode_id
        self._core.touch()
        return [Send(self._channel.request("set_permission_mode", mode_id, mode=mode_id))]

    def set_model(self, model_id: str | None) -> list[Effect]:
        self._must_be_ready()
        model = model_id or "default"
        return [Send(self._channel.request("set_model", model, model=model))]

    def set_thinking(self, option_id: str | None) -> list[Effect]:
        self._must_be_ready()
        known = [option.id for option in thinking_options(self._core, self._core.state.model)]
        if option_id is not None and option_id not in known:
            words = f"This model has no thinking level “{sanitise_line(option_id, 80)}”."
            return [Refused("thinking", option_id), Item(ErrorItem(message=words))]
        settings = {"effortLevel": option_id}
        request = self._channel.request("apply_flag_settings", option_id or "", settings=settings)
        return [Send(request)]

    def set_feature(self, feature_id: str, value: str) -> list[Effect]:
        self._must_be_ready()
        label = self._core.identity.label
        wish = sanitise_line(f"{feature_id} = {value}", 80)
        words = f"{label} has no such setting: {wish}."
        return [Item(ErrorItem(message=words))]

    def _must_be_ready(self) -> None:
        if self._core.state.phase != READY:
            raise DriverBusy("the session is not ready")

    def _set(self, call: Call, answer: dict[str, Any]) -> list[Effect]:
        match call.method:
            case "set_permission_mode":
                return mode_changed(self._core, text(answer.get("mode")) or call.context)
            case "set_model":
                return self._model_set(call.context)
            case _:
                self._core.state.thinking = call.context or None
                self._core.touch()
                return [Changed(thinking_option_id=call.context or None)]

    def _model_set(self, model_id: str) -> list[Effect]:
        """The id that was asked for, not the name that it stands for."""
        self._core.state.model = None
        return model_changed(self._core, model_id)

    def _refused(self, call: Call, error: str) -> list[Effect]:
        label = self._core.identity.label
        names = {"set_permission_mode": "mode", "set_model": "model"}
        what = names.get(call.method, "thinking level")
        value = sanitise_line(call.context, 80)
        if call.method == "set_permission_mode":
            self._core.state.chosen = None
            self._core.touch()
        words = f"{label} refused the {what} “{value}”: {error}"
        return [Refused(what.partition(" ")[0], call.context), Item(ErrorItem(message=words))]

    # ── the end ──────────────────────────────────────────────────────────────

    def _junk(self, line: Junk) -> list[Effect]:
        unanswered = self._channel.waiting("initialize")
        return junk(self._core, line, len(line.text), "the language of Claude Code", unanswered)

    def exited(self, code: int | None, signal: int | None, stderr_tail: str) -> list[Effect]:
        core, state = self._core, self._core.state
        effects = left_over(core, self._channel.finish())
        if state.phase == OPENING and "No conversation found" in stderr_tail:
            return [*effects, *self._opening.lost()]
        ending = how_it_ended(core, code, signal, stderr_tail, _start_step(stderr_tail))
        for call in state.calls.values():
            call.background = False  # nothing outlives the process
        effects += permissions.close_all(core, "The program ended", tell=False)
        if ending.in_turn:
            effects += self._turns.end("failed", ending.failure, gone=True)
        else:
            effects += close_calls(core, "canceled")
        state.phase = FAILED
        core.touch()
        return [*effects, ending.told()]

    def snapshot(self) -> bytes:
        return self._core.snapshot()


def _start_step(stderr_tail: str) -> str:
    """What the person can do about the few reasons that the program names when it cannot start."""
    if "root/sudo" in stderr_tail:
        return "Start it in another mode, or not as root: it refuses to skip its questions there."
    if "already in use" in stderr_tail:
        return "Send a prompt to start it again."
    return ""
