"""The demo agent's side of the Agent Client Protocol, version 1: sessions, prompts, modes, cancel.

Bytes come from loop.py and messages from the shared JSON-RPC peer; what a turn does is in acts.py.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec

from sereno.core.providers.demo.acts import perform
from sereno.core.providers.demo.journal import Log, Sessions
from sereno.core.providers.demo.language import Simple, parse
from sereno.core.providers.demo.loop import Loop, Turn
from sereno.core.providers.demo.session import MODES, Session
from sereno.core.providers.demo.stage import Stage, TurnFailed
from sereno.core.providers.jsonrpc import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    Incoming,
    Notification,
    Peer,
    Reply,
    Request,
)

__all__ = ["DemoAgent", "Settings"]

VERSION = "1.0"
CONTEXT_WINDOW = 200_000


class Settings(msgspec.Struct, frozen=True):
    """From the command line. `pace_s`: pause after each piece of text."""

    state_folder: Path
    log: str | None = None
    pace_s: float = 0.008


class Cancelled(BaseException):
    """Thrown into a turn that was cancelled; no act may catch it."""


class DemoAgent:
    """One process: any number of sessions, one turn at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log = Log(settings.log)
        self._sessions = Sessions(settings.state_folder)
        self._open: dict[str, Session] = {}
        self._peer = Peer()
        self._loop = Loop(self._receive, self._turn_ended)
        self._running: Session | None = None
        self._prompt_id: Any = None
        self._failure: TurnFailed | None = None
        self._calls = 0
        self._deaf_to_cancel = False

    def run(self) -> None:
        self._log.write("start")
        self._loop.run()
        self._log.write("stop")

    def _receive(self, data: bytes) -> None:
        for message in self._peer.feed(data):
            self._handle(message)

    def _handle(self, message: Incoming) -> None:
        match message:
            case Request(request_id, method, params):
                try:
                    result = self._request(request_id, method, params)
                except TurnFailed as error:
                    self._loop.write(self._peer.respond_error(request_id, error.code, str(error)))
                    return
                if result is not None:
                    self._loop.write(self._peer.respond(request_id, result))
                    self._after(method)
            case Notification("session/cancel", params):
                self._cancel(params.get("sessionId", ""))
            case Reply(_, call, result):
                outcome = result.get("outcome", {}) if isinstance(result, dict) else {}
                self._log.write("answer", call=call.context, **outcome)
                self._loop.answer(call.context, outcome.get("optionId"))
            case _:
                self._log.write("ignored", what=type(message).__name__)

    def _request(self, request_id: Any, method: str, params: dict[str, Any]) -> Any:
        """The result, or None where the answer comes later."""
        match method:
            case "initialize":
                return _introduction()
            case "session/new":
                return self._new(params)
            case "session/load":
                return self._load(params)
            case "session/prompt":
                return self._prompt(request_id, params)
            case "session/set_mode":
                return self._set_mode(params)
            case "session/set_config_option":
                return self._session(params).set_option(params)
            case _:
                raise TurnFailed(f'"Method not found": {method}', METHOD_NOT_FOUND)

    def _session(self, params: dict[str, Any]) -> Session:
        session = self._open.get(params.get("sessionId", ""))
        if session is None:
            raise TurnFailed("Invalid params: no such session", INVALID_PARAMS)
        return session

    def _new(self, params: dict[str, Any]) -> dict[str, Any]:
        session = Session(f"demo-{os.urandom(8).hex()}", Path(str(params.get("cwd", "."))))
        self._open[session.id] = session
        self._sessions.append(session.id, [])
        self._log.write("new", session=session.id)
        return {"sessionId": session.id, **session.describe()}

    def _load(self, params: dict[str, Any]) -> dict[str, Any]:
        session_id = str(params.get("sessionId", ""))
        updates = self._sessions.load(session_id)
        if updates is None:
            raise TurnFailed(f"Session not found: {session_id}", INVALID_PARAMS)
        session = Session(session_id, Path(str(params.get("cwd", "."))))
        self._open[session_id] = session
        self._log.write("load", session=session_id)
        for update in updates:
            self._update(session, update)
        session.take_history()  # it is on the disk already
        return session.describe()

    def _after(self, method: str) -> None:
        if method in ("session/new", "session/load"):
            for session in self._open.values():
                if not session.introduced:
                    session.introduced = True
                    self._update(session, session.commands())

    def _set_mode(self, params: dict[str, Any]) -> dict[str, Any]:
        session, mode = self._session(params), params.get("modeId")
        if mode not in {known["id"] for known in MODES}:
            raise TurnFailed(f"Invalid params: unknown mode {mode}", INVALID_PARAMS)
        session.mode = mode
        self._update(session, {"sessionUpdate": "current_mode_update", "currentModeId": mode})
        return {}

    def _prompt(self, request_id: Any, params: dict[str, Any]) -> None:
        session = self._session(params)
        if self._loop.busy:
            raise TurnFailed("Invalid request: a turn is running", -32600)
        text = "\n".join(
            str(block.get("text") or block.get("uri") or "") for block in params.get("prompt", [])
        )
        self._log.write("prompt", id=request_id, session=session.id, text=text)
        self._running, self._prompt_id = session, request_id
        session.begin_turn(text)
        self._sessions.append(session.id, session.take_history())
        self._loop.begin(self._turn(session, text))

    def _turn(self, session: Session, text: str) -> Turn:
        acts = parse(text)
        self._deaf_to_cancel = Simple("hang", "hard") in acts
        if Simple("deaf") in acts:
            self._loop.close_input()
        stage = Stage(
            session.cwd,
            session.mode,
            self._log,
            self._settings.pace_s,
            lambda update: self._update(session, update),
            lambda call, options: self._ask(session, call, options),
            session.always,
            self._next_call,
        )
        try:
            for act in acts:
                yield from perform(stage, act)
        except TurnFailed as error:
            self._failure = error
            return "failed"
        except Cancelled:
            return "cancelled"
        return "end_turn"

    def _next_call(self) -> str:
        self._calls += 1
        return f"call-{os.getpid()}-{self._calls}"

    def _ask(self, session: Session, call: dict[str, Any], options: list[dict[str, str]]) -> None:
        self._log.write("ask", call=call["toolCallId"])
        params = {"sessionId": session.id, "toolCall": call, "options": options}
        self._loop.write(
            self._peer.request("session/request_permission", params, call["toolCallId"])
        )

    def _update(self, session: Session, update: dict[str, Any]) -> None:
        session.remember(update)
        self._loop.write(
            self._peer.notify("session/update", {"sessionId": session.id, "update": update})
        )

    def _cancel(self, session_id: str) -> None:
        self._log.write("cancel", session=session_id)
        if self._running and self._running.id == session_id and not self._deaf_to_cancel:
            self._loop.interrupt(Cancelled())

    def _turn_ended(self, reason: str) -> None:
        session, self._running = self._running, None
        if session is None:
            return
        usage = session.usage()
        self._update(
            session, {"sessionUpdate": "usage_update", "used": usage, "size": CONTEXT_WINDOW}
        )
        self._sessions.append(session.id, session.take_history())
        self._log.write("end", id=self._prompt_id, reason=reason, at_ns=time.time_ns())
        failure, self._failure = self._failure, None
        if failure is not None:
            reply = self._peer.respond_error(self._prompt_id, failure.code, str(failure))
            self._loop.write(reply)
        else:
            tokens = {"inputTokens": session.heard // 4, "outputTokens": session.said // 4}
            result = {"stopReason": reason, "usage": {**tokens, "totalTokens": usage}}
            self._loop.write(self._peer.respond(self._prompt_id, result))


def _introduction() -> dict[str, Any]:
    return {
        "protocolVersion": 1,
        "agentInfo": {"name": "sereno-demo", "title": "Demo agent", "version": VERSION},
        "agentCapabilities": {
            "loadSession": True,
            "promptCapabilities": {"image": False, "embeddedContext": True},
            "mcpCapabilities": {"http": False, "sse": False},
        },
        "authMethods": [],
    }
