"""Requests of Codex that wait for a person: opened, shown anew, withdrawn, answered (T43).

Several may be open at once, in any order. A denial's words reach the agent as a message into its
running turn, sent before the denial, so that it reads both together. Not here: how a request looks
(views.py), what an answer is in Codex's words (answers.py).
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.permissions import Deny, PermissionResponse
from sereno.core.protocol.timeline import ToolCall, ToolStatus
from sereno.core.protocol.tools import PlainTextDetail
from sereno.core.protocol.values import UNSET, UnsetType
from sereno.core.providers.codex.answers import KEPT_TEXT, chosen, refusal, result_of, told_answers
from sereno.core.providers.codex.details import changes_of, unwrapped
from sereno.core.providers.codex.items import deny
from sereno.core.providers.codex.questions import input_questions
from sereno.core.providers.codex.state import Core, OpenRequest
from sereno.core.providers.codex.values import as_text, pruned
from sereno.core.providers.codex.views import facts_of, request_of, takes_words
from sereno.core.providers.common.bounds import clip
from sereno.core.providers.driver import CannotAnswer
from sereno.core.providers.effects import Asked, Effect, Item, Send, Withdrawn
from sereno.core.providers.jsonrpc import INVALID_REQUEST, METHOD_NOT_FOUND
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = [
    "REQUESTS",
    "answer",
    "ask",
    "check_changed",
    "resolved",
    "set_aside",
    "show",
    "spoken",
    "withdraw_all",
]

REQUESTS = frozenset(
    {
        "item/commandExecution/requestApproval",
        "item/fileChange/requestApproval",
        "item/permissions/requestApproval",
        "item/tool/requestUserInput",
        "mcpServer/elicitation/request",
    }
)
ASKS_LIMIT = 5
OPEN_LIMIT, OPEN_BYTES = 100, 32 * 1024 * 1024
"""Requests that may wait at once, and bytes of them; whatever else is asked is told no."""
"""How often a request may be shown anew because its program added to it; then the answer is no."""
DISMISSED = frozenset({"", "Denied by user", "Dismissed by user"})
"""What the official apps say of their own; no words of a person."""


def ask(core: Core, rpc_id: Any, method: str, params: dict[str, Any]) -> list[Effect]:
    """A request from the program: shown, or refused where no person can answer it."""
    if isinstance(rpc_id, bool) or not isinstance(rpc_id, int | str) or pruned(rpc_id) != rpc_id:
        text = "A request without a usable number was ignored"
        return core.noted("warning", text, sanitise_line(method, 80))
    if method not in REQUESTS or params.get("mode") == "openai/userVerification":
        words = f"This client does not do that ({method})"
        reply = core.peer.respond_error(rpc_id, METHOD_NOT_FOUND, sanitise_line(words, 200))
        text = f"Codex asked for what is not supported: {sanitise_line(method, 80)}"
        return [Send(reply), *core.noted("notice", text)]
    if any(request.rpc_id == rpc_id for request in core.state.requests.values()):
        return _refuse_twins(core, rpc_id)
    if core.state.cancelling:
        # Codex asked before it read the interrupt, and voids it by itself too.
        choice = "cancel" if method != "mcpServer/elicitation/request" else "decline"
        return [Send(core.peer.respond(rpc_id, refusal(method, choice)))]
    kept = sum(request.size for request in core.state.requests.values())
    if len(core.state.requests) >= OPEN_LIMIT or (kept and kept + core.line_size > OPEN_BYTES):
        words = "Codex asks for too much at once: this one was told no"
        return [Send(core.peer.respond(rpc_id, refusal(method))), *core.noted("warning", words)]
    request = OpenRequest(
        rpc_id,
        method,
        as_text(params.get("threadId")),
        as_text(params.get("turnId")),
        as_text(params.get("itemId")),
        params,
    )
    request.size = core.line_size
    request.subject = _subject(core, request)
    return [*show(core, request), *_question(core, request, "running")]


def show(core: Core, request: OpenRequest) -> list[Effect]:
    """Opens the request under a new id."""
    core.state.asked += 1
    core.touch()
    request_id = f"perm-{core.setup.run}-{core.state.asked}"
    request.facts = facts_of(core, request)
    asked = Asked(request_of(core, request_id, request))
    request.params = _clipped(request.params)
    request.kept = facts_of(core, request)
    core.state.requests[request_id] = request
    return [asked]


def _clipped(value: Any) -> Any:
    if isinstance(value, str):
        return clip(value, KEPT_TEXT)
    if isinstance(value, dict):
        return {key: _clipped(part) for key, part in value.items()}
    return [_clipped(part) for part in value] if isinstance(value, list) else value


def _refuse_twins(core: Core, rpc_id: Any) -> list[Effect]:
    """Two requests of one id: an answer to the one would be an answer to the other (T43)."""
    reason = "Codex asked twice under one number; both were refused."
    error = core.peer.respond_error(rpc_id, INVALID_REQUEST, "this id is in use")
    return [Send(error), *_close(core, rpc_id, reason), *core.noted("warning", reason)]


def _close(core: Core, rpc_id: Any, reason: str) -> list[Effect]:
    effects: list[Effect] = []
    for request_id, request in list(core.state.requests.items()):
        if request.rpc_id == rpc_id:
            del core.state.requests[request_id]
            core.touch()
            effects.append(Withdrawn(request_id, reason))
            effects += _question(core, request, "canceled")
    return effects


def resolved(core: Core, rpc_id: Any) -> list[Effect]:
    """`serverRequest/resolved`: Codex waits for it no more; nothing new where we answered it."""
    if not isinstance(rpc_id, int | str):
        return []
    return _close(core, rpc_id, "Codex took the request back.")


def set_aside(core: Core, reason: str) -> tuple[list[Effect], list[OpenRequest]]:
    """What sub-agents that go on still ask when the turn that began them ends: withdrawn with it,
    and to be shown anew after it, because nothing that was asked outlives a turn.
    """
    effects: list[Effect] = []
    kept = []
    for request_id, request in list(core.state.requests.items()):
        if request.thread_id in core.state.children:
            kept.append(core.state.requests.pop(request_id))
            effects.append(Withdrawn(request_id, reason))
    return effects, kept


def withdraw_all(core: Core, reason: str) -> list[Effect]:
    """No open request is waited for any more. Codex voids them itself, so nothing is sent."""
    effects: list[Effect] = []
    for request_id, request in core.state.requests.items():
        effects.append(Withdrawn(request_id, reason))
        effects += _question(core, request, "canceled")
    if effects:
        core.state.requests = {}
        core.touch()
    return effects


def check_changed(core: Core, item_id: str) -> list[Effect]:
    """What is answered must be what was shown: a change that grew is asked anew (T43)."""
    effects: list[Effect] = []
    for request_id, request in list(core.state.requests.items()):
        other = not item_id or request.item_id != item_id
        if other or facts_of(core, request) == request.kept:
            continue
        del core.state.requests[request_id]
        core.touch()
        if request.asks >= ASKS_LIMIT:
            reason = "Codex changed again and again what it asks for; it was told no."
            reply = core.peer.respond(request.rpc_id, refusal(request.method))
            effects += [Send(reply), Withdrawn(request_id, reason), *core.noted("warning", reason)]
            continue
        request.asks += 1
        effects.append(Withdrawn(request_id, "Codex said more about it; it is asked anew."))
        effects += show(core, request)
    return effects


def answer(core: Core, request_id: str, response: PermissionResponse) -> tuple[list[Effect], bool]:
    """The frames of an answer, and whether the turn is to be stopped with it.

    Raises CannotAnswer, and has then done nothing.
    """
    request = core.state.requests.get(request_id)
    if request is None:
        raise CannotAnswer("request_gone", "This request is no longer open.")
    shown = request_of(core, request_id, request)
    actions = [] if isinstance(shown.actions, UnsetType) else shown.actions
    choice = chosen(actions, response)
    result = result_of(request, response, choice)
    stops = isinstance(response, Deny) and (response.interrupt is True or choice == "cancel")
    del core.state.requests[request_id]
    core.touch()
    effects: list[Effect] = []
    if isinstance(response, Deny):
        deny(core, request.item_id)
        effects += _explain(core, request, response, stops)
        effects += _question(core, request, "failed")
    else:
        effects += _question(core, request, "completed", told_answers(request, response))
    return [*effects, Send(core.peer.respond(request.rpc_id, result))], stops


def _explain(core: Core, request: OpenRequest, response: Deny, stops: bool) -> list[Effect]:
    """The person's words as a message into the turn that asked."""
    words = spoken(response)
    if not words:
        return []
    if stops or not takes_words(request):
        why = "The turn ends with your no" if stops else "This request belongs to no turn"
        text = f"{why}, and Codex does not hear why; tell it with a prompt."
        return core.noted("notice", text, sanitise(words))
    message = f"I did not allow {request.subject}: {words}"
    params = {
        "threadId": request.thread_id,
        "expectedTurnId": request.turn_id,
        "input": [{"type": "text", "text": message}],
    }
    return [Send(core.peer.request("turn/steer", params))]


