"""The arguments of a request that its detail does not show: they could be what matters (T43).

One rule for the request panel and for `sereno permit`. Pure; how it is drawn is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

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
from sereno.core.protocol.values import UNSET, given
from sereno.tui.also_given_changes import changes_left

__all__ = ["also_given", "said_anew"]

_COMMAND: Final = ("command", "cmd")
_FOLDER: Final = ("cwd", "workdir", "working_directory")
_PATH: Final = ("path", "file_path", "filePath", "filepath", "file", "abs_path")
_OLD: Final = ("old_string", "oldString", "oldText", "old_str")
_NEW: Final = ("new_string", "newString", "newText", "new_str")
_DIFF: Final = ("diff", "unified_diff", "unifiedDiff", "patch")
_CONTENT: Final = ("content", "contents", "text")
_URL: Final = ("url", "uri")
_PROMPT: Final = ("prompt",)
_QUERY: Final = ("query", "pattern")
_PLAN: Final = ("plan", "text")


def also_given(request: PermissionRequest) -> list[tuple[str, Any]]:
    """Name and value of every argument that the detail was not made of, in the agent's order.

    An argument counts as shown only under a name that stands for a field of the detail, and only
    with exactly that field's value: never because its text happens to occur somewhere.
    """
    values = given(request.input, {})
    detail = given(request.detail, None)
    shown = dict(_shown(detail))
    left = [
        (name, value)
        for name, value in values.items()
        if name not in shown or type(value) is not type(shown[name]) or value != shown[name]
    ]
    changes = changes_left(detail, values.get("changes"))
    if changes is None:
        return left
    return [
        (name, changes if name == "changes" else value)
        for name, value in left
        if name != "changes" or changes
    ]


def said_anew(text: str, left: Iterable[tuple[str, Any]]) -> str:
    """The agent's words without the argument with which they begin, where that is shown anyway."""
    for _, value in left:
        if isinstance(value, str) and value.strip() and f"{text}\n".startswith(f"{value}\n"):
            return text[len(value) + 1 :]
    return text


def _shown(detail: ToolDetail | None) -> Iterable[tuple[str, Any]]:
    """The argument names that stand for a field of the detail, with the value that is shown."""
    match detail:
        case ShellDetail() as it:
            fields = [(_COMMAND, it.command), (_FOLDER, it.cwd)]
        case EditDetail() as it:
            fields = [(_PATH, it.file_path)]
            if it.unified_diff is UNSET:
                fields += [(_OLD, it.old_string), (_NEW, it.new_string)]
            else:
                fields += [(_DIFF, it.unified_diff)]
        case WriteDetail() as it:
            fields = [(_PATH, it.file_path), (_CONTENT, it.content)]
        case ReadDetail() as it:
            fields = [(_PATH, it.file_path)]
        case FetchDetail() as it:
            fields = [(_URL, it.url), (_PROMPT, it.prompt)]
        case SearchDetail() as it:
            fields = [(_QUERY, it.query)]
        case PlanDetail() as it:
            fields = [(_PLAN, it.text)]
        case PlainTextDetail() as it:
            fields = [(_CONTENT, it.text)]
        case _:
            fields = []
    return [(name, value) for names, value in fields if value is not UNSET for name in names]
