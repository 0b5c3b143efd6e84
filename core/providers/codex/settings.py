"""Mode, model and effort of a thread: asked for, changed, told.

Codex agrees to a change at once and tells later what has become of it (`thread/settings/updated`);
only that is told on. A change made while a turn runs counts from the next turn on.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.codex.models import default_of, models_of, thinking_of, with_current
from sereno.core.providers.codex.modes import MODES, Policy, mode_of, stricter
from sereno.core.providers.codex.state import Core
from sereno.core.providers.codex.values import as_dict, as_text
from sereno.core.providers.common.core import READY
from sereno.core.providers.common.failures import message_of
from sereno.core.providers.effects import Changed, Effect, Item, Refused, Send
from sereno.core.providers.jsonrpc import Reply
from sereno.core.security.sanitise import sanitise_line

__all__ = ["Settings", "read_thread"]

UPDATE = "thread/settings/update"
LIST = "model/list"


class Settings:
    """The settings of one thread."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def mode_params(self, policy: Policy) -> dict[str, Any]:
        """All that a mode sets. People answer, never Codex's own reviewer."""
        return {
            "approvalPolicy": policy.approval,
            "sandboxPolicy": policy.sandbox_policy(self._core.state.sandbox),
            "approvalsReviewer": "user",
            "collaborationMode": self.collaboration(policy.plan),
        }

    def collaboration(self, plan: bool) -> dict[str, Any]:
        """Codex's plan mode or its other one; it also holds model and effort."""
        state = self._core.state
        return {
            "mode": "plan" if plan else "default",
            "settings": {
                "model": state.model_id or "",
                "reasoning_effort": state.effort,
                "developer_instructions": None,
            },
        }

    def update(self, params: dict[str, Any], context: str) -> Send:
        """The request that changes settings; its context is `subject=value`."""
        given = {"threadId": self._core.state.thread_id, **params}
        return Send(self._core.peer.request(UPDATE, given, context))

    # ── wishes of the person ─────────────────────────────────────────────────

    def set_mode(self, mode_id: str) -> list[Effect]:
        policy, state = MODES.get(mode_id), self._core.state
        if policy is None:
            words = f"Codex has no mode “{sanitise_line(mode_id, 80)}”."
            return [Refused("mode", mode_id), Item(ErrorItem(message=words))]
        effects: list[Effect] = [self.update(self.mode_params(policy), f"mode={mode_id}")]
        state.chosen = [*state.chosen, mode_id][-8:]
        if state.prompt_id is not None and stricter(mode_id, state.mode_id):
            words = (
                f"“{policy.label}” counts from the next turn on: Codex finishes this one as it "
                "began. Interrupt it if it must stop."
            )
            effects.append(Item(ErrorItem(message=words)))
        return effects

    def set_model(self, model_id: str | None) -> list[Effect]:
        if model_id is None:
            return [self.ask_models("default model")]
        return [self.update({"model": model_id}, f"model={model_id}")]

    def set_thinking(self, option_id: str | None) -> list[Effect]:
        if option_id is None:
            return [self.ask_models("default thinking")]
        return [self.update({"effort": option_id}, f"thinking={option_id}")]

    def ask_models(self, why: str, cursor: str = "") -> Send:
        """Asks for the list of models, or with `cursor` for more of it."""
        params = {"cursor": cursor} if cursor else {}
        return Send(self._core.peer.request(LIST, params, why))

    # ── what Codex says ──────────────────────────────────────────────────────

    def replied(self, reply: Reply) -> list[Effect]:
        """The answer to a change; what it has become of is told by `updated`."""
        if reply.failure is None:
            return []
        subject, _, value = reply.call.context.partition("=")
        if subject == "mode" and value in self._core.state.chosen:
            self._core.state.chosen = [m for m in self._core.state.chosen if m != value]
            self._core.touch()
        text = f"Codex refused the {subject} “{sanitise_line(value, 80)}”"
        words = f"{text}: {message_of(reply.failure)}"
        return [Refused(subject, value), Item(ErrorItem(message=words))]

    def updated(self, params: dict[str, Any]) -> list[Effect]:
        """`thread/settings/updated`."""
        told, state = as_dict(params.get("threadSettings")), self._core.state
        if "approvalPolicy" not in told or "sandboxPolicy" not in told:
            return []
        before = (state.mode_id, state.model_id, state.effort)
        read_thread(self._core, told, told.get("sandboxPolicy"), "effort")
        after = (state.mode_id, state.model_id, state.effort)
        if state.phase != READY or before == after:
            return []
        news: dict[str, Any] = {}
        if before[0] != after[0]:
            news["mode_id"] = state.mode_id
        effects: list[Effect] = []
        if before[1] != after[1]:
            news["model_id"] = state.model_id
            effects.append(self.ask_models("new model"))
        elif before[2] != after[2]:
            if state.effort is None:
                effects.append(self.ask_models("new model"))
            else:
                news["thinking_option_id"] = state.effort
        told_on: list[Effect] = [Changed(**news)] if news else []
        return [*told_on, *self._unchosen(before[0]), *effects]

    def _unchosen(self, before: str | None) -> list[Effect]:
        """Said in the timeline: a mode that nobody here chose and that asks less than the last."""
        state, now = self._core.state, self._core.state.mode_id
        if now in state.chosen:
            state.chosen = state.chosen[state.chosen.index(now) + 1 :]
            return []
        if now == before or (now is not None and before is not None and stricter(now, before)):
            return []
        what = "a policy that is none of its modes here"
        if now is not None:
            what = f"the mode “{MODES[now].label}”"
        words = f"Codex went by itself to {what}, which nobody here chose. Choose one to be sure."
        return [Item(ErrorItem(message=words))]

    def listed(self, reply: Reply) -> list[Effect]:
        """The list of models, asked for after the session stood: `context` says why."""
        core, state = self._core, self._core.state
        if reply.failure is not None:
            words = message_of(reply.failure)
            return core.noted("warning", f"Codex could not list its models: {words}")
        models = models_of(core.identity.provider, reply.result)
        options, default = thinking_of(models, state.model_id)
        match reply.call.context:
            case "default model":
                model_id = default_of(models)
                if model_id is None:
                    return core.noted("notice", "Codex names no default model to go back to.")
                return [self.update({"model": model_id}, f"model={model_id}")]
            case "default thinking":
                if default is None:
                    return core.noted("notice", "This model has no default effort to go back to.")
                return [self.update({"effort": default}, f"thinking={default}")]
        effects: list[Effect] = []
        known = {option.id for option in options}
        if state.effort is not None and known and state.effort not in known and default:
            # The model before had this effort, this one does not.
            effects.append(self.update({"effort": default}, f"thinking={default}"))
        listed = with_current(core.identity.provider, models, state.model_id)
        changed = Changed(
            models=listed,
            thinking_options=options,
            thinking_option_id=state.effort if state.effort in known else default,
        )
        return [changed, *effects]


def read_thread(core: Core, told: dict[str, Any], sandbox: Any, effort_key: str) -> None:
    """Takes over what a thread works with, from the reply that opened it or from an update."""
    state, policy = core.state, as_dict(sandbox)
    collaboration = as_dict(told.get("collaborationMode"))
    if collaboration:
        state.planning = collaboration.get("mode") == "plan"
    state.mode_id = mode_of(told.get("approvalPolicy"), policy.get("type"), state.planning)
    if told.get("approvalsReviewer", "user") != "user":
        state.mode_id = None  # somebody else answers what people should be asked
    state.model_id = as_text(told.get("model")) or state.model_id
    if effort_key in told:
        state.effort = as_text(told.get(effort_key)) or None
    core.touch()
