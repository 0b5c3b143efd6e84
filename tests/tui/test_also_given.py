"""Arguments beside the detail of a request: each is shown unless the detail was made of it."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlanDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    SubAgentDetail,
    ToolDetail,
    UnknownDetail,
    WriteDetail,
)
from sereno.tui.also_given import also_given
from sereno.tui.widgets.request_panel_text import asked_text


def request(detail: ToolDetail | None, **values: Any) -> PermissionRequest:
    asked = PermissionRequest(id="1", provider="demo", name="tool", kind="tool", input=values)
    if detail is not None:
        asked.detail = detail
    return asked


def shown(asked: PermissionRequest) -> str:
    return "\n".join(line.text for line in asked_text(asked))


def test_t43_an_argument_whose_text_occurs_elsewhere_is_shown_all_the_same() -> None:
    asked = request(
        ShellDetail(command="ls /home/u/proj"),
        command="ls /home/u/proj", sandbox="ls", root="/", env={"PATH": "/"}, quiet=False, note="",
    )  # fmt: skip
    left = [
        ("sandbox", "ls"),
        ("root", "/"),
        ("env", {"PATH": "/"}),
        ("quiet", False),
        ("note", ""),
    ]
    assert also_given(asked) == left
    for words in ("sandbox: ls", "root: /", 'env: {"PATH": "/"}', "quiet: false"):
        assert words in shown(asked)


@pytest.mark.parametrize(
    ("detail", "values"),
    [
        (ShellDetail(command="ls", cwd="/p"), {"command": "ls", "cwd": "/p"}),
        (WriteDetail(file_path="a", content="x"), {"path": "a", "content": "x"}),
        (ReadDetail(file_path="a"), {"file_path": "a"}),
        (
            EditDetail(file_path="a", old_string="x", new_string="y"),
            {"path": "a", "old_string": "x", "new_string": "y"},
        ),
        (FetchDetail(url="http://x", prompt="p"), {"url": "http://x", "prompt": "p"}),
        (SearchDetail(query="q"), {"pattern": "q"}),
        (PlanDetail(text="p"), {"plan": "p"}),
    ],
)
def test_what_the_detail_was_made_of_is_not_repeated(
    detail: ToolDetail, values: dict[str, Any]
) -> None:
    assert also_given(request(detail, **values)) == []
    assert "also given" not in shown(request(detail, **values))
    for name in values:
        other = {**values, name: "something else"}
        assert also_given(request(detail, **other)) == [(name, "something else")]


def test_t43_a_value_of_another_type_is_not_the_same() -> None:
    assert also_given(request(ShellDetail(command="1"), command=1)) == [("command", 1)]
    assert also_given(request(ShellDetail(command="ls"), command=["ls"])) == [("command", ["ls"])]


def test_t43_a_call_of_an_unknown_kind_shows_all_it_has() -> None:
    sql = UnknownDetail(input={"sql": "drop table users"}, output=None)
    assert "drop table users" in shown(request(sql))
    assert "drop table users" in shown(request(sql, sql="drop table users"))
    assert "drop table users" in shown(request(None, sql="drop table users"))
    agent = SubAgentDetail(log="", description="delete everything")
    assert "delete everything" in shown(request(agent))
    assert shown(request(None)) == "tool"
