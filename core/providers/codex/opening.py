"""From the first frame to Ready: initialize, a thread (new or resumed), its mode, model and effort.

Every thread is opened read-only and gets its sandbox afterwards: a thread that is opened with more
makes Codex trust the repository for good, and run what the repository's own configuration names.
One that cannot be reopened is begun anew, and the timeline says so; one that does not get the
wished mode is not used at all, because it might not ask.
"""

from __future__ import annotations

import re
from typing import Any

from sereno.core.protocol.agents import Capabilities
from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.codex.arguments import not_disabled
from sereno.core.providers.codex.failures import LOGIN, explain_reply
from sereno.core.providers.codex.models import models_of, thinking_of, with_current
from sereno.core.providers.codex.modes import (
    DEFAULT_MODE,
    MODES,
    READ_ONLY,
    Policy,
    mode_list,
    workspace_of,
)
from sereno.core.providers.codex.prompts import BUILT_IN, commands_of, skills_of
from sereno.core.providers.codex.settings import LIST, UPDATE, Settings, read_thread
from sereno.core.providers.codex.state import Core
from sereno.core.providers.codex.values import as_dict, as_text
from sereno.core.providers.common.core import FAILED, NEW, OPENING, READY
from sereno.core.providers.common.failures import message_of
from sereno.core.providers.effects import Changed, Effect, Item, Ready, Send, SessionFailed
from sereno.core.providers.jsonrpc import Reply, RpcFailure
from sereno.core.security.sanitise import sanitise_line

__all__ = ["Opening"]

CLIENT = {"name": "sereno", "title": "Sereno", "version": "0.1"}
UNUSED = ("turn/diff/updated", "item/fileChange/outputDelta", "thread/readState/changed")
"""Notifications that say again what others say; Codex need not send them."""
PAGES_LIMIT = 20
CONFIG = "config/read"
SKILLS = "skills/list"
SKILLS_AGAIN = 5
"""How often in a row skills are listed anew because they changed meanwhile."""

_LOST = ("no rollout found", "not found", "invalid session id", "invalid thread id")
_VERSION = re.compile(r"/(\d[\w.+-]*)")


