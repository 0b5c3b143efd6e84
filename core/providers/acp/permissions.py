"""Requests for permission: what the person is shown, and how the answer goes back (T42, T43).

A plain allow is only ever an `allow_once`; anything standing must be chosen by name. What the
protocol cannot carry (changed arguments, reasons) is refused or said, never dropped in silence.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.permissions import Allow, Deny, PermissionResponse
from sereno.core.protocol.values import UNSET, UnsetType
from sereno.core.providers.acp.calls import emit_call, merge_call
from sereno.core.providers.acp.details import shrink
from sereno.core.providers.acp.pieces import ToolPiece, piece_of
from sereno.core.providers.acp.state import CallRecord, Core, OpenRequest, Option
from sereno.core.providers.acp.views import allows, changes_shown, facts_of, request_of, view_of
from sereno.core.providers.driver import CannotAnswer
from sereno.core.providers.effects import Asked, Diagnostic, Effect, Send, Withdrawn
from sereno.core.providers.jsonrpc import INVALID_REQUEST
from sereno.core.security.sanitise import sanitise_line

__all__ = ["answer", "ask", "cancel_all", "check_changed", "withdraw_rpc"]

CANCELLED = {"outcome": {"outcome": "cancelled"}}
PLAIN_ALLOW = frozenset({"accept", "allow", "approve"})
PLAIN_DENY = frozenset({"reject", "deny"})
"""Action ids that clients send where they saw no actions (wire reference 6.8)."""

ASKS_LIMIT = 5
"""How often a request may be shown anew because its program added to it; then the answer is no."""


def ask(core: Core, rpc_id: Any, params: dict[str, Any]) -> list[Effect]:
    """A request from the program: the call's item, then Asked. Cancelled if a cancel is out."""
    options = _options(params.get("options"))
    twins = [r for r in core.state.requests.values() if r.rpc_id == rpc_id]
    if twins:
        return _refuse_twins(core, rpc_id)
    tool = params.get("toolCall")
    piece = piece_of(tool) if isinstance(tool, dict) else None
    if piece is not None:
        record = merge_call(core, piece)
    else:  # a request about nothing that was named: a call of its own
        call_id = f"request-{core.setup.run}-{core.state.asked + 1}"
        record = core.state.calls[call_id] = CallRecord(call_id, title="Permission")
    if core.state.cancelling or not options:
        # The program asked before it read the cancel, or offers nothing to choose.
        reply = core.peer.respond(rpc_id, CANCELLED)
        text = "A request for permission was cancelled" + ("" if options else ": it had no options")
        return [Send(reply), *core.noted("info", text)]
    view, own = view_of(record, piece)
    request = OpenRequest(rpc_id, record.id, options, view, facts_of(view), own)
    effects = [*emit_call(core, record), _show(core, request)]
    shrink(record)
    return effects


def _show(core: Core, request: OpenRequest) -> Asked:
    """Opens the request under a new id."""
    core.state.asked += 1
    core.touch()
    request_id = f"perm-{core.setup.run}-{core.state.asked}"
    core.state.requests[request_id] = request
    asked = Asked(request_of(core, request_id, request))
    shrink(request.view)
    return asked


def _refuse_twins(core: Core, rpc_id: Any) -> list[Effect]:
    """Two requests of one id: an answer to the one would be an answer to the other (T43)."""
    reason = "The program asked twice under one number; both were refused."
    effects: list[Effect] = [
        Send(core.peer.respond_error(rpc_id, INVALID_REQUEST, "this id is in use"))
    ]
    for request_id, request in list(core.state.requests.items()):
        if request.rpc_id == rpc_id:
            del core.state.requests[request_id]
            effects.append(Withdrawn(request_id, reason))
    core.touch()
    return [*effects, *core.noted("warning", reason)]


def _options(raw: Any) -> list[Option]:
    found = []
    for option in raw if isinstance(raw, list) else []:
        if isinstance(option, dict) and isinstance(option.get("optionId"), str):
            name, kind = option.get("name"), option.get("kind")
            kind = kind if isinstance(kind, str) else ""
            found.append(Option(option["optionId"], kind, str(name or option["optionId"])))
    return found


def answer(core: Core, request_id: str, response: PermissionResponse) -> list[Effect]:
    """The frames of an answer. Raises CannotAnswer, and has then done nothing."""
    request = core.state.requests.get(request_id)
    if request is None:
        raise CannotAnswer("request_gone", "This request is no longer open.")
    option = _chosen(request.options, response)
    effects: list[Effect] = []
    del core.state.requests[request_id]
    core.touch()
    outcome: dict[str, Any] = CANCELLED
    if option is not None:
        outcome = {"outcome": {"outcome": "selected", "optionId": option.id}}
    effects.append(Send(core.peer.respond(request.rpc_id, outcome)))
    record = core.state.calls.get(request.call_id)
    if isinstance(response, Deny):
        if record is not None:
            record.denied = True
        if response.message:
            effects.append(
                Diagnostic(
                    "notice",
                    f"{core.identity.label} was told “no”; its protocol cannot carry your reason. "
                    "Send it as a prompt if it should know.",
                    response.message,
                )
            )
    return effects


