"""Tools of Claude Code as the wire's kinds, from their beginning to their end."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.timeline import Todo, TodoItem, ToolCall
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    SubAgentAction,
    SubAgentDetail,
    UnknownDetail,
    WebResult,
    WriteDetail,
)
from sereno.core.providers.effects import Diagnostic
from tests.core.providers.claude.bench import Bench, calls, items, only

PATCH = [{"oldStart": 4, "oldLines": 2, "newStart": 4, "newLines": 2, "lines": [" a", "-b", "+c"]}]
DIFF = "--- f\n+++ f\n@@ -4,2 +4,2 @@\n a\n-b\n+c\n"


def run(name: str, given: dict[str, Any], content: Any = "ok", **fields: Any) -> ToolCall:
    """The last state of a call."""
    bench = Bench.in_turn()
    began = calls(bench.tool(name, **given))
    return (began + calls(bench.tool_result(content, **fields)))[-1]


def test_a_command() -> None:
    result = {"stdout": "out\n", "stderr": "err"}
    call = run("Bash", {"command": "make"}, "out\nerr", tool_use_result=result)
    assert call.detail == ShellDetail(command="make", output="out\nerr")
    assert call.status == "completed"
    assert call.error is None


def test_a_command_that_fails_has_its_exit_code() -> None:
    call = run("Bash", {"command": "make"}, "Exit code 2\nno rule", error=True)
    assert call.detail == ShellDetail(command="make", output="no rule", exit_code=2)
    assert call.status == "failed"
    assert call.error == "exit code 2"


def test_files() -> None:
    call = run("Read", {"file_path": "f", "offset": 3, "limit": 2}, "3\tx")
    assert call.detail == ReadDetail(file_path="f", content="3\tx", offset=3, limit=2)
    call = run("Write", {"file_path": "f", "content": "x"}, tool_use_result={"type": "create"})
    assert call.detail == WriteDetail(file_path="f", content="x")
    result = {"type": "update", "structuredPatch": PATCH}
    call = run("Write", {"file_path": "f", "content": "x"}, tool_use_result=result)
    assert call.detail == EditDetail(file_path="f", unified_diff=DIFF)


def test_an_edit_shows_its_difference_before_and_after() -> None:
    given = {"file_path": "f", "old_string": "b", "new_string": "c"}
    bench = Bench.in_turn()
    (began,) = calls(bench.tool("Edit", **given))
    assert isinstance(began.detail, EditDetail)
    assert "-b\n+c" in str(began.detail.unified_diff)
    (done,) = calls(bench.tool_result(tool_use_result={"structuredPatch": PATCH}))
    assert done.detail == EditDetail(file_path="f", unified_diff=DIFF)
    many = run("MultiEdit", {"file_path": "f", "edits": [given, {"old_string": "x"}]})
    assert isinstance(many.detail, EditDetail)
    assert "-x" in str(many.detail.unified_diff)


def test_searches() -> None:
    result = {"filenames": ["a", "b"], "numFiles": 2}
    call = run("Grep", {"pattern": "x"}, "a\nb", tool_use_result=result)
    assert call.detail == SearchDetail(
        query="x", tool_name="grep", content="a\nb", file_paths=["a", "b"], num_files=2
    )
    found = {"results": [{"content": [{"title": "T", "url": "https://x"}]}, "words"]}
    call = run("WebSearch", {"query": "q"}, "found", tool_use_result=found)
    assert isinstance(call.detail, SearchDetail)
    assert call.detail.web_results == [WebResult(title="T", url="https://x")]
    page = run(
        "WebFetch", {"url": "https://x", "prompt": "p"}, "text", tool_use_result={"code": 200}
    )
    assert page.detail == FetchDetail(url="https://x", prompt="p", result="text", code=200)


def test_a_skill_and_what_is_not_known() -> None:
    call = run("Skill", {"skill": "pdf", "args": "x"})
    assert isinstance(call.detail, PlainTextDetail)
    assert call.detail.label == "pdf x"
    call = run("mcp__db__query", {"sql": "select 1"}, [{"type": "text", "text": "1"}])
    assert call.detail == UnknownDetail(input={"sql": "select 1"}, output="1")
    call = run("Bash", {"commands": 5})
    assert isinstance(call.detail, UnknownDetail)


def test_errors_lose_the_tags_that_are_meant_for_the_model() -> None:
    call = run(
        "Grep", {"pattern": "x"}, "<tool_use_error>No such tool</tool_use_error>", error=True
    )
    assert call.error == "No such tool"


def test_a_sub_agents_calls_are_folded_into_its_own() -> None:
    bench = Bench.in_turn()
    bench.tool("Task", "a", description="look", subagent_type="Explore", prompt="find it")
    bench.tool("Bash", "b", parent="a", command="ls")
    assert not calls(bench.tool_result("x", "b"))
    (call,) = calls(bench.tool("Read", "d", parent="a", file_path="f"))
    assert call.call_id == "a"
    assert call.detail == SubAgentDetail(
        log="",
        sub_agent_type="Explore",
        description="look",
        actions=[
            SubAgentAction(index=1, tool_name="Bash", summary="ls"),
            SubAgentAction(index=2, tool_name="Read", summary="f"),
        ],
    )
    assert calls(bench.tool_result("done", "a"))[0].status == "completed"


def test_a_sub_agents_log_and_list_are_bounded() -> None:
    bench = Bench.in_turn()
    bench.tool("Agent", "a", description="look")
    for number in range(120):
        bench.block("m", "a", type="text", text="word " * 50)
        last = calls(bench.tool("Bash", f"b{number}", parent="a", command=f"echo {number}"))[-1]
        bench.tool_result("x" * 1_000, f"b{number}")
    assert isinstance(last.detail, SubAgentDetail)
    assert len(last.detail.log) < 9_000
    assert last.detail.actions[-1] == SubAgentAction(
        index=120, tool_name="Bash", summary="echo 119"
    )
    assert len(last.detail.actions) == 50
    assert len(bench.driver.snapshot()) < 40_000


def test_a_list_of_tasks_is_shown_and_not_the_call() -> None:
    bench = Bench.in_turn()
    todos = [{"content": "one", "status": "completed"}, {"content": "two", "status": "pending"}]
    shown = [TodoItem(text="one", completed=True), TodoItem(text="two", completed=False)]
    assert items(bench.tool("TodoWrite", todos=todos)) == [Todo(items=shown)]
    assert items(bench.tool_result()) == []


def test_a_list_that_is_kept_task_by_task() -> None:
    bench = Bench.in_turn()
    bench.tool("TaskCreate", "c1", subject="one")
    (first,) = items(bench.tool_result("ok", "c1", tool_use_result={"task": {"id": "7"}}))
    assert first == Todo(items=[TodoItem(text="one", completed=False)])
    bench.tool("TaskUpdate", "c2", taskId="7", status="completed")
    (second,) = items(bench.tool_result("ok", "c2"))
    assert second == Todo(items=[TodoItem(text="one", completed=True)])
    bench.tool("TaskCreate", "c3", subject="bad")
    assert calls(bench.tool_result("no such tool", "c3", error=True))[0].status == "failed"


def test_a_command_in_the_background_runs_on_after_the_turn() -> None:
    bench = Bench.in_turn()
    bench.tool("Bash", command="serve", run_in_background=True)
    bench.say("system", subtype="task_started", task_id="t", tool_use_id="c", is_backgrounded=True)
    assert {call.status for call in calls(bench.tool_result("Running in background"))} == {
        "running"
    }
    assert not calls(bench.result())
    bench.restart()
    assert bench.driver.background == 1
    ended = bench.say("system", subtype="task_updated", task_id="t", patch={"status": "killed"})
    assert calls(ended)[0].status == "canceled"
    assert bench.driver.background == 0


def test_finished_calls_are_not_kept_for_ever() -> None:
    bench = Bench.in_turn()
    for number in range(100):
        bench.tool("Bash", f"c{number}", command="x" * 100)
        bench.tool_result("y" * 1_000, f"c{number}")
    assert len(bench.driver.snapshot()) < 40_000
    bench.result()
    assert len(bench.driver.snapshot()) < 2_000


@pytest.mark.parametrize("text", ["\x1b]0;title\x07x", "a\u202eb"])
def test_t40_what_tools_say_is_clean(text: str) -> None:
    call = run("Bash", {"command": text}, text, tool_use_result={"stdout": text})
    assert isinstance(call.detail, ShellDetail)
    for said in (call.detail.command, str(call.detail.output)):
        assert "\x1b" not in said
        assert "\u202e" not in said


def test_a_flood_of_calls_is_bounded_and_said_once() -> None:
    bench = Bench.in_turn()
    effects = [each for n in range(300) for each in bench.tool("Bash", f"c{n}", command="ls")]
    assert len(calls(effects)) == 256
    assert only(effects, Diagnostic).level == "warning"
    assert bench.asked(tool_use_id="c299").input == {"command": "touch a"}  # still asked for