class Opening:
    """The hand-shake of one run."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self._core = core
        self._settings = settings

    @property
    def _mode(self) -> str:
        mode = self._core.setup.mode
        return mode if mode in MODES else DEFAULT_MODE

    @property
    def _policy(self) -> Policy:
        return MODES[self._mode]

    def begin(self, resume: str | None) -> list[Effect]:
        state = self._core.state
        if state.phase != NEW:
            raise RuntimeError("start() was called before, in this run or before a restart")
        state.phase, state.thread_id = OPENING, resume or ""
        self._core.touch()
        effects: list[Effect] = []
        mode = self._core.setup.mode
        if mode is not None and mode not in MODES:
            text = f"Codex has no mode “{sanitise_line(mode, 80)}”"
            if not resume:
                return self._give_up(text, "mode_refused", f"Choose one of: {', '.join(MODES)}.")
            words = f"{text}; it goes on with “{self._policy.label}”."
            effects.append(Item(ErrorItem(message=words)))
        for tool in not_disabled(self._core.setup):
            words = f"Codex has no switch for the tool “{sanitise_line(tool, 80)}”: it is not off"
            effects.append(Item(ErrorItem(message=f"{words}.")))
        params = {
            "clientInfo": CLIENT,
            "capabilities": {"experimentalApi": True, "optOutNotificationMethods": list(UNUSED)},
        }
        return [*effects, Send(self._core.peer.request("initialize", params))]

    def reply(self, reply: Reply) -> list[Effect]:
        """The answer to any request of the hand-shake."""
        match reply.call.method:
            case "initialize":
                return self._initialized(reply)
            case "thread/start" | "thread/resume":
                return self._opened(reply)
            case "account/read":
                return self._account(reply)
            case "model/list":
                return self._listed(reply)
            case "thread/settings/update":
                return self._configured(reply)
            case "config/read":
                return self._read(reply)
            case _:
                return []

    def _initialized(self, reply: Reply) -> list[Effect]:
        core, state = self._core, self._core.state
        if reply.failure is not None:
            return self._failed("start_failed", reply.failure)
        agent = as_text(as_dict(reply.result).get("userAgent"))
        version = _VERSION.search(agent)
        state.version = sanitise_line(version.group(1), 40) if version else ""
        core.touch()
        frames = [
            core.peer.notify("initialized", {}),
            core.peer.request("account/read", {}),
            core.peer.request(LIST, {}, "opening"),
            core.peer.request(SKILLS, {"cwds": [core.setup.cwd]}),
            core.peer.request(CONFIG, {"cwd": core.setup.cwd}),
        ]
        return [*(Send(frame) for frame in frames), self._open()]

    def _open(self) -> Send:
        core, policy = self._core, self._policy
        params: dict[str, Any] = {
            "cwd": core.setup.cwd,
            "approvalPolicy": policy.approval,
            "sandbox": READ_ONLY,
            "approvalsReviewer": "user",
        }
        if core.setup.model is not None:
            params["model"] = core.setup.model
        if not core.state.thread_id:
            return Send(core.peer.request("thread/start", params))
        params |= {"threadId": core.state.thread_id, "excludeTurns": True}
        return Send(core.peer.request("thread/resume", params))

    def _opened(self, reply: Reply) -> list[Effect]:
        state, core = self._core.state, self._core
        resuming = reply.call.method == "thread/resume"
        if reply.failure is not None:
            if resuming and any(word in reply.failure.message for word in _LOST):
                state.lost, state.thread_id = message_of(reply.failure), ""
                core.touch()
                return [self._open()]
            return self._failed("start_failed", reply.failure)
        told = as_dict(reply.result)
        thread = as_dict(told.get("thread"))
        thread_id = as_text(thread.get("id"))
        if not thread_id:
            return self._failed("start_failed", RpcFailure(0, "it named no thread"))
        state.thread_id, state.resumed, state.opened = thread_id, resuming, True
        state.title = sanitise_line(as_text(thread.get("name")), 120)
        read_thread(core, told, told.get("sandbox"), "reasoningEffort")
        return self._check(told) or self._configure() or self._when_done()

    def _check(self, told: dict[str, Any]) -> list[Effect]:
        """Whether Codex really asks as it was told to, and began as narrow as it was told to."""
        policy = self._policy
        sandbox = as_dict(told.get("sandbox")).get("type")
        reviewer = told.get("approvalsReviewer", "user")
        if (told.get("approvalPolicy"), sandbox, reviewer) == (policy.approval, "readOnly", "user"):
            return []
        found = f"{told.get('approvalPolicy')!r}, {sandbox!r}, answered by {reviewer!r}"
        text = f"Codex did not take the mode “{policy.label}”; it works with {found}"
        step = "Choose another mode, or look at Codex's own configuration for what it forbids."
        return self._give_up(sanitise_line(text), "mode_refused", step)

    def _read(self, reply: Reply) -> list[Effect]:
        """`config/read`: the workspace sandbox as the person's own configuration has it. Of the
        repository's configuration Codex takes nothing that the person has not trusted.
        """
        config = as_dict(as_dict(reply.result).get("config"))
        self._core.state.sandbox = workspace_of(as_dict(config.get("sandbox_workspace_write")))
        self._core.touch()
        return self._configure() or self._when_done()

    def _configure(self) -> list[Effect]:
        """What the request that opened the thread could not carry, once all of it is known."""
        state, policy = self._core.state, self._policy
        if not state.opened or state.configured or self._core.peer.waiting(CONFIG):
            return []
        state.configured = True
        self._core.touch()
        effects: list[Effect] = []
        mode: dict[str, Any] = {}
        if policy.sandbox != READ_ONLY:
            mode["sandboxPolicy"] = policy.sandbox_policy(state.sandbox)
        if state.planning != policy.plan:
            mode["collaborationMode"] = self._settings.collaboration(policy.plan)
        if mode:
            effects.append(self._settings.update(mode, "opening mode"))
        effort = self._core.setup.thinking
        if effort is not None and effort != state.effort:
            state.effort = effort
            effects.append(self._settings.update({"effort": effort}, "opening effort"))
        return effects

    def _configured(self, reply: Reply) -> list[Effect]:
        state = self._core.state
        if reply.call.context == "opening effort":
            if reply.failure is None:
                state.effort = self._core.setup.thinking  # news of the mode still said the old one
                self._core.touch()
                return self._when_done()
            state.effort = None
            words = message_of(reply.failure)
            told = f"Codex refused the effort: {words}. It goes on with what it has."
            return [Item(ErrorItem(message=told)), *self._when_done()]
        if reply.failure is not None:
            words = message_of(reply.failure)
            text = f"Codex refused the mode “{self._policy.label}”: {words}"
            return self._give_up(text, "mode_refused", "Start it with another mode.")
        state.planning, state.mode_id = self._policy.plan, self._mode
        self._core.touch()
        return self._when_done()

    def _account(self, reply: Reply) -> list[Effect]:
        told = as_dict(reply.result)
        if told.get("requiresOpenaiAuth") is True and told.get("account") is None:
            text = "Codex is not logged in"
            hint = self._core.identity.login_hint or LOGIN
            return self._give_up(text, "auth_required", hint)
        return self._when_done()

    def _listed(self, reply: Reply) -> list[Effect]:
        core, state = self._core, self._core.state
        if reply.failure is not None:
            words = f"Codex could not list its models: {message_of(reply.failure)}"
            return [*core.noted("warning", words), *self._when_done()]
        state.models = (*state.models, *models_of(core.identity.provider, reply.result))
        core.touch()
        cursor = as_text(as_dict(reply.result).get("nextCursor"))
        page = int(reply.call.context.partition(" ")[2] or 1)
        if cursor and page < PAGES_LIMIT:
            return [self._settings.ask_models(f"opening {page + 1}", cursor)]
        return self._when_done()

    def _ask_skills(self) -> Send:
        return Send(self._core.peer.request(SKILLS, {"cwds": [self._core.setup.cwd]}))

    def skills_changed(self) -> list[Effect]:
        """`skills/changed`: listed anew; a list that is under way may be older than the change."""
        state = self._core.state
        if self._core.peer.waiting(SKILLS):
            state.skills_stale = True
            self._core.touch()
            return []
        return [self._ask_skills()]

    def skills(self, reply: Reply) -> list[Effect]:
        """`skills/list`: what can be called with a `/`, told once it is known and changed."""
        state = self._core.state
        if state.skills_stale and state.skills_again < SKILLS_AGAIN:
            state.skills_stale, state.skills_again = False, state.skills_again + 1
            self._core.touch()
            return [self._ask_skills()]
        state.skills_stale, state.skills_again = False, 0
        if reply.failure is not None:
            words = message_of(reply.failure)
            return self._core.noted("info", f"Codex could not list its skills: {words}")
        skills = skills_of(reply.result)
        state.skills = {skill["name"]: skill["path"] for skill in skills}
        self._core.touch()
        commands = commands_of(skills)
        if state.phase != READY:
            state.commands = commands
            return []
        return [Changed(commands=commands)] if self._core.new_sum("commands", commands) else []

    def _when_done(self) -> list[Effect]:
        """Ready, once the thread stands and everything that was asked is answered."""
        core, state = self._core, self._core.state
        asked = (LIST, UPDATE, CONFIG, "account/read")
        if not state.opened or any(core.peer.waiting(method) for method in asked):
            return []
        state.phase = READY
        effects: list[Effect] = []
        if state.lost:
            text = (
                f"Codex could not reopen the earlier conversation ({state.lost}). "
                "It begins a new one and does not remember what was said before."
            )
            effects.append(Item(ErrorItem(message=text)))
            state.lost = ""
        state.commands = state.commands or BUILT_IN
        core.new_sum("commands", state.commands)
        effects.append(self._ready())
        if state.title and core.new_sum("title", state.title):
            effects.append(Changed(title=state.title))
        state.models, state.commands = (), ()
        core.touch()
        return effects

    def _ready(self) -> Ready:
        core, state = self._core, self._core.state
        options, default = thinking_of(state.models, state.model_id)
        return Ready(
            session_id=state.thread_id,
            resumed=state.resumed,
            capabilities=Capabilities(
                supports_streaming=True,
                supports_session_persistence=True,
                supports_dynamic_modes=True,
                supports_mcp_servers=True,
                supports_reasoning_stream=True,
                supports_tool_invocations=True,
            ),
            modes=mode_list(),
            mode_id=state.mode_id,
            models=with_current(core.identity.provider, state.models, state.model_id),
            model_id=state.model_id,
            thinking_options=options,
            thinking_option_id=state.effort or default,
            commands=state.commands,
            program="codex",
            version=state.version,
            can_explain_denial=True,
        )

    def _failed(self, code: str, failure: RpcFailure) -> list[Effect]:
        identity = self._core.identity
        words = explain_reply(failure, identity.label, identity.login_hint or LOGIN)
        if words.code != "provider_error":
            return self._give_up(words.error, words.code, words.next_step)
        text = f"{identity.label} could not open a conversation: {message_of(failure)}"
        return self._give_up(text, code, "Run `codex` in a terminal to see what it lacks.")

    def _give_up(self, text: str, code: str, step: str | None) -> list[Effect]:
        self._core.state.phase = FAILED
        self._core.touch()
        return [SessionFailed(text, code, step)]