def _chosen(options: list[Option], response: PermissionResponse) -> Option | None:
    """The option that carries the answer; None: only `cancelled` can (a denial)."""
    allowing = isinstance(response, Allow)
    if isinstance(response, Allow) and (
        response.updated_input not in (UNSET, {}, None)
        or response.updated_permissions not in (UNSET, [], None)
    ):
        raise CannotAnswer(
            "input_unchangeable",
            "This program cannot be given changed arguments or rules; allow or deny it as it is.",
        )
    selected = response.selected_action_id
    if not isinstance(selected, UnsetType):
        for option in options:
            if option.id == selected:
                if allows(option) != allowing:
                    raise CannotAnswer(
                        "unknown_action", f"“{selected}” is not that kind of answer."
                    )
                return option
        if selected not in (PLAIN_ALLOW if allowing else PLAIN_DENY):
            raise CannotAnswer("unknown_action", f"This request has no answer “{selected}”.")
    wanted = ("allow_once",) if allowing else ("reject_once", "reject_always")
    for kind in wanted:
        for option in options:
            if option.kind == kind:
                return option
    if allowing:
        names = ", ".join(f"“{sanitise_line(o.name, 60)}”" for o in options if allows(o))
        raise CannotAnswer(
            "no_single_allow",
            f"This request cannot be allowed just once; choose an answer by name: {names}.",
        )
    return None


def cancel_all(core: Core, reason: str, tell: bool = True) -> list[Effect]:
    """Withdraws every open request; `tell`: and answers them as cancelled."""
    effects: list[Effect] = []
    for request_id, request in core.state.requests.items():
        if tell:
            effects.append(Send(core.peer.respond(request.rpc_id, CANCELLED)))
        effects.append(Withdrawn(request_id, reason))
    if effects:
        core.state.requests = {}
        core.touch()
    return effects


def withdraw_rpc(core: Core, rpc_id: Any) -> list[Effect]:
    """The program itself took a request back (`$/cancel_request`)."""
    for request_id, request in core.state.requests.items():
        if request.rpc_id == rpc_id:
            return _withdraw(core, request_id, CANCELLED, "The program took the request back.")
    return []


def check_changed(core: Core, record: CallRecord, piece: ToolPiece) -> list[Effect]:
    """T43: what is answered must be what was shown.

    A call that contradicts its open question is answered with no. One that only says more is asked
    anew, under a new id and with all of it.
    """
    for request_id, request in list(core.state.requests.items()):
        change = changes_shown(request, piece) if request.call_id == record.id else ""
        if change == "other" or (change and request.asks >= ASKS_LIMIT):
            return _deny_changed(core, request_id, request, record)
        if change:
            del core.state.requests[request_id]
            view, own = view_of(request.view, piece, adding=True)
            _with_words(view, piece)
            again = OpenRequest(
                request.rpc_id,
                request.call_id,
                request.options,
                view,
                {**facts_of(view), **request.facts},  # the older view has been clipped since
                list(dict.fromkeys([*own, *request.own])),
                request.asks + 1,
            )
            reason = "The program added to what it asks for; it is asked anew."
            return [Withdrawn(request_id, reason), _show(core, again)]
    return []


def _with_words(view: CallRecord, piece: ToolPiece) -> None:
    places = [place.get("path") for place in piece.locations or [] if isinstance(place, dict)]
    view.paths = list(dict.fromkeys([*view.paths, *(p for p in places if isinstance(p, str))]))
    view.kind, view.title = piece.kind or view.kind, piece.title or view.title


def _deny_changed(
    core: Core, request_id: str, request: OpenRequest, record: CallRecord
) -> list[Effect]:
    option = next((o for o in request.options if o.kind == "reject_once"), None)
    outcome: dict[str, Any] = CANCELLED
    if option is not None:
        outcome = {"outcome": {"outcome": "selected", "optionId": option.id}}
    record.denied = True
    record.refused = "Not allowed: the program changed what it asked for after it was shown."
    reason = "The program changed what it asks for after it was shown; it was told no."
    return [*_withdraw(core, request_id, outcome, reason), *core.noted("warning", reason)]


def _withdraw(core: Core, request_id: str, outcome: Any, reason: str) -> list[Effect]:
    request = core.state.requests.pop(request_id)
    core.touch()
    return [Send(core.peer.respond(request.rpc_id, outcome)), Withdrawn(request_id, reason)]
