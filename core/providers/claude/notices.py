"""`system` messages and other news beside the talk: modes, retries, limits, compaction, tasks.

What a person should know becomes a notice or an item, the rest a line for the log. Unknown kinds
are noted and change nothing.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.timeline import Compaction, ErrorItem, ToolStatus
from sereno.core.protocol.values import UNSET
from sereno.core.providers.claude.calls import task_over
from sereno.core.providers.claude.failures import limit_name, reset_words
from sereno.core.providers.claude.modes import looser
from sereno.core.providers.claude.offers import model_named, read_commands, thinking_options
from sereno.core.providers.claude.state import Core, Limit
from sereno.core.providers.claude.values import number, record, text
from sereno.core.providers.common.core import READY
from sereno.core.providers.effects import Changed, Diagnostic, Effect, Item
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["mode_changed", "model_changed", "rate_limit", "reset", "system", "title_told"]

_ENDS: dict[str, ToolStatus] = {
    "completed": "completed",
    "failed": "failed",
    "killed": "canceled",
    "stopped": "canceled",
}
_SILENT = frozenset(
    {
        "background_tasks_changed",
        "files_persisted",
        "hook_progress",
        "hook_response",
        "hook_started",
        "session_state_changed",
        "task_progress",
        "thinking_tokens",
        "turn_duration",
        "per_turn_effort_changed",
        "permission_check_status",
        "session_metadata",
    }
)
MOST_TASKS = 1_000
LONG_WAIT_MS = 5_000
"""From here on a person is told that the program waits before it asks the model again."""
_SPOKEN = frozenset({"informational", "notification", "model_fallback", "model_refusal_fallback"})


def system(core: Core, message: dict[str, Any]) -> list[Effect]:
    """The effects of one `system` message."""
    match text(message.get("subtype")):
        case "init":
            return _init(core, message)
        case "status":
            return _status(core, message)
        case "api_retry":
            return _retry(core, message)
        case "compact_boundary":
            return _compacted(core, record(message.get("compact_metadata")))
        case "session_title_changed":
            return title_told(core, message.get("title"))
        case "commands_changed":
            commands = read_commands(message.get("commands"))
            if core.state.phase != READY or not core.new_sum("commands", commands):
                return []
            return [Changed(commands=commands)]
        case "task_started":
            return _task_started(core, message)
        case "task_updated":
            return _task_updated(core, message)
        case "task_notification":
            return _task_ended(core, message, text(message.get("status")))
        case "permission_denied":
            tool = sanitise_line(text(message.get("tool_name")), 80)
            why = sanitise_line(text(message.get("decision_reason")))
            words = f"{core.identity.label} refused {tool} by its own rules, without asking"
            return core.noted("notice", words, why)
        case "local_command_output":
            core.state.local_output = sanitise(text(message.get("content"))[:64_000])
            core.touch()
            return []
        case kind if kind in _SPOKEN:
            words = text(message.get("content")) or text(message.get("text"))
            return core.noted("notice", sanitise_line(words)) if words else []
        case kind if kind in _SILENT:
            return []
        case kind:
            return core.noted("debug", f"A message of unknown kind: {sanitise_line(kind, 80)}")


def title_told(core: Core, title: Any) -> list[Effect]:
    """What the conversation is about, in the program's words."""
    words = sanitise_line(text(title), 120)
    return [Changed(title=words)] if words and core.new_sum("title", words) else []


def _init(core: Core, message: dict[str, Any]) -> list[Effect]:
    """At every turn: the session, mode and model that it begins with."""
    state, effects = core.state, list[Effect]()
    session_id = text(message.get("session_id"))
    if session_id and session_id != state.session_id:
        effects += _moved(core, session_id)
    effects += mode_changed(core, text(message.get("permissionMode")))
    return effects + model_changed(core, text(message.get("model")))


def _moved(core: Core, session_id: str) -> list[Effect]:
    """The program goes on under another id, as after /clear: that is the one to resume."""
    known = bool(core.state.session_id)
    core.state.session_id = session_id
    core.touch()
    fields: Any = {"session_id": sanitise_line(session_id, 80)}
    if "session_id" in Changed.__struct_fields__:
        return [Changed(**fields)]
    return core.noted("info", "The program began another session") if known else []


def reset(core: Core, message: dict[str, Any]) -> list[Effect]:
    """`conversation_reset`: /clear. What was said before stays in the timeline only."""
    core.state.local_output = "The model begins anew and remembers nothing of what was said before."
    session_id = text(message.get("new_conversation_id"))
    core.touch()
    return _moved(core, session_id) if session_id not in ("", core.state.session_id) else []


def mode_changed(core: Core, mode: str) -> list[Effect]:
    state = core.state
    if not mode or mode == state.mode:
        return []
    before, state.mode = state.mode, sanitise_line(mode, 80)
    core.touch()
    if state.phase != READY:
        return []
    effects: list[Effect] = [Changed(mode_id=state.mode)]
    if state.mode != state.chosen and looser(state.mode, before):
        words = (
            f"{core.identity.label} went by itself to the mode “{state.mode}”, which asks less "
            "than the one before. Choose a mode to be sure."
        )
        effects.append(Item(ErrorItem(message=words)))
    return effects


