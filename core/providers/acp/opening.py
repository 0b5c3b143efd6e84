"""From the first frame to Ready: initialize, a session (new, resumed or loaded), mode and model.

A program that lost the earlier session gets a new one, and the timeline says so; a program that
refuses the wished mode of a new session is not used at all, because it might not ask.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.agents import Capabilities
from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.acp.options import changes, merge_options, read_options, setter_call
from sereno.core.providers.acp.state import CONFIGURING, Core
from sereno.core.providers.common.core import FAILED, NEW, OPENING, READY
from sereno.core.providers.common.failures import explain, message_of
from sereno.core.providers.effects import Effect, Item, Ready, Send, SessionFailed
from sereno.core.providers.jsonrpc import Reply, RpcFailure
from sereno.core.security.sanitise import sanitise_line

__all__ = ["Opening"]

PROTOCOL_VERSION = 1
BARRIER = "_sereno/barrier"
BARRIER_ROUNDS = 500
KEYS = {"mode": "mode_id", "model": "model_id", "thinking": "thinking_option_id"}
CLIENT = {"name": "sereno", "title": "Sereno", "version": "0.1"}


class Opening:
    """The hand-shake of one run."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._heard = False

    def begin(self, resume: str | None) -> list[Effect]:
        state = self._core.state
        if state.phase != NEW:
            raise RuntimeError("start() was called before, in this run or before a restart")
        state.phase, state.session_id = OPENING, resume or ""
        self._core.touch()
        params = {
            "protocolVersion": PROTOCOL_VERSION,
            "clientCapabilities": {
                "fs": {"readTextFile": False, "writeTextFile": False},
                "terminal": False,
            },
            "clientInfo": CLIENT,
        }
        return [Send(self._core.peer.request("initialize", params))]

    def reply(self, reply: Reply) -> list[Effect]:
        """The answer to any request of the hand-shake."""
        match reply.call.method:
            case "initialize":
                return self._initialized(reply)
            case "session/new" | "session/load" | "session/resume":
                return self._opened(reply)
            case "_sereno/barrier":
                return self._quiet(reply)
            case _:
                return self._configured(reply)

    def _initialized(self, reply: Reply) -> list[Effect]:
        if reply.failure is not None:
            return self._failed("start_failed", reply.failure)
        state, core = self._core.state, self._core
        result = reply.result if isinstance(reply.result, dict) else {}
        version = result.get("protocolVersion")
        if version != PROTOCOL_VERSION:
            state.phase = FAILED
            text = f"{core.identity.label} speaks version {version!r} of the Agent Client Protocol"
            step = f"Sereno speaks version {PROTOCOL_VERSION}; use a release that does too."
            return [SessionFailed(sanitise_line(text), "protocol_version", step)]
        self._remember(result)
        if not state.session_id:
            return self._new()
        method = "session/resume" if state.can_resume else "session/load"
        if not state.can_resume and not state.can_load:
            return self._begin_anew("it cannot reopen sessions")
        state.replaying = True
        params = {"sessionId": state.session_id, "cwd": core.setup.cwd, "mcpServers": []}
        return [Send(core.peer.request(method, params))]

    def _remember(self, result: dict[str, Any]) -> None:
        state = self._core.state
        able = _dict(result.get("agentCapabilities"))
        info = _dict(result.get("agentInfo"))
        state.program = sanitise_line(str(info.get("name") or ""), 80)
        state.version = sanitise_line(str(info.get("version") or ""), 40)
        state.can_load = able.get("loadSession") is True
        state.can_resume = isinstance(_dict(able.get("sessionCapabilities")).get("resume"), dict)
        state.takes_images = _dict(able.get("promptCapabilities")).get("image") is True
        methods = result.get("authMethods")
        state.login_hints = [
            sanitise_line(str(method.get("description") or method.get("name") or ""), 200)
            for method in (methods if isinstance(methods, list) else [])
            if isinstance(method, dict)
        ][:5]
        self._core.touch()

    def _new(self) -> list[Effect]:
        params = {"cwd": self._core.setup.cwd, "mcpServers": []}
        return [Send(self._core.peer.request("session/new", params))]

    def _begin_anew(self, reason: str) -> list[Effect]:
        state = self._core.state
        state.lost, state.session_id, state.replaying = reason, "", False
        self._core.touch()
        return self._new()

    def _opened(self, reply: Reply) -> list[Effect]:
        state, method = self._core.state, reply.call.method
        if reply.failure is not None:
            failure = explain(reply.failure, self._core.identity.label)
            if method == "session/new" or failure.code == "auth_required":
                return self._failed("start_failed", reply.failure)
            return self._begin_anew(message_of(reply.failure))
        result = reply.result if isinstance(reply.result, dict) else {}
        if method == "session/new":
            session_id = result.get("sessionId")
            if not isinstance(session_id, str) or not session_id:
                return self._failed("start_failed", RpcFailure(0, "it named no session"))
            state.session_id = session_id
        else:
            state.resumed = True
        state.phase = CONFIGURING
        self._core.touch()
        self._take_options(result)
        if method == "session/load" and state.program.startswith("gemini"):
            # It replays the history after its answer: wait for a round trip without any of it.
            return [self._barrier(1)]
        return self._plan_wishes()

    def _take_options(self, result: dict[str, Any], **known: Any) -> None:
        """Kept until Ready tells them all; nothing of them is said before."""
        found = read_options(self._core, result)
        merge_options(found, known)
        merge_options(self._core.state.options, found)
        changes(self._core, found)

    def _barrier(self, number: int) -> Send:
        self._heard = False
        return Send(self._core.peer.request(BARRIER, {}, str(number)))

    def heard_history(self) -> None:
        """A piece of replayed history arrived."""
        self._heard = True

    def _quiet(self, reply: Reply) -> list[Effect]:
        number = int(reply.call.context)
        if self._heard and number < BARRIER_ROUNDS:
            return [self._barrier(number + 1)]
        return self._plan_wishes()

    def _plan_wishes(self) -> list[Effect]:
        setup, state = self._core.setup, self._core.state
        wanted = (("mode", setup.mode), ("model", setup.model), ("thinking", setup.thinking))
        state.wishes = [
            (subject, value)
            for subject, value in wanted
            if value is not None and state.current.get(KEYS[subject]) != value
        ]
        self._core.touch()
        return self._next_wish()

    def _next_wish(self) -> list[Effect]:
        state = self._core.state
        while state.wishes:
            subject, value = state.wishes[0]
            if subject in state.setters:
                return [Send(setter_call(self._core, subject, value))]
            state.wishes.pop(0)
            refused = self._refused(subject, value, "it has no such setting")
            if state.phase == FAILED:
                return refused
            return refused + self._next_wish()
        return self._ready()

    def _configured(self, reply: Reply) -> list[Effect]:
        state = self._core.state
        subject, value = state.wishes.pop(0)
        self._core.touch()
        if reply.failure is not None:
            refused = self._refused(subject, value, message_of(reply.failure))
            return refused if state.phase == FAILED else refused + self._next_wish()
        self._take_options(_dict(reply.result), **{KEYS[subject]: value})
        return self._next_wish()

    def _refused(self, subject: str, value: str, reason: str) -> list[Effect]:
        """A new session is given up; a resumed one goes on, and says so."""
        label, state = self._core.identity.label, self._core.state
        what = {"mode": "mode", "model": "model", "thinking": "thinking option"}[subject]
        text = f"{label} refused the {what} “{sanitise_line(value, 80)}”: {reason}"
        if state.resumed or subject == "thinking":
            return [Item(ErrorItem(message=f"{text}. It goes on with what it has."))]
        state.phase = FAILED
        step = f"Start it with another {what}, or without naming one."
        return [SessionFailed(text, f"{subject}_refused", step)]

    def _ready(self) -> list[Effect]:
        state, effects = self._core.state, list[Effect]()
        state.phase = READY
        if state.lost:
            text = (
                f"{self._core.identity.label} could not reopen the earlier conversation "
                f"({state.lost}). It begins a new one and does not remember what was said before."
            )
            effects.append(Item(ErrorItem(message=text)))
            state.lost = ""
        effects.append(self._ready_effect())
        state.options, state.commands = {}, ()
        self._core.touch()
        return effects

    def _ready_effect(self) -> Ready:
        state = self._core.state
        current, options = state.current, state.options
        return Ready(
            session_id=state.session_id,
            resumed=state.resumed,
            capabilities=Capabilities(
                supports_streaming=True,
                supports_session_persistence=state.can_load or state.can_resume,
                supports_dynamic_modes=bool(options.get("modes")),
                supports_reasoning_stream=True,
                supports_tool_invocations=True,
            ),
            modes=options.get("modes", ()),
            mode_id=current.get("mode_id"),
            models=options.get("models", ()),
            model_id=current.get("model_id"),
            thinking_options=options.get("thinking_options", ()),
            thinking_option_id=current.get("thinking_option_id"),
            features=options.get("features", ()),
            commands=state.commands,
            program=state.program,
            version=state.version,
        )

    def _failed(self, code: str, failure: RpcFailure) -> list[Effect]:
        identity, state = self._core.identity, self._core.state
        state.phase = FAILED
        self._core.touch()
        hints = " or: ".join(dict.fromkeys(hint for hint in state.login_hints if hint))
        words = explain(failure, identity.label, identity.login_hint or hints)
        if words.code == "auth_required":
            text = f"{identity.label} wants you to log in first: {message_of(failure)}"
            return [SessionFailed(text, "auth_required", words.next_step)]
        if words.code != "provider_error":
            return [SessionFailed(words.error, words.code, words.next_step)]
        text = f"{identity.label} could not open a session: {message_of(failure)}"
        return [SessionFailed(text, code, f"Run {identity.label} by itself to see what it lacks.")]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
