"""Requests for permission: what the person is shown, and how the answer goes back (T42, T43).

A plain allow is only ever an `allow_once`; anything standing must be chosen by name. What the
protocol cannot carry (changed arguments, reasons) is refused or said, never dropped in silence.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from sereno.core.protocol.permissions import (
    Allow,
    Deny,
    PermissionAction,
    PermissionKind,
    PermissionRequest,
    PermissionResponse,
)
from sereno.core.protocol.tools import PlanDetail, ToolDetail
from sereno.core.protocol.values import UNSET, UnsetType
from sereno.core.providers.acp.calls import emit_call, merge_call
from sereno.core.providers.acp.content import blocks_text
from sereno.core.providers.acp.details import command_of, detail_of, diffs_of, path_of, url_of
from sereno.core.providers.acp.pieces import piece_of
from sereno.core.providers.acp.state import CallRecord, Core, OpenRequest, Option
from sereno.core.providers.driver import CannotAnswer
from sereno.core.providers.effects import Asked, Diagnostic, Effect, Send, Withdrawn
from sereno.core.security.sanitise import (
    mixed_scripts,
    reveal,
    reveal_value,
    sanitise_line,
)

__all__ = ["answer", "ask", "cancel_all", "withdraw_changed", "withdraw_rpc"]

CANCELLED = {"outcome": {"outcome": "cancelled"}}
PLAIN_ALLOW = frozenset({"accept", "allow", "approve"})
PLAIN_DENY = frozenset({"reject", "deny"})
"""Action ids that clients send where they saw no actions (wire reference 6.8)."""

_TITLES = {
    "shell": "Run command",
    "read": "Read file",
    "edit": "Edit file",
    "write": "Write file",
    "search": "Search",
    "fetch": "Fetch from the network",
    "sub_agent": "Start a sub-agent",
    "plan": "Approve the plan",
}


def ask(core: Core, rpc_id: Any, params: dict[str, Any]) -> list[Effect]:
    """A request from the program: the call's item, then Asked. Cancelled if a cancel is out."""
    options = _options(params.get("options"))
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
    core.state.asked += 1
    core.touch()
    request_id = f"perm-{core.setup.run}-{core.state.asked}"
    core.state.requests[request_id] = OpenRequest(rpc_id, record.id, options, _shown(record))
    request = _request(core, request_id, record, options)
    return [*emit_call(core, record), Asked(request)]


def _options(raw: Any) -> list[Option]:
    found = []
    for option in raw if isinstance(raw, list) else []:
        if isinstance(option, dict) and isinstance(option.get("optionId"), str):
            name, kind = option.get("name"), option.get("kind")
            kind = kind if isinstance(kind, str) else ""
            found.append(Option(option["optionId"], kind, str(name or option["optionId"])))
    return found


def _request(
    core: Core, request_id: str, record: CallRecord, options: list[Option]
) -> PermissionRequest:
    detail = detail_of(record, reveal)
    tag = detail.__struct_config__.tag
    name = sanitise_line(record.name or {"execute": "shell"}.get(record.kind, record.kind), 80)
    description = _description(record, detail)
    return PermissionRequest(
        id=request_id,
        provider=core.identity.provider,
        name=name or "tool",
        kind=_kind(record, detail),
        title=_TITLES.get(str(tag), f"Use the tool {name or 'tool'}"),
        description=description or UNSET,
        input=reveal_value(record.raw_input) if record.raw_input else UNSET,
        detail=detail,
        actions=[_action(option) for option in options],
        metadata=_metadata(record, detail),
    )


def _kind(record: CallRecord, detail: ToolDetail) -> PermissionKind:
    if isinstance(detail, PlanDetail):
        return "plan"
    return "mode" if record.kind == "switch_mode" else "tool"


def _description(record: CallRecord, detail: ToolDetail) -> str:
    """What the program says of the call beside its arguments: a title, words before it runs."""
    told = {getattr(detail, key, "") for key in ("command", "file_path", "label", "url")}
    words = [reveal(record.title[:2_000])]
    if record.status == "pending":
        words.append(reveal(blocks_text(record.content)[:2_000]))
    return "\n".join(dict.fromkeys(each for each in words if each and each not in told))


def _metadata(record: CallRecord, detail: ToolDetail) -> dict[str, Any]:
    shown = _shown(record)
    raw = msgspec.json.encode([record.raw_input, shown], order="sorted")
    suspects = [word for text in (*shown.values(), record.title) for word in mixed_scripts(text)]
    warnings = [
        f"“{reveal(word)}” mixes letters of different scripts that look alike"
        for word in dict.fromkeys(suspects)
    ][:5]
    extra: dict[str, Any] = {"argumentsHash": hashlib.sha256(raw).hexdigest()}
    if warnings:
        extra["warnings"] = warnings
    metadata: dict[str, Any] = {"sereno": extra}
    if isinstance(detail, PlanDetail):
        metadata["planText"] = detail.text
    return metadata


def _action(option: Option) -> PermissionAction:
    allows = _allows(option)
    standing = option.kind.endswith("_always")
    variant = "primary" if option.kind == "allow_once" else "secondary"
    return PermissionAction(
        id=option.id,
        label=sanitise_line(reveal(option.name), 120),
        behavior="allow" if allows else "deny",
        variant="danger"
        if standing and allows
        else ("primary" if variant == "primary" else "secondary"),
        standing=True if standing else UNSET,
    )


def _allows(option: Option) -> bool:
    """An option of an unknown kind counts as one that allows: it is never chosen for a denial."""
    return not option.kind.startswith("reject")


def _shown(record: CallRecord) -> dict[str, str]:
    """What decides the effect of the call, raw: command, paths, new texts, address."""
    shown = {"command": command_of(record), "path": path_of(record), "url": url_of(record)}
    for path, _, new in diffs_of(record):
        shown[f"diff {path}"] = hashlib.sha256(new.encode()).hexdigest()
    return {key: value for key, value in shown.items() if value}


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
                if _allows(option) != allowing:
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
        names = ", ".join(f"“{sanitise_line(o.name, 60)}”" for o in options if _allows(o))
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


def withdraw_changed(core: Core, record: CallRecord) -> list[Effect]:
    """T43: if the call is now another than the person was shown, the answer is no."""
    now: dict[str, str] | None = None
    for request_id, request in core.state.requests.items():
        if request.call_id != record.id:
            continue
        now = _shown(record)
        if any(now.get(key, value) != value for key, value in request.shown.items()):
            option = next((o for o in request.options if o.kind == "reject_once"), None)
            outcome: dict[str, Any] = CANCELLED
            if option is not None:
                outcome = {"outcome": {"outcome": "selected", "optionId": option.id}}
            record.denied = True
            reason = "The program changed what it asks for after it was shown; it was told no."
            return [
                *_withdraw(core, request_id, outcome, reason),
                *core.noted("warning", reason),
            ]
    return []


def _withdraw(core: Core, request_id: str, outcome: Any, reason: str) -> list[Effect]:
    request = core.state.requests.pop(request_id)
    core.touch()
    return [Send(core.peer.respond(request.rpc_id, outcome)), Withdrawn(request_id, reason)]
