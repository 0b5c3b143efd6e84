"""Turns: text, thoughts, items of every kind, interrupts, ends."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.requests import Image
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Compaction,
    Reasoning,
    Todo,
    TodoItem,
    ToolCall,
)
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    PlanDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    SubAgentDetail,
    UnknownDetail,
    WebResult,
    WriteDetail,
)
from sereno.core.providers.driver import DriverBusy, Prompt
from sereno.core.providers.effects import Changed, Diagnostic, SessionFailed, TurnEnded, Withdrawn
from tests.core.providers.codex.feed import THREAD, TURN, Fed, items_of, one, sent


@pytest.fixture
def fed() -> Fed:
    """A turn that runs."""
    fed = Fed()
    fed.open()
    fed.begin()
    return fed


def texts(effects: list[Any]) -> list[str]:
    return [item.text for item in items_of(effects)]


def test_text_streams_and_is_not_told_twice(fed: Fed) -> None:
    fed.item("agentMessage", text="")
    assert texts(fed.say("item/agentMessage/delta", itemId="i1", delta="\nHel")) == ["Hel"]
    assert texts(fed.say("item/agentMessage/delta", itemId="i1", delta="lo\x1b[31m")) == ["lo"]
    assert fed.done("agentMessage", text="Hello") == []
    assert items_of(fed.done("agentMessage", id="i2", text="Next.")) == [
        AssistantMessage(text="\n\nNext.")
    ]


def test_thoughts_are_summaries_or_the_reasoning_itself_but_not_both(fed: Fed) -> None:
    say = fed.say
    assert items_of(
        say("item/reasoning/summaryTextDelta", itemId="r", summaryIndex=0, delta="a")
    ) == [Reasoning(text="a")]
    assert texts(say("item/reasoning/summaryTextDelta", itemId="r", summaryIndex=1, delta="b")) == [
        "\n\nb"
    ]
    assert say("item/reasoning/textDelta", itemId="r", contentIndex=0, delta="raw") == []
    assert fed.done("reasoning", id="r", summary=["a", "b"], content=["raw"]) == []
    assert texts(fed.done("reasoning", id="q", summary=[], content=["x", "y"])) == ["\n\nx\n\ny"]


def test_a_command_from_its_start_to_its_end(fed: Fed) -> None:
    command = "/bin/bash -lc 'make -j2'"
    (begun,) = items_of(fed.item("commandExecution", command=command, cwd="/repo"))
    assert begun == ToolCall(
        call_id="i1",
        name="shell",
        detail=ShellDetail(command="make -j2", cwd="/repo"),
        status="running",
    )
    (grown,) = items_of(fed.say("item/commandExecution/outputDelta", itemId="i1", delta="cc a.c\n"))
    assert grown.detail.output == "cc a.c\n"
    assert fed.say("item/commandExecution/outputDelta", itemId="i1", delta="cc b.c\n") == []
    (ended,) = items_of(
        fed.done(
            "commandExecution",
            command=command,
            cwd="/repo",
            aggregatedOutput="all of it\n",
            exitCode=2,
            status="failed",
        )
    )
    assert (ended.status, ended.error) == ("failed", "exit code 2")
    assert ended.detail == ShellDetail(
        command="make -j2", cwd="/repo", output="all of it\n", exit_code=2
    )


def test_output_of_any_length_is_shown_in_few_and_short_steps(fed: Fed) -> None:
    fed.item("commandExecution", command="yes", cwd="/repo")
    shown = []
    for _ in range(10_000):
        shown += items_of(
            fed.say("item/commandExecution/outputDelta", itemId="i1", delta="y" * 100)
        )
    assert 30 < len(shown) < 100
    assert max(len(item.detail.output) for item in shown) < 8_300
    assert "characters before" in shown[-1].detail.output
    assert len(fed.driver.snapshot()) < 20_000


CHANGES: list[tuple[list[dict[str, Any]], str, Any]] = [
    (
        [{"path": "/repo/a", "kind": {"type": "add"}, "diff": "hello\n"}],
        "write",
        WriteDetail(file_path="/repo/a", content="hello\n"),
    ),
    (
        [{"path": "a", "kind": {"type": "update"}, "diff": "@@ -1 +1 @@\n-x\n+y\n"}],
        "edit",
        EditDetail(file_path="a", unified_diff="--- a\n+++ a\n@@ -1 +1 @@\n-x\n+y\n"),
    ),
    (
        [
            {"path": "a", "kind": {"type": "delete"}, "diff": "x\n"},
            {"path": "b", "kind": {"type": "update", "move_path": "c"}, "diff": "@@ -1 +1 @@"},
            {"path": "d", "kind": "add", "diff": "n\n"},
        ],
        "edit",
        EditDetail(
            file_path="a (and 2 more)",
            unified_diff="--- a\n+++ a\n@@ -1,1 +0,0 @@\n-x\n--- b\n+++ c\n@@ -1 +1 @@\n"
            "--- d\n+++ d\n@@ -0,0 +1,1 @@\n+n\n",
        ),
    ),
]


@pytest.mark.parametrize(("changes", "name", "detail"), CHANGES)
def test_changes_of_files(fed: Fed, changes: list[Any], name: str, detail: Any) -> None:
    (call,) = items_of(fed.done("fileChange", changes=changes))
    assert (call.name, call.detail, call.status) == (name, detail, "completed")


KINDS: list[tuple[dict[str, Any], str, Any]] = [
    (
        {
            "type": "webSearch",
            "query": "rain",
            "action": {"type": "search", "query": "rain"},
            "results": [{"title": "Rain", "url": "https://r"}, {"no": "url"}],
        },
        "web_search",
        SearchDetail(
            query="rain",
            tool_name="web_search",
            web_results=[WebResult(title="Rain", url="https://r")],
        ),
    ),
    (
        {"type": "webSearch", "query": "", "action": {"type": "openPage", "url": "https://r"}},
        "web_search",
        FetchDetail(url="https://r"),
    ),
    (
        {
            "type": "webSearch",
            "query": "",
            "action": {"type": "findInPage", "url": "https://r", "pattern": "wet"},
        },
        "web_search",
        SearchDetail(query="wet in https://r", tool_name="web_search"),
    ),
    ({"type": "plan", "text": "# Plan"}, "plan", PlanDetail(text="# Plan")),
    ({"type": "imageView", "path": "/a.png"}, "view_image", ReadDetail(file_path="/a.png")),
    (
        {"type": "sleep", "durationMs": 1500},
        "sleep",
        PlainTextDetail(label="Wait 1.5 s", icon="wrench"),
    ),
    (
        {
            "type": "mcpToolCall",
            "server": "db",
            "tool": "query",
            "arguments": {"sql": "select 1"},
            "result": {"content": [{"type": "text", "text": "1"}]},
        },
        "db.query",
        UnknownDetail(input={"sql": "select 1"}, output="1"),
    ),
    (
        {"type": "collabAgentToolCall", "tool": "wait", "agentsStates": {"t": {"message": "ok"}}},
        "wait",
        PlainTextDetail(label="Wait for sub-agents", text="ok", icon="bot"),
    ),
    (
        {"type": "teleport", "to": "moon"},
        "teleport",
        UnknownDetail(input={"to": "moon"}, output=None),
    ),
]


@pytest.mark.parametrize(("item", "name", "detail"), KINDS)
def test_items_of_other_kinds(fed: Fed, item: dict[str, Any], name: str, detail: Any) -> None:
    (call,) = items_of(fed.say("item/completed", item={"id": "i1", **item}))
    assert (call.name, call.detail, call.status) == (name, detail, "completed")


def test_a_failed_mcp_tool_says_why(fed: Fed) -> None:
    item = {"server": "db", "tool": "q", "arguments": {}, "error": {"message": "no table"}}
    (call,) = items_of(fed.done("mcpToolCall", status="failed", **item))
    assert (call.status, call.error) == ("failed", "no table")


def test_plans_and_todo_lists(fed: Fed) -> None:
    plan = [{"step": "one", "status": "completed"}, {"step": "two", "status": "inProgress"}]
    effects = fed.say("turn/plan/updated", plan=plan)
    todo = Todo(items=[TodoItem("one", True), TodoItem("two", False)])
    assert items_of(effects) == [todo]
    assert fed.say("turn/plan/updated", plan=plan) == []


def test_a_compaction_begins_and_ends(fed: Fed) -> None:
    assert items_of(fed.item("contextCompaction")) == [Compaction(status="loading")]
    assert items_of(fed.done("contextCompaction")) == [Compaction(status="completed")]


def test_a_review_shows_its_words_and_not_its_data(fed: Fed) -> None:
    (begun,) = items_of(fed.item("enteredReviewMode", id="r", review="current changes"))
    assert begun.detail.label == "Review: current changes"
    assert fed.say("item/agentMessage/delta", itemId="m", delta='{"findings": []}') == []
    assert fed.done("agentMessage", id="m", text='{"findings": []}') == []
    (over,) = items_of(fed.done("exitedReviewMode", id="x", review="All is well."))
    assert (over.call_id, over.status) == ("r", "completed")
    assert texts(fed.done("agentMessage", id="n", text="All is well.")) == ["All is well."]


def test_tokens_are_those_of_the_turn(fed: Fed) -> None:
    def told(total: int, last: int) -> list[Any]:
        def counts(number: int) -> dict[str, int]:
            keys = ("totalTokens", "inputTokens", "cachedInputTokens", "outputTokens")
            return dict.fromkeys(keys, number)

        usage = {"total": counts(total), "last": counts(last), "modelContextWindow": 1_000}
        return fed.say("thread/tokenUsage/updated", tokenUsage=usage)

    usage = one(told(110, 10), Changed).usage
    assert (usage.input_tokens, usage.output_tokens) == (10, 10)
    usage = one(told(140, 30), Changed).usage
    assert (usage.input_tokens, usage.context_window_used_tokens) == (40, 30)
    assert told(140, 30) == []
    assert one(fed.end(), TurnEnded).usage.context_window_max_tokens == 1_000


def test_an_interrupt_stops_the_turn_and_its_commands(fed: Fed) -> None:
    fed.item("commandExecution", command="sleep 9", cwd="/repo")
    stop, clean = sent(fed.take(fed.driver.interrupt()))
    assert (stop["method"], stop["params"]["turnId"]) == ("turn/interrupt", TURN)
    assert clean["method"] == "thread/backgroundTerminals/clean"
    again = fed.take(fed.driver.interrupt())
    assert [message["method"] for message in sent(again)] == [stop["method"], clean["method"]]
    effects = fed.end("interrupted")
    (call,) = items_of(effects)
    assert (call.status, call.error) == ("canceled", None)
    end = one(effects, TurnEnded)
    assert (end.outcome, end.error) == ("canceled", None)
    late = fed.done(
        "commandExecution", command="sleep 9", cwd="/repo", status="failed", exitCode=-1
    )
    assert [item.status for item in items_of(late)] == ["canceled"]
    assert fed.driver.interrupt() == []


def test_an_interrupt_waits_for_the_name_of_the_turn() -> None:
    fed = Fed()
    fed.open()
    fed.take(fed.driver.prompt(Prompt("p1", "go")))
    assert sent(fed.take(fed.driver.interrupt())) == []
    fed.restart()
    named = sent(fed.reply("turn/start", {"turn": {"id": TURN}}))
    assert next(message["method"] for message in named) == "turn/interrupt"
    begun = sent(fed.say("turn/started", turn={"id": TURN}))
    assert next(message["method"] for message in begun) == "turn/interrupt"


def test_an_end_that_nobody_asked_for_is_said(fed: Fed) -> None:
    end = one(fed.end("interrupted"), TurnEnded)
    assert (end.outcome, end.error) == ("canceled", "Codex ended the turn by itself.")


def test_a_turn_that_does_not_begin_has_failed() -> None:
    fed = Fed()
    fed.open()
    fed.take(fed.driver.prompt(Prompt("p1", "go")))
    end = one(fed.reply("turn/start", error="thread not found: x"), TurnEnded)
    assert (end.prompt_id, end.outcome) == ("p1", "failed")
    fed.take(fed.driver.prompt(Prompt("p2", "go")))
    with pytest.raises(DriverBusy):
        fed.driver.prompt(Prompt("p3", "go"))


def test_the_end_of_another_turn_is_not_ours(fed: Fed) -> None:
    effects = fed.say("turn/completed", turn={"id": "other", "status": "completed"})
    assert not [effect for effect in effects if isinstance(effect, TurnEnded)]
    assert one(fed.end(), TurnEnded).outcome == "completed"


def test_images_go_as_data_and_what_cannot_go_is_said() -> None:
    fed = Fed()
    fed.open()
    image = Image("aGk=", "image/png")
    effects = fed.driver.prompt(Prompt("p", "see", (image,), ({"type": "hologram"},)))
    (start,) = sent(effects)
    assert start["params"]["input"] == [
        {"type": "text", "text": "see"},
        {"type": "image", "url": "data:image/png;base64,aGk="},
    ]
    assert "attachment" in one(effects, Diagnostic).text


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("/review", {"type": "uncommittedChanges"}),
        ("/review branch main", {"type": "baseBranch", "branch": "main"}),
        ("/review commit abc1", {"type": "commit", "sha": "abc1"}),
        ("/review the tests only", {"type": "custom", "instructions": "the tests only"}),
    ],
)
def test_reviews_by_command(text: str, target: dict[str, str]) -> None:
    fed = Fed()
    fed.open()
    (message,) = sent(fed.driver.prompt(Prompt("p", text)))
    assert message["method"] == "review/start"
    assert message["params"] == {"threadId": THREAD, "delivery": "inline", "target": target}


def test_sub_agents_are_one_nested_call(fed: Fed) -> None:
    fed.item("subAgentActivity", kind="started", agentThreadId="kid", agentPath="/home/ada/a")
    fed.say("turn/started", threadId="kid", turn={"id": "kt"})
    itself = {"type": "subAgentActivity", "id": "i1", "kind": "started", "agentThreadId": "kid"}
    assert fed.say("item/started", threadId="kid", item=itself) == []
    (other,) = items_of(
        fed.say("item/started", threadId="kid", item={**itself, "id": "i9", "agentThreadId": "g"})
    )
    assert (other.call_id, other.detail.child_session_id) == ("i9", "g")
    command = {"type": "commandExecution", "id": "k1", "command": "ls", "cwd": "/repo"}
    fed.say("item/started", threadId="kid", item=command)
    fed.restart()
    (call,) = items_of(
        fed.say(
            "item/completed", threadId="kid", item={"type": "agentMessage", "id": "m", "text": "Hi"}
        )
    )
    assert isinstance(call.detail, SubAgentDetail)
    assert (call.call_id, call.status, call.detail.log) == ("i1", "running", "Hi\n")
    assert [(a.index, a.tool_name, a.summary) for a in call.detail.actions] == [(0, "shell", "ls")]
    stops = [m["params"] for m in sent(fed.take(fed.driver.interrupt())) if "turnId" in m["params"]]
    assert stops == [
        {"threadId": "kid", "turnId": "kt"},
        {"threadId": THREAD, "turnId": TURN},
    ]
    (call,) = items_of(fed.say("turn/completed", threadId="kid", turn={"status": "interrupted"}))
    assert call.status == "canceled"


def test_spawned_agents_of_the_older_kind(fed: Fed) -> None:
    fields = {"tool": "spawnAgent", "receiverThreadIds": ["kid"], "prompt": "Look around"}
    assert fed.item("collabAgentToolCall", **{**fields, "receiverThreadIds": []}) == []
    (call,) = items_of(fed.done("collabAgentToolCall", **fields))
    assert (call.call_id, call.status, call.detail.description) == ("i1", "running", "Look around")
    states = {"kid": {"status": "errored", "message": "oh"}}
    waited = fed.done("collabAgentToolCall", id="i2", tool="wait", agentsStates=states)
    assert [(item.call_id, item.status) for item in items_of(waited)] == [
        ("i2", "completed"),
        ("i1", "failed"),
    ]


def test_the_end_of_the_program_ends_everything(fed: Fed) -> None:
    fed.item("commandExecution", command="ls", cwd="/repo")
    command = {"itemId": "i1", "command": "ls", "cwd": "/repo"}
    fed.ask(0, "item/commandExecution/requestApproval", **command)
    effects = fed.driver.exited(None, 9, "killed by somebody")
    assert one(effects, Withdrawn).request_id == "perm-1-1"
    (call,) = items_of(effects)
    assert (call.status, call.error) == ("failed", "The turn ended before this did.")
    end = one(effects, TurnEnded)
    assert (end.outcome, end.code) == ("failed", "exited")
    assert "killed by somebody" in one(effects, SessionFailed).error
    assert sent(effects) == []


def test_a_quiet_end_between_turns_is_no_failure(fed: Fed) -> None:
    fed.end()
    effects = fed.driver.exited(0, None, "")
    assert not [effect for effect in effects if isinstance(effect, SessionFailed)]
