"""A request for permission as lines on which a person can decide: nothing cut, nothing hidden.

Pure. What is invisible in a command or path appears as escapes (T42).
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.tools import EditDetail, ShellDetail, ToolDetail, WriteDetail
from sereno.core.protocol.values import UnsetType, given
from sereno.tui.cli.output import to_json
from sereno.tui.cli.text import shown


def request_lines(request: PermissionRequest, indent: str = "") -> list[str]:
    """The whole request: title, what will be done, warnings, and the choices beyond yes and no."""
    lines = [f"{request.id}  {shown(given(request.title, '') or request.name)}"]
    description = given(request.description, "")
    if description:
        lines += _indented(description)
    lines += _body(request)
    extra = given(request.metadata, {}).get("sereno")
    warnings = extra.get("warnings") if isinstance(extra, dict) else None
    lines += [f"  ! {shown(str(warning))}" for warning in warnings or ()]
    for action in given(request.actions, []):
        words = "covers more than this once" if given(action.standing, False) else action.behavior
        lines.append(f"  --action {shown(action.id)}: {shown(action.label)} ({words})")
    return [indent + line for line in lines]


def _indented(text: str) -> list[str]:
    return ["    " + line for line in shown(text).rstrip("\n").split("\n")]


def _body(request: PermissionRequest) -> list[str]:
    detail = request.detail
    if not isinstance(detail, UnsetType):
        known = _detail(detail)
        if known:
            return known
    given_input: dict[str, Any] = given(request.input, {})
    return _indented(to_json(given_input, indent=2)) if given_input else []


def _detail(detail: ToolDetail) -> list[str]:
    match detail:
        case ShellDetail():
            where = given(detail.cwd, "")
            return [*_indented(detail.command), *([f"    in {shown(where)}"] if where else [])]
        case EditDetail():
            diff = given(detail.unified_diff, "")
            if not diff:
                old, new = given(detail.old_string, ""), given(detail.new_string, "")
                removed = [f"-{line}" for line in old.split("\n")] if old else []
                added = [f"+{line}" for line in new.split("\n")] if new else []
                diff = "\n".join((*removed, *added))
            return [f"    {shown(detail.file_path)}", *(_indented(diff) if diff else [])]
        case WriteDetail():
            content = given(detail.content, "")
            return [f"    {shown(detail.file_path)}", *(_indented(content) if content else [])]
        case _:
            return []
