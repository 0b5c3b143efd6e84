"""A request for permission as lines on which a person can decide: nothing cut, nothing hidden.

What will be done stands first, each of its lines behind `| `; what the agent merely says about it
stands last, behind `says: `, so that neither can pass for the other (T43). Pure. What is invisible
appears as escapes (T42).
"""

from __future__ import annotations

import msgspec

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    PlanDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    ToolDetail,
    WriteDetail,
)
from sereno.core.protocol.values import given
from sereno.tui.also_given import also_given, said_anew
from sereno.tui.cli.output import to_json
from sereno.tui.cli.questions import question_lines
from sereno.tui.cli.text import shown


def request_lines(
    request: PermissionRequest, indent: str = "", *, closed: bool = False
) -> list[str]:
    """The whole request: what will be done, with every argument; warnings, choices, words.

    Nothing is to be chosen in one that is `closed`.
    """
    lines = [f"{_flat(request.id)}  {_flat(request.kind)} {_flat(request.name)}"]
    lines += _body(request)
    extra = given(request.metadata, {}).get("sereno")
    warnings = extra.get("warnings") if isinstance(extra, dict) else None
    lines += [f"  ! {_flat(str(warning))}" for warning in warnings or ()]
    for action in [] if closed else given(request.actions, []):
        words = "covers more than this once" if given(action.standing, False) else action.behavior
        lines.append(f"  --action {_flat(action.id)}: {_flat(action.label)} ({words})")
    said = said_anew(given(request.description, ""), also_given(request))
    for text in (given(request.title, ""), said):
        lines += [f"  says: {line}" for line in shown(text).split("\n") if line.strip()]
    return [indent + line for line in lines]


def _flat(text: str) -> str:
    """For one line: a line end would begin a line that looks like ours."""
    return shown(text).replace("\n", "\\n")


def _marked(text: str) -> list[str]:
    return ["  | " + line for line in shown(text).rstrip("\n").split("\n")]


def _body(request: PermissionRequest) -> list[str]:
    """What will be done; then every argument that this was not made of."""
    detail = given(request.detail, None)
    lines = [] if detail is None else _detail(detail)
    asked = question_lines(request)
    lines += asked
    for name, value in also_given(request):
        if asked and name == "questions":
            continue
        text = value if isinstance(value, str) else to_json(value)
        first, *rest = shown(text).split("\n")
        lines.append(f"  also given {_flat(name)}: {first}")
        lines += ["  | " + line for line in rest]
    return lines


def _detail(detail: ToolDetail) -> list[str]:
    match detail:
        case ShellDetail():
            where = given(detail.cwd, "")
            return [*_marked(detail.command), *([f"  in {_flat(where)}"] if where else [])]
        case EditDetail():
            diff = given(detail.unified_diff, "")
            if not diff:
                old, new = given(detail.old_string, ""), given(detail.new_string, "")
                removed = [f"-{line}" for line in old.split("\n")] if old else []
                added = [f"+{line}" for line in new.split("\n")] if new else []
                diff = "\n".join((*removed, *added))
            return [f"  file {_flat(detail.file_path)}", *(_marked(diff) if diff else [])]
        case WriteDetail():
            content = given(detail.content, "")
            return [f"  file {_flat(detail.file_path)}", *(_marked(content) if content else [])]
        case ReadDetail():
            return [f"  file {_flat(detail.file_path)}"]
        case FetchDetail():
            prompt = given(detail.prompt, "")
            return [f"  fetch {_flat(detail.url)}", *(_marked(prompt) if prompt else [])]
        case SearchDetail():
            return [f"  search {_flat(detail.query)}"]
        case PlanDetail():
            return _marked(detail.text)
        case PlainTextDetail():
            parts = (given(detail.label, ""), given(detail.text, ""))
            return [line for part in parts if part for line in _marked(part)]
        case _:
            return _marked(to_json(msgspec.to_builtins(detail), indent=2))
