"""What a person is shown of a request of Codex: everything, and nothing hidden (T42, T43). Pure.

One function for each kind of request; all of them list the full arguments. Not here: answers
(answers.py), which requests are open (approvals.py).
"""

from __future__ import annotations

import hashlib
import shlex
from typing import Any

import msgspec

from sereno.core.protocol.permissions import PermissionAction, PermissionKind, PermissionRequest
from sereno.core.protocol.tools import (
    PlainTextDetail,
    PlanDetail,
    ShellDetail,
    ToolDetail,
    UnknownDetail,
)
from sereno.core.protocol.values import UNSET
from sereno.core.providers.codex.children import child_name
from sereno.core.providers.codex.details import changes_of, detail_of, name_of, unwrapped
from sereno.core.providers.codex.plans import PLAN, plan_actions
from sereno.core.providers.codex.questions import form_questions, input_questions
from sereno.core.providers.codex.state import Core, OpenRequest
from sereno.core.providers.codex.values import as_dict, as_dicts, as_text, as_texts
from sereno.core.providers.common.bounds import clip
from sereno.core.security.sanitise import mixed_scripts, reveal, reveal_value, sanitise_line

__all__ = [
    "ALWAYS",
    "AMENDMENT",
    "NETWORK",
    "action",
    "facts_of",
    "is_tool_approval",
    "request_of",
    "takes_words",
]

AMENDMENT = "acceptWithExecpolicyAmendment"
NETWORK = "applyNetworkPolicyAmendment"
ALWAYS = "acceptForever"
SHOWN_LIMIT = 1024 * 1024
"""Characters of one text that a view shows in full; beyond, it says that it does not."""

_HIDDEN = frozenset(
    {"threadId", "turnId", "itemId", "startedAtMs", "availableDecisions", "_meta"}
    | {"commandActions"}
)
"""What says nothing to a person, or repeats the command."""
RULE_SHOWN = 100
"""Characters of a rule that its button shows whole; a longer one also stands in the arguments."""
RULE_LIMIT = 32 * 1024
_USUAL = {"kind": "command", "environmentId": "local"}
_NO_CHANGE = "Codex did not say what it wants to change"


class View(msgspec.Struct):
    """The parts of a view that differ by kind."""

    name: str
    kind: PermissionKind
    title: str
    input: dict[str, Any]
    actions: list[PermissionAction]
    words: str = ""
    detail: ToolDetail | None = None
    warnings: list[str] = []


def request_of(core: Core, request_id: str, request: OpenRequest) -> PermissionRequest:
    """The request as clients get it."""
    view = _view(core, request)
    asker = child_name(core, request.thread_id)
    words = [f"Asked by the sub-agent “{asker}”." if asker else "", reveal(clip(view.words, 4_000))]
    extra: dict[str, Any] = {"argumentsHash": facts_of(core, request)}
    if request.item_id:
        extra["callId"] = request.item_id
    if not takes_words(request):
        extra["takesWords"] = False
    warnings = [*view.warnings, *_warnings(view.input)]
    if warnings:
        extra["warnings"] = warnings
    metadata: dict[str, Any] = {"sereno": extra}
    if isinstance(view.detail, PlanDetail):
        metadata["planText"] = view.detail.text
    return PermissionRequest(
        id=request_id,
        provider=core.identity.provider,
        name=sanitise_line(view.name, 80) or "tool",
        kind=view.kind,
        title=sanitise_line(reveal(view.title), 200),
        description="\n".join(word for word in words if word) or UNSET,
        input=reveal_value(_shown(view.input)),
        detail=UNSET if view.detail is None else view.detail,
        actions=view.actions or UNSET,
        metadata=metadata,
    )


def takes_words(request: OpenRequest) -> bool:
    """Whether the agent can be told why not: words go into a turn (or, after a plan, begin one),
    and some requests name none.
    """
    return request.method == PLAN or bool(request.turn_id)


def facts_of(core: Core, request: OpenRequest) -> str:
    """A checksum of everything that decides what an answer allows."""
    given = _view(core, request).input
    return hashlib.sha256(msgspec.json.encode(given, order="sorted")).hexdigest()