def model_changed(core: Core, reported: str) -> list[Effect]:
    """`reported` is the model by its own name, or by one of those it was offered under."""
    state = core.state
    model = model_named(core, reported) if reported else state.model
    if model is None or model == state.model:
        return []
    state.model = model
    core.touch()
    if state.phase != READY:
        return []
    return [Changed(model_id=model, thinking_options=thinking_options(core, model))]


def _status(core: Core, message: dict[str, Any]) -> list[Effect]:
    effects = mode_changed(core, text(message.get("permissionMode")))
    if message.get("status") == "compacting" and core.new_sum("compacting", True):
        effects.append(Item(Compaction(status="loading")))
    if message.get("compact_result") == "failed":
        core.new_sum("compacting", False)
        why = sanitise_line(text(message.get("compact_error")))
        effects.append(Item(Compaction(status="completed")))
        effects += core.noted("notice", "The conversation could not be shortened", why)
    return effects


def _compacted(core: Core, data: dict[str, Any]) -> list[Effect]:
    core.new_sum("compacting", False)
    trigger, tokens = data.get("trigger"), number(data.get("pre_tokens"))
    item = Compaction(
        status="completed",
        trigger=trigger if trigger in ("auto", "manual") else UNSET,
        pre_tokens=UNSET if tokens is None else tokens,
    )
    return [Item(item)]


def _retry(core: Core, message: dict[str, Any]) -> list[Effect]:
    """The program asks the model again by itself."""
    attempt, most = number(message.get("attempt")), number(message.get("max_retries"))
    delay, status = number(message.get("retry_delay_ms")), number(message.get("error_status"))
    kind = sanitise_line(text(message.get("error")), 60)
    why = " ".join(each for each in (f"{status:g}" if status else "", kind) if each) or "no answer"
    count = f", attempt {attempt:g}" + (f" of {most:g}" if most else "") if attempt else ""
    wait = f" in {delay / 1000:.1f} s" if delay is not None else ""
    words = f"The model's provider failed ({why}); {core.identity.label} tries again{wait}{count}"
    if delay is not None and delay >= LONG_WAIT_MS:
        # Nothing else happens meanwhile: a person must not take it for work.
        cause = "limits the rate of requests" if status == 429 else "has trouble at the moment"
        minutes = f"{delay / 60_000:.0f} minutes" if delay >= 120_000 else f"{delay / 1000:.0f} s"
        words = (
            f"The model's provider {cause} ({why}). {core.identity.label} waits {minutes} and then "
            f"tries again{count}."
        )
        return [Item(ErrorItem(message=words))]
    return [Diagnostic("notice", words)]


def rate_limit(core: Core, message: dict[str, Any]) -> list[Effect]:
    """`rate_limit_event`: remembered for the failure that may follow; told when it gets close."""
    info = record(message.get("rate_limit_info"))
    resets = number(info.get("resetsAt"))
    kind = sanitise_line(text(info.get("rateLimitType")), 60)
    limit = Limit(sanitise_line(text(info.get("status")), 40), kind, int(resets or 0))
    core.state.limit = limit
    if not core.new_sum("limit", limit) or limit.status not in ("allowed_warning", "rejected"):
        return []
    used = number(info.get("utilization"))
    part = f"{used:.0%} of " if used is not None and used <= 1 else ""
    until = f"; it resets at {reset_words(limit.resets_at)}" if limit.resets_at else ""
    if limit.status == "rejected":
        return core.noted("notice", f"You have reached {limit_name(limit)}{until}")
    return core.noted("notice", f"{part}{limit_name(limit)} is used{until}".capitalize())


def _task_started(core: Core, message: dict[str, Any]) -> list[Effect]:
    """Something that may outlive the answer to its call: a sub-agent, a command."""
    state = core.state
    task_id, call_id = text(message.get("task_id")), text(message.get("tool_use_id"))
    call = state.calls.get(call_id)
    if not task_id or call is None or len(state.tasks) >= MOST_TASKS:
        return []
    call.background = message.get("is_backgrounded") is not False
    state.tasks[task_id] = call_id
    if state.prompt_id is not None:
        state.begun.append(task_id)
    core.touch()
    return []


def _task_updated(core: Core, message: dict[str, Any]) -> list[Effect]:
    patch = record(message.get("patch"))
    call = core.state.calls.get(core.state.tasks.get(text(message.get("task_id")), ""))
    if call is not None and patch.get("is_backgrounded") is True and call.status == "running":
        call.background = True
        core.touch()
    status = text(patch.get("status"))
    return _task_ended(core, message, status) if status == "killed" else []


def _task_ended(core: Core, message: dict[str, Any], status: str) -> list[Effect]:
    state, task_id = core.state, text(message.get("task_id"))
    if status not in _ENDS or task_id not in state.tasks:
        return []
    call_id = state.tasks.pop(task_id)
    state.begun = [each for each in state.begun if each != task_id]
    core.touch()
    return task_over(core, call_id, _ENDS[status], text(message.get("summary"))[:16_000])
