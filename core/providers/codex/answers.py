"""A person's answer as what Codex is to be sent, for each kind of request. Pure.

A plain allow is only ever for once; anything standing must be chosen by name. What Codex cannot be
given (changed arguments) is refused, never dropped in silence (T43).
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.permissions import Allow, Deny, PermissionAction, PermissionResponse
from sereno.core.protocol.values import UNSET, UnsetType
from sereno.core.providers.codex.questions import (
    answers_of,
    content_of,
    form_questions,
    given_texts,
    input_questions,
)
from sereno.core.providers.codex.state import OpenRequest
from sereno.core.providers.codex.values import as_dict, as_dicts, as_texts
from sereno.core.providers.codex.views import ALWAYS, AMENDMENT, NETWORK
from sereno.core.providers.driver import CannotAnswer
from sereno.core.security.sanitise import sanitise_line

__all__ = ["as_it_is", "chosen", "refusal", "result_of", "told_answers"]

KEPT_TEXT = 64 * 1024
"""Characters of one text of a request that are kept once it has been shown."""
PLAIN_ALLOW = frozenset({"accept", "allow", "approve"})
PLAIN_DENY = frozenset({"reject", "deny", "decline"})
"""Action ids that clients send where they saw no actions (wire reference 6.8)."""


def chosen(actions: list[PermissionAction], response: PermissionResponse) -> str:
    """The id of the action that carries the answer. Raises CannotAnswer."""
    allowing = isinstance(response, Allow)
    selected = response.selected_action_id
    if not isinstance(selected, UnsetType):
        for action in actions:
            if action.id == selected:
                if (action.behavior == "allow") != allowing:
                    raise CannotAnswer(
                        "unknown_action", f"“{selected}” is not that kind of answer."
                    )
                return action.id
        if selected not in (PLAIN_ALLOW if allowing else PLAIN_DENY):
            raise CannotAnswer("unknown_action", f"This request has no answer “{selected}”.")
    plain = "accept" if allowing else "decline"
    if actions and plain not in {action.id for action in actions}:
        names = ", ".join(
            f"“{sanitise_line(action.label, 60)}”"
            for action in actions
            if (action.behavior == "allow") == allowing
        )
        raise CannotAnswer(
            "no_single_allow",
            f"This request cannot be allowed just once; choose an answer by name: {names}.",
        )
    return plain


def result_of(request: OpenRequest, response: PermissionResponse, choice: str) -> dict[str, Any]:
    """The `result` of the reply. Raises CannotAnswer for answers that Codex cannot be given."""
    if isinstance(response, Deny) and choice in ("decline", "cancel"):
        return refusal(request.method, choice)
    match request.method:
        case "item/tool/requestUserInput":
            given = _answers(response)
            answered = answers_of(request.params, given)
            if not answered["answers"]:
                raise _unanswered([q["header"] for q in input_questions(request.params)])
            return answered
        case "mcpServer/elicitation/request":
            return _elicited(request, response, choice)
        case "item/permissions/requestApproval":
            as_it_is(response)
            if _is_long(request.params.get("permissions")):
                raise CannotAnswer("input_unchangeable", "This is too long to be granted; deny it.")
            scope = "session" if choice == "acceptForSession" else "turn"
            return {"permissions": as_dict(request.params.get("permissions")), "scope": scope}
        case _:
            as_it_is(response)
            return {"decision": _decision(request, choice)}


def refusal(method: str, choice: str = "decline") -> dict[str, Any]:
    """The `result` that says no."""
    match method:
        case "item/tool/requestUserInput":
            return {"answers": {}}
        case "item/permissions/requestApproval":
            return {"permissions": {}, "scope": "turn"}
        case "mcpServer/elicitation/request":
            return {"action": choice, "content": None}
        case _:
            return {"decision": choice}


def told_answers(request: OpenRequest, response: PermissionResponse) -> str:
    """What was answered to questions, for the timeline."""
    if request.method == "item/tool/requestUserInput":
        return "\n".join(given_texts(input_questions(request.params), _answers(response)))
    return ""


def _decision(request: OpenRequest, choice: str) -> Any:
    if choice == AMENDMENT:
        prefix = as_texts(request.params.get("proposedExecpolicyAmendment"))
        return {AMENDMENT: {"execpolicy_amendment": prefix}}
    if choice.startswith(NETWORK):
        rules = as_dicts(request.params.get("proposedNetworkPolicyAmendments"))
        return {NETWORK: {"network_policy_amendment": rules[int(choice.rpartition("-")[2])]}}
    return choice


def _is_long(value: Any) -> bool:
    """Whether a text in it was shortened when it was kept."""
    if isinstance(value, str):
        return len(value) >= KEPT_TEXT
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    return isinstance(parts, list) and any(_is_long(part) for part in parts)


def _elicited(request: OpenRequest, response: PermissionResponse, choice: str) -> dict[str, Any]:
    schema = request.params.get("requestedSchema")
    if not form_questions(schema):
        as_it_is(response)
        persist = {"acceptForSession": "session", ALWAYS: "always"}.get(choice)
        meta = None if persist is None else {"persist": persist}
        return {"action": "accept", "content": {}, "_meta": meta}
    content, missing = content_of(schema, _answers(response))
    if missing:
        raise _unanswered(missing)
    return {"action": "accept", "content": content}


def _answers(response: PermissionResponse) -> dict[str, Any]:
    if isinstance(response, Deny) or isinstance(response.updated_input, UnsetType):
        return {}
    return as_dict(response.updated_input.get("answers"))


def _unanswered(headers: list[str]) -> CannotAnswer:
    names = ", ".join(f"“{sanitise_line(str(header), 60)}”" for header in headers)
    return CannotAnswer("unknown_action", f"An answer is missing: {names}.")


def as_it_is(response: PermissionResponse) -> None:
    """Raises CannotAnswer where the answer changes what was asked."""
    if isinstance(response, Allow) and (
        response.updated_input not in (UNSET, {}, None)
        or response.updated_permissions not in (UNSET, [], None)
    ):
        raise CannotAnswer(
            "input_unchangeable",
            "Codex cannot be given changed arguments or rules; allow or deny it as it is.",
        )