def _view(core: Core, request: OpenRequest) -> View:
    match request.method:
        case "item/commandExecution/requestApproval":
            return _command(core, request)
        case "item/fileChange/requestApproval":
            return _change(core, request)
        case "item/permissions/requestApproval":
            return _permissions(request)
        case "item/tool/requestUserInput":
            return _questions(request)
        case name if name == PLAN:
            text = as_text(request.params.get("plan"))
            plan = PlanDetail(text=_reveal(text))
            return View(
                "plan", "plan", "Implement the plan?", {"plan": text}, plan_actions(), "", plan
            )
        case _:
            return _elicitation(request)


def _command(core: Core, request: OpenRequest) -> View:
    params = request.params
    given = {key: value for key, value in _given(params).items() if key not in _RULES}
    given |= _long_rules(params)
    record = core.state.items.get(request.item_id)
    command = as_text(params.get("command"))
    if not command and record is not None:
        command = as_text(record.item.get("command"))
        given["command"] = command
    cwd, host = as_text(params.get("cwd")), as_text(_network(params).get("host"))
    title = "Run command"
    if params.get("kind") == "writeStdin":
        title = "Send input to a running command"
    elif host:
        title = f"Allow network access to {host}"
    return View(
        "shell",
        "tool",
        title,
        given,
        _command_actions(params),
        as_text(params.get("reason")),
        ShellDetail(command=_reveal(unwrapped(command)), cwd=_reveal(cwd) if cwd else UNSET),
        [] if command or host else ["Codex did not say which command it wants to run"],
    )


