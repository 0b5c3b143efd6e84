"""What a diff does not show of the file changes that it was made of (T43). Pure.

Codex names several changes in one argument; the detail shows them as one difference. Rebuilt from
the argument, that has to be the very text that is shown: else all of the argument stays.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.tools import EditDetail, ToolDetail, WriteDetail

__all__ = ["changes_left"]

LINES_LIMIT = 2_000
"""From here on the driver writes the head of a hunk in another form."""


def changes_left(detail: ToolDetail | None, changes: Any) -> list[dict[str, Any]] | None:
    """Of each change what the detail leaves open: that a file is made or removed, without its
    text. None where anything of the argument is not shown, or it is of another form.
    """
    if not isinstance(changes, list) or not changes or not all(map(_is_plain, changes)):
        return None
    first = changes[0]
    match detail:
        case WriteDetail(file_path=path, content=str() as content) if len(changes) == 1:
            same = (first["path"], first["diff"], _type(first)) == (path, content, "add")
            return [] if same else None
        case EditDetail(unified_diff=str() as shown):
            more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
            if detail.file_path != first["path"] + more:
                return None
            if "".join(_difference(change) for change in changes) != shown:
                return None
            return [
                {"path": change["path"], "kind": change["kind"]}
                for change in changes
                if _type(change) != "update"
            ]
        case _:
            return None


def _is_plain(change: Any) -> bool:
    """Whether nothing is in it but a path, a difference and a kind, of forms that are known."""
    if not isinstance(change, dict) or set(change) != {"path", "diff", "kind"}:
        return False
    kind = change["kind"]
    if not isinstance(kind, str) and not (
        isinstance(kind, dict) and set(kind) <= {"type", "move_path"}
    ):
        return False
    texts = isinstance(change["path"], str) and isinstance(change["diff"], str)
    if not texts or _type(change) not in ("add", "delete", "update"):
        return False
    moved = _moved(change)
    if _type(change) == "update":
        # A head of its own could name other files than the change does.
        own_head = change["diff"].startswith(("--- ", "diff "))
        return not own_head and (moved is None or isinstance(moved, str))
    return moved is None


def _type(change: dict[str, Any]) -> Any:
    kind = change["kind"]
    return kind if isinstance(kind, str) else kind.get("type")


def _moved(change: dict[str, Any]) -> Any:
    kind = change["kind"]
    return None if isinstance(kind, str) else kind.get("move_path")


def _difference(change: dict[str, Any]) -> str:
    """As the driver shows it (core/providers/codex/details.py); the tests compare the two."""
    path, diff = str(change["path"]), str(change["diff"])
    match _type(change):
        case "add":
            return _whole(path, diff, "+") or f"--- {path}\n+++ {path}\n"
        case "delete":
            return _whole(path, diff, "-") or f"--- {path}\n+++ /dev/null\n"
    head = f"--- {path}\n+++ {_moved(change) or path}\n"
    return head + diff + ("" if diff.endswith("\n") else "\n")


def _whole(path: str, text: str, sign: str) -> str:
    """A file that is new, or goes, as one hunk."""
    if not text:
        return ""
    lines = text.removesuffix("\n").split("\n")
    span = f"1,{len(lines)}"
    none = "0,0" if len(lines) <= LINES_LIMIT else "1,0"
    old, new = (none, span) if sign == "+" else (span, none)
    body = "".join(f"{sign}{line}\n" for line in lines)
    return f"--- {path}\n+++ {path}\n@@ -{old} +{new} @@\n{body}"
