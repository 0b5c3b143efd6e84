"""Requests for permission: what the person is asked, and how the answer goes back (T42, T43).

What is allowed is what was shown: the answer carries the arguments that were, or those that the
person changed. A standing answer is one of the program's own suggestions, and holds for this
session only: nothing is written into the repository's settings.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.permissions import Allow, Deny, PermissionResponse
from sereno.core.protocol.values import UnsetType
from sereno.core.providers.claude.calls import emit, know, mark_denied
from sereno.core.providers.claude.grants import find_grants
from sereno.core.providers.claude.lines import answered
from sereno.core.providers.claude.state import Core, OpenRequest
from sereno.core.providers.claude.values import bounded, hides, listed, record, size_of, text
from sereno.core.providers.claude.views import SHOWN_LIMIT, request_of, shown_input
from sereno.core.providers.driver import CannotAnswer
from sereno.core.providers.effects import Asked, Effect, Send, Withdrawn
from sereno.core.security.sanitise import reveal, sanitise_line

__all__ = ["answer", "ask", "ask_again", "cancelled_by_program", "close_all"]

_ALLOW_ONCE = frozenset({"allow", "accept", "approve"})
_DENY = frozenset({"deny", "reject", "dismiss"})
KEPT_LIMIT = 256 * 1024
"""Characters of arguments up to which they are kept, to be sent back and to be changed."""
OPEN_LIMIT = 100
"""Requests that may wait at once; whatever else is asked is told no."""
_DENIAL = "The user does not want this to be done. Ask them how to go on."


def ask(core: Core, rpc_id: str, request: dict[str, Any]) -> list[Effect]:
    """The program wants to use a tool: the call's item, then Asked."""
    state, given = core.state, record(request.get("input"))
    if any(each.rpc_id == rpc_id for each in state.requests.values()):
        return _refuse_twins(core, rpc_id)
    agent_id, call_id = text(request.get("agent_id")), text(request.get("tool_use_id"))
    if state.cancelling and not agent_id:
        # It asked before it read the interrupt.
        answer = {"behavior": "deny", "message": "Interrupted", "interrupt": True}
        return [Send(answered(rpc_id, answer))]
    tool = text(request.get("tool_name")) or "tool"
    if len(state.requests) >= OPEN_LIMIT:
        words = "Too many requests wait for an answer; this one was refused."
        reply = {"behavior": "deny", "message": words}
        name = sanitise_line(reveal(tool), 80)
        told = core.noted("warning", f"Too many requests wait; one more was told no: {name}")
        return [Send(answered(rpc_id, reply)), *told]
    effects: list[Effect] = []
    if call_id and (call_id in state.calls or not agent_id):
        known = state.calls.get(call_id)
        parent = known.parent if known is not None else ""
        effects = know(core, {"id": call_id, "name": tool, "input": given}, parent)
    whole = size_of(given) <= KEPT_LIMIT
    open_request = OpenRequest(
        rpc_id,
        call_id,
        tool,
        given if whole else bounded(given, SHOWN_LIMIT),
        whole,
        not whole and hides(given, SHOWN_LIMIT),
        find_grants(tool, request.get("permission_suggestions")),
        agent_id,
        sanitise_line(text(request.get("decision_reason"))),
        text(request.get("description"))[:2_000],
        _plan_of(core, call_id, tool, given),
    )
    asked = _show(core, open_request)
    if not whole:  # shown already; it is never sent back
        kept = bounded(given, KEPT_LIMIT // 8)
        open_request.input = kept if size_of(kept) <= KEPT_LIMIT else {}
    return [*effects, asked]


def _refuse_twins(core: Core, rpc_id: str) -> list[Effect]:
    """Two requests of one id: an answer to the one would be an answer to the other (T43)."""
    reason = "The program asked twice under one number; both were refused."
    reply = {"behavior": "deny", "message": "Two requests had one id. Ask again, one by one."}
    gone = cancelled_by_program(core, rpc_id, reason)
    return [Send(answered(rpc_id, reply)), *gone, *core.noted("warning", reason)]


def _plan_of(core: Core, call_id: str, tool: str, given: dict[str, Any]) -> str:
    """The plan: in the arguments, or in those of the call, which the program may leave out."""
    if tool != "ExitPlanMode":
        return ""
    call = core.state.calls.get(call_id)
    return text(given.get("plan")) or (text(call.input.get("plan")) if call else "")


def _show(core: Core, request: OpenRequest) -> Asked:
    """Opens the request under a new id."""
    core.state.asked += 1
    request_id = f"perm-{core.setup.run}-{core.state.asked}"
    core.state.requests[request_id] = request
    core.touch()
    return Asked(request_of(core, request_id, request))


def answer(core: Core, request_id: str, response: PermissionResponse) -> list[Effect]:
    """The frames of an answer. Raises CannotAnswer, and has then done nothing."""
    request = core.state.requests.get(request_id)
    if request is None:
        raise CannotAnswer("request_gone", "This request is no longer open.")
    effects: list[Effect] = []
    reply = _denial(response) if isinstance(response, Deny) else _permission(request, response)
    del core.state.requests[request_id]
    for update in listed(reply.get("updatedPermissions")):
        if update.get("type") == "setMode":
            core.state.chosen = text(update.get("mode"))
    core.touch()
    if isinstance(response, Deny):
        mark_denied(core, request.call_id)
        if response.interrupt is True and not request.agent_id:
            core.state.cancelling = core.state.prompt_id is not None
    elif not isinstance(response.updated_input, UnsetType):
        effects += _changed(core, request, record(reply.get("updatedInput")))
    return [Send(answered(request.rpc_id, reply)), *effects]


def _denial(response: Deny) -> dict[str, Any]:
    selected = response.selected_action_id
    if not isinstance(selected, UnsetType) and selected not in _DENY:
        raise CannotAnswer("unknown_action", f"This request has no answer “{selected}”.")
    words = response.message if isinstance(response.message, str) else ""
    reply: dict[str, Any] = {"behavior": "deny", "message": words.strip() or _DENIAL}
    if response.interrupt is True:
        reply["interrupt"] = True
    return reply


def _permission(request: OpenRequest, response: Allow) -> dict[str, Any]:
    if request.hidden:
        raise CannotAnswer(
            "input_hidden",
            "This is too long or too deep to be shown whole, so it can only be denied. Tell the "
            "agent to do it in smaller steps.",
        )
    reply: dict[str, Any] = {"behavior": "allow"}
    updates = _updates(request, response)
    if updates:
        reply["updatedPermissions"] = updates
    changed = response.updated_input
    if isinstance(changed, dict) and changed:
        reply["updatedInput"] = _updated(request, changed)
    elif request.whole:
        reply["updatedInput"] = request.input
    return reply


def _updates(request: OpenRequest, response: Allow) -> list[dict[str, Any]]:
    """The rules that the answer brings; only such as the program offered itself."""
    selected = response.selected_action_id
    updates: list[dict[str, Any]] = []
    if not isinstance(selected, UnsetType) and selected not in _ALLOW_ONCE:
        grant = next((each for each in request.grants if each.id == selected), None)
        if grant is None:
            raise CannotAnswer("unknown_action", f"This request has no answer “{selected}”.")
        updates += grant.updates
    for wish in listed(response.updated_permissions):
        asked = {**wish, "destination": "session"}
        if not any(asked in grant.updates for grant in request.grants):
            raise CannotAnswer("unknown_action", "The program did not offer this rule.")
        if asked not in updates:
            updates.append(asked)
    return updates


def _updated(request: OpenRequest, changed: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the person wants. For a question it is enough to give the answers.

    What stands in them as it was shown is what the program said: the view spells hidden characters.
    """
    if not request.whole:
        raise CannotAnswer(
            "input_unchangeable",
            "This is too long to be kept whole, so it cannot be changed; allow or deny it.",
        )
    shown = shown_input(request)
    wanted = {
        key: request.input[key] if key in shown and shown[key] == value else value
        for key, value in changed.items()
    }
    if request.tool == "AskUserQuestion":
        answers = record(wanted.get("answers"))
        names = _names_of_questions(request, shown)
        told = {names.get(key, key): _answer_words(value) for key, value in answers.items()}
        return {**request.input, **wanted, "answers": told}
    return wanted


def _names_of_questions(request: OpenRequest, shown: dict[str, Any]) -> dict[str, str]:
    """By what clients name a question, to how the program does. Ours take the question as it was
    shown, the official apps its header; a header that two questions have names none."""
    views = listed(shown.get("questions"))
    questions = [text(raw.get("question")) for raw in listed(request.input.get("questions"))]
    headers = [text(view.get("header")) for view in views]
    names = {
        header: question
        for header, question in zip(headers, questions, strict=False)
        if headers.count(header) == 1
    }
    return names | {
        text(view.get("question")): raw for view, raw in zip(views, questions, strict=False)
    }


def _answer_words(value: Any) -> str:
    """One text for each question: several choices are joined as the program itself does."""
    if isinstance(value, list):
        return ", ".join(each for each in value if isinstance(each, str))
    return text(value)


def _changed(core: Core, request: OpenRequest, now: dict[str, Any]) -> list[Effect]:
    """The timeline shows what is run, not what was asked for first."""
    call = core.state.calls.get(request.call_id)
    if call is None or request.tool == "AskUserQuestion":
        return []
    call.input = bounded(now, KEPT_LIMIT)
    core.touch()
    return emit(core, call)


def cancelled_by_program(
    core: Core, rpc_id: str, reason: str = "The program took the request back."
) -> list[Effect]:
    """`control_cancel_request`: the program does not wait any more."""
    for request_id, request in core.state.requests.items():
        if request.rpc_id == rpc_id:
            del core.state.requests[request_id]
            core.touch()
            return [Withdrawn(request_id, reason)]
    return []


def close_all(core: Core, reason: str, tell: bool = True, background: bool = True) -> list[Effect]:
    """Withdraws open requests; `tell`: and says no. Without `background` those of sub-agents that
    go on stay open.
    """
    effects: list[Effect] = []
    for request_id, request in list(core.state.requests.items()):
        if request.agent_id and not background:
            continue
        del core.state.requests[request_id]
        core.touch()
        if tell:
            reply = {"behavior": "deny", "message": reason}
            effects.append(Send(answered(request.rpc_id, reply)))
        effects.append(Withdrawn(request_id, reason))
    return effects


def ask_again(core: Core) -> tuple[list[Effect], list[Effect]]:
    """The requests of sub-agents that outlive the turn: what is to be said before its end, which
    closes all requests, and after it.
    """
    before: list[Effect] = []
    after: list[Effect] = []
    for request_id, request in list(core.state.requests.items()):
        del core.state.requests[request_id]
        request.hidden = request.hidden or not request.whole  # no more of it was kept
        reason = "The turn ended; a sub-agent in the background still asks, and is asked anew."
        before.append(Withdrawn(request_id, reason))
        after.append(_show(core, request))
    return before, after