def _given(params: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a request that a person should see: all but bookkeeping."""
    return {
        key: value
        for key, value in params.items()
        if key not in _HIDDEN and value is not None and _USUAL.get(key) != value
    }


def _network(params: dict[str, Any]) -> dict[str, Any]:
    return as_dict(params.get("networkApprovalContext"))


def _command_actions(params: dict[str, Any]) -> list[PermissionAction]:
    """What Codex offers. For this session and a plain no are taken also where it names neither."""
    listed = params.get("availableDecisions")
    offers = listed if isinstance(listed, list) and listed else ["accept", "decline", "cancel"]
    kind, host = params.get("kind"), as_text(_network(params).get("host"))
    actions = [action("accept", "Allow once", True)] if "accept" in offers else []
    if "acceptForSession" in offers or kind in (None, "command"):
        label = f"Allow {host} for this session" if host else "Allow this for the whole session"
        actions.append(action("acceptForSession", label, True, standing=True))
    prefix = as_texts(params.get("proposedExecpolicyAmendment"))
    short = len(shlex.join(prefix)) <= RULE_LIMIT
    if (
        prefix
        and short
        and (listed is None or any(AMENDMENT in as_dict(offer) for offer in offers))
    ):
        label = f"Always allow commands that begin with `{shlex.join(prefix)}`"
        actions.append(action(AMENDMENT, label, True, standing=True))
    for number, rule in enumerate(as_dicts(params.get("proposedNetworkPolicyAmendments"))):
        if rule.get("action") not in ("allow", "deny") or len(as_text(rule.get("host"))) > 1_000:
            continue
        allows = rule.get("action") == "allow"
        label = f"Always {'allow' if allows else 'deny'} network access to {rule.get('host')}"
        actions.append(action(f"{NETWORK}-{number}", label, allows, standing=True))
    return [*actions, *_denials()]


_RULES = ("proposedExecpolicyAmendment", "proposedNetworkPolicyAmendments")


def _long_rules(params: dict[str, Any]) -> dict[str, Any]:
    """The rules that do not stand on their buttons whole."""
    rules = [shlex.join(as_texts(params.get(_RULES[0])))]
    rules += [as_text(rule.get("host")) for rule in as_dicts(params.get(_RULES[1]))]
    if all(len(rule) <= RULE_SHOWN for rule in rules):
        return {}
    return {key: params[key] for key in _RULES if params.get(key)}


def _denials() -> list[PermissionAction]:
    return [action("decline", "Deny", False), action("cancel", "Deny and stop the turn", False)]


def action(action_id: str, label: str, allows: bool, *, standing: bool = False) -> PermissionAction:
    """A button; what allows more than once looks dangerous, because it is."""
    primary = allows and not standing
    return PermissionAction(
        id=action_id,
        label=sanitise_line(reveal(label), 160),
        behavior="allow" if allows else "deny",
        variant="danger" if allows and standing else ("primary" if primary else "secondary"),
        standing=True if standing else UNSET,
        lasts="session" if action_id == "acceptForSession" else UNSET,
    )


def _change(core: Core, request: OpenRequest) -> View:
    """The request has only the id of the item: what it changes was said before (or is said yet)."""
    record = core.state.items.get(request.item_id)
    item = record.item if record is not None else {}
    given = _given(request.params)
    given["changes"] = changes_of(item)
    known = bool(given["changes"])
    root = as_text(request.params.get("grantRoot"))
    what = f"writing below {root}" if root else "changes of these files"
    return View(
        name_of(item) if known else "edit",
        "tool",
        "Write file" if known and name_of(item) == "write" else "Edit file",
        given,
        [
            action("accept", "Allow once", True),
            action("acceptForSession", f"Allow {what} for the whole session", True, standing=True),
            *_denials(),
        ],
        as_text(request.params.get("reason")),
        detail_of(item, "", _reveal) if known else None,
        [] if known else [_NO_CHANGE],
    )


def _permissions(request: OpenRequest) -> View:
    params = request.params
    given = _given(params)
    asked = reveal_value(params.get("permissions"))
    return View(
        "permissions",
        "tool",
        "Grant more permissions",
        given,
        [
            action("accept", "Allow for this turn", True),
            action("acceptForSession", "Allow for the whole session", True, standing=True),
            action("decline", "Deny", False),
        ],
        as_text(params.get("reason")),
        UnknownDetail(input=asked, output=None),
    )


def _questions(request: OpenRequest) -> View:
    asked = input_questions(request.params)
    title = asked[0]["question"] if len(asked) == 1 else "Codex has questions"
    return View("question", "question", title, {"questions": asked}, [])


def _elicitation(request: OpenRequest) -> View:
    params = request.params
    server, message = as_text(params.get("serverName")), as_text(params.get("message"))
    if is_tool_approval(params):
        return _tool_approval(request, server, message)
    asked = form_questions(params.get("requestedSchema"))
    if asked:
        given: dict[str, Any] = {"questions": asked, "serverName": server}
        return View("question", "question", f"{server} asks", given, [], message)
    given = _given(params)
    url = as_text(params.get("url"))
    label = "I have opened it" if url else "Accept"
    actions = [action("accept", label, True), action("decline", "Decline", False)]
    detail = PlainTextDetail(label=_reveal(url or message), icon="wrench")
    return View("mcp", "other", f"{server} asks", given, actions, message, detail)


def is_tool_approval(params: dict[str, Any]) -> bool:
    """Codex asks for leave to use a tool of an MCP server in this form."""
    return as_dict(params.get("_meta")).get("codex_approval_kind") == "mcp_tool_call"


def _tool_approval(request: OpenRequest, server: str, message: str) -> View:
    meta = as_dict(request.params.get("_meta"))
    record_name = as_text(meta.get("tool_name")) or as_text(meta.get("tool_title"))
    given = {
        "serverName": server,
        "message": message,
        "tool": record_name,
        "arguments": meta.get("tool_params"),
    }
    persist = meta.get("persist")
    offers = [persist] if isinstance(persist, str) else as_texts(persist)
    actions = [action("accept", "Allow once", True)]
    if "session" in offers:
        label = "Allow this tool for the whole session"
        actions.append(action("acceptForSession", label, True, standing=True))
    if "always" in offers:
        actions.append(action(ALWAYS, "Always allow this tool", True, standing=True))
    actions.append(action("decline", "Deny", False))
    description = as_text(meta.get("tool_description"))
    words = "\n".join(word for word in (message, description) if word)
    detail = UnknownDetail(input=reveal_value(meta.get("tool_params")), output=None)
    name = f"{server}.{record_name}" if record_name else server
    return View(name, "tool", f"Use a tool of {server}", given, actions, words, detail)


def _reveal(text: str) -> str:
    return reveal(clip(text, SHOWN_LIMIT))


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return clip(value, SHOWN_LIMIT)
    if isinstance(value, dict):
        return {key: _shown(part) for key, part in value.items()}
    return [_shown(part) for part in value] if isinstance(value, list) else value


def _warnings(given: dict[str, Any]) -> list[str]:
    texts = _strings(given)
    words = dict.fromkeys(word for text in texts for word in mixed_scripts(text[:2_000]))
    found = [f"“{reveal(w)}” mixes letters of different scripts that look alike" for w in words][:5]
    if any(len(text) > SHOWN_LIMIT for text in texts):
        found.insert(0, "It is too long to be shown in full; what is left out is marked")
    return found


def _strings(value: Any, depth: int = 8) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in inner for text in _strings(part, depth - 1)] if depth else []