def spoken(response: Deny) -> str:
    """A person's own words in a denial."""
    words = "" if isinstance(response.message, UnsetType) else response.message.strip()
    return "" if words in DISMISSED else words


def _subject(core: Core, request: OpenRequest) -> str:
    match request.method:
        case "item/commandExecution/requestApproval":
            command = as_text(request.params.get("command"))
            return f"`{unwrapped(command)[:300]}`" if command else "this command"
        case "item/fileChange/requestApproval":
            record = core.state.items.get(request.item_id)
            paths = [c["path"][:300] for c in changes_of(record.item)] if record is not None else []
            return f"the change of {', '.join(paths[:5])}" if paths else "this change"
        case "item/permissions/requestApproval":
            return "these permissions"
        case "item/tool/requestUserInput":
            return "these questions"
        case _:
            return "this tool"


def _question(core: Core, request: OpenRequest, status: ToolStatus, told: str = "") -> list[Effect]:
    """Questions leave a trace in the timeline: what was asked, and what the person said."""
    if request.method != "item/tool/requestUserInput":
        return []
    asked = [str(shown["question"]) for shown in input_questions(request.params)]
    call = ToolCall(
        call_id=request.item_id or f"question-{core.setup.run}-{core.state.asked}",
        name="question",
        detail=PlainTextDetail(
            label=sanitise("\n".join(asked)) or "Codex has a question",
            text=sanitise(told) if told else UNSET,
        ),
        status=status,
        error="Not answered by you." if status == "failed" else None,
    )
    return [Item(call)]
