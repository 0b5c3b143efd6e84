"""File changes of Codex: a diff that shows them is enough; what it does not show stays (T43)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.tools import EditDetail
from sereno.core.providers.codex.details import detail_of
from sereno.tui.also_given import also_given, said_anew
from sereno.tui.cli.permits import request_lines
from sereno.tui.widgets.request_panel_text import asked_text

UPDATE = {"path": "/r/a.py", "kind": {"type": "update", "move_path": None}, "diff": "@@ -1 +1 @@\n-a\n+b"}  # fmt: skip # noqa: E501
MOVE = {**UPDATE, "kind": {"type": "update", "move_path": "/etc/b.py"}}
ADD = {"path": "/r/new", "kind": {"type": "add"}, "diff": "one\n\ntwo"}
DELETE = {"path": "/r/old", "kind": {"type": "delete"}, "diff": "gone\n"}
EMPTY = {"path": "/r/empty", "kind": {"type": "add"}, "diff": ""}
LARGE = {**ADD, "diff": "line\n" * 3_000}


def asked(*changes: dict[str, Any], **more: Any) -> PermissionRequest:
    """As the driver of Codex makes it."""
    detail = detail_of({"type": "fileChange", "changes": list(changes)}, "", str)
    values = {"changes": list(changes), **more}
    return PermissionRequest(
        id="1", provider="codex", name="edit", kind="tool", input=values, detail=detail
    )


def named(change: dict[str, Any]) -> dict[str, Any]:
    return {"path": change["path"], "kind": change["kind"]}


@pytest.mark.parametrize("changes", [[UPDATE], [ADD], [LARGE], [UPDATE, MOVE], [MOVE]])
def test_what_the_diff_shows_is_not_given_again(changes: list[dict[str, Any]]) -> None:
    request = asked(*changes)
    assert also_given(request) == []
    assert "changes:" not in "\n".join(line.text for line in asked_text(request))
    assert "also given" not in "\n".join(request_lines(request))


@pytest.mark.parametrize(
    "changes", [[DELETE], [UPDATE, ADD], [LARGE, DELETE], [UPDATE, EMPTY], [EMPTY, DELETE]]
)
def test_t43_that_a_file_is_made_or_goes_is_said(changes: list[dict[str, Any]]) -> None:
    whole = [named(change) for change in changes if change["kind"]["type"] != "update"]
    assert also_given(asked(*changes)) == [("changes", whole)]


@pytest.mark.parametrize(
    "change",
    [
        {**UPDATE, "mode": "0777"},
        {**UPDATE, "kind": {"type": "update", "move_path": None, "force": True}},
        {**UPDATE, "kind": {"type": "link"}},
        {**UPDATE, "diff": "--- /r/x\n+++ /r/x\n@@ -1 +1 @@\n-a\n+b\n"},
        {**ADD, "kind": {"type": "add", "move_path": "/etc/x"}},
    ],
)
def test_t43_a_change_with_anything_more_stays_whole(change: dict[str, Any]) -> None:
    assert also_given(asked(change)) == [("changes", [change])]
    assert also_given(asked(UPDATE, change)) == [("changes", [UPDATE, change])]


def test_t43_changes_that_are_not_those_of_the_diff_stay() -> None:
    request = asked(UPDATE, grantRoot="/r")
    assert also_given(request) == [("grantRoot", "/r")]
    assert isinstance(request.detail, EditDetail)
    request.detail = EditDetail(file_path="/r/a.py", unified_diff="@@ -1 +1 @@\n-a\n+c\n")
    assert also_given(request) == [("changes", [UPDATE]), ("grantRoot", "/r")]
    request = asked(UPDATE)
    assert isinstance(request.detail, EditDetail)
    request.detail = msgspec.structs.replace(request.detail, file_path="/r/other")
    assert also_given(request) == [("changes", [UPDATE])]


def test_words_that_stand_as_an_argument_are_not_said_again() -> None:
    left = [("timeout", 5), ("description", "List the files")]
    assert said_anew("List the files\nA sub-agent asks.", left) == "A sub-agent asks."
    assert said_anew("List the files", left) == ""
    assert said_anew("List the files and delete them", left) == "List the files and delete them"
    request = asked(UPDATE, description="Mend the test")
    request.description = "Mend the test"
    lines = "\n".join(line.text for line in asked_text(request))
    assert lines.count("Mend the test") == 1
    assert "\n".join(request_lines(request)).count("Mend the test") == 1
