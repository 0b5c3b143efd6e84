"""Session updates of every kind and shape become effects, or diagnostics; none raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.core.protocol.timeline import (
    AssistantMessage,
    Reasoning,
    Todo,
    TodoItem,
    ToolCall,
)
from sereno.core.providers.driver import Prompt
from sereno.core.providers.effects import (
    Changed,
    Diagnostic,
    Effect,
    Item,
    Send,
    TurnEnded,
)
from tests.core.providers.acp.bench import Bench, only
from tests.corpus.hostile import ESCAPES
from tests.effort import examples


def test_two_messages_in_a_row_do_not_run_into_each_other() -> None:
    bench = Bench.in_turn()
    said: list[Effect] = []
    for text, message in (("\n\nOne", "1"), (".", "1"), ("\nTwo", "2")):
        said += bench.text(text, messageId=message)
    said += bench.text("hm", "agent_thought_chunk", messageId="3")
    assert [e.item for e in said if isinstance(e, Item)] == [
        AssistantMessage(text="One"),
        AssistantMessage(text="."),
        AssistantMessage(text="\n\nTwo"),
        Reasoning(text="hm"),
    ]
    assert all(isinstance(e, Item) and e.delta for e in said)


@pytest.mark.parametrize("case", ESCAPES, ids=lambda case: case.name)
def test_t40_text_is_clean_however_it_is_cut(case: Any) -> None:
    if "surrogate" in case.name:
        return  # JSON cannot carry it; test_jsonrpc.py has that
    for cut in range(1, len(case.raw)):
        bench = Bench.in_turn()
        effects = bench.text("^" + case.raw[:cut])
        bench.restart() if "marks" not in case.name else None
        effects += bench.text(case.raw[cut:])
        text = "".join(e.item.text for e in effects if isinstance(e, Item))  # type: ignore[union-attr]
        assert text == "^" + case.clean, cut


def test_t40_everything_else_is_clean_too() -> None:
    dirty = "a\x1b[31m\x1b]0;t\x07b\x9b1m\x00"
    bench = Bench.in_turn()
    effects = bench.update("session_info_update", title=dirty)
    effects += bench.update("plan", entries=[{"content": dirty, "status": dirty}])
    command = {"name": dirty, "description": dirty, "input": {"hint": dirty}}
    effects += bench.update("available_commands_update", availableCommands=[command])
    for kind in ("read", "edit", "delete", "search", "execute", "fetch", "think", "other", dirty):
        effects += bench.update(
            "tool_call",
            toolCallId=f"{kind}\x1b[1m",
            title=dirty,
            kind=kind,
            name=dirty,
            status="failed",
            rawInput={dirty: dirty, "path": dirty, "url": dirty, "command": dirty, "query": dirty},
            rawOutput={"error": dirty, dirty: [dirty]},
            content=[
                {"type": "content", "content": {"type": "text", "text": dirty}},
                {"type": "diff", "path": dirty, "oldText": dirty, "newText": dirty + "x"},
            ][: 1 + (kind == "edit")],
        )
    effects += bench.update("config_option_update", configOptions=[odd_option(dirty)])
    effects += bench.notify(dirty)
    effects += bench.driver.receive(dirty.encode() + b"\n")
    effects += bench.fail("session/prompt", -32603, dirty, {"details": dirty})
    told = [repr(e) for e in effects if not isinstance(e, Send)]
    ids = "call_id='"  # raw, because answers are matched by them; never shown
    for text in told:
        kept = "".join(p.partition("'")[2] if i else p for i, p in enumerate(text.split(ids)))
        assert "\\x1b" not in kept, text
        assert "\\x9b" not in kept, text
        assert "\\x00" not in kept, text


def odd_option(dirty: str) -> dict[str, Any]:
    values = [{"value": "v", "name": dirty, "description": dirty}]
    return {"id": "o", "name": dirty, "type": "select", "currentValue": "v", "options": values}


def test_repeated_news_are_told_once() -> None:
    bench = Bench.in_turn()
    for kind, fields in (
        ("plan", {"entries": [{"content": "a", "status": "completed"}]}),
        ("usage_update", {"used": 5, "size": 10, "cost": {"amount": 1, "currency": "USD"}}),
        ("available_commands_update", {"availableCommands": [{"name": "x"}]}),
        ("current_mode_update", {"currentModeId": "m"}),
        ("session_info_update", {"title": "T"}),
        ("tool_call", {"toolCallId": "c", "title": "x", "rawInput": {"command": "ls"}}),
    ):
        first = bench.update(kind, **fields)
        assert len(first) == 1, kind
        bench.restart()
        assert bench.update(kind, **fields) == [], kind
    plan = bench.update("plan", entries=[])
    assert only(plan, Item).item == Todo(items=[])


def test_opencodes_list_of_tasks_is_a_list_and_no_call_that_never_ends() -> None:
    """Its first piece comes without the tasks, as OpenCode 1.18 sends them."""
    bench = Bench.in_turn()
    tasks = [{"content": "one", "status": "in_progress"}]
    said = bench.update("tool_call", toolCallId="c", title="todowrite", status="pending")
    more = {"toolCallId": "c", "rawInput": {"todos": tasks}}
    said += bench.update("tool_call_update", status="in_progress", **more)
    said += bench.update("tool_call_update", status="completed", title="1 todos", **more)
    assert [e.item for e in said if isinstance(e, Item)] == [
        Todo(items=[TodoItem(text="one", completed=False)])
    ]


def test_opencodes_list_of_tasks_that_failed_is_shown() -> None:
    bench = Bench.in_turn()
    said = bench.update("tool_call", toolCallId="c", title="todowrite", status="pending")
    said += bench.update("tool_call_update", toolCallId="c", status="failed")
    [item] = [e.item for e in said if isinstance(e, Item)]
    assert isinstance(item, ToolCall)
    assert (item.name, item.status) == ("todowrite", "failed")


def test_gemini_tells_its_mode_in_a_text() -> None:
    assert Bench.in_turn().text("[MODE_UPDATE] plan") == [Changed(mode_id="plan")]


def test_updates_of_other_sessions_and_kinds_become_diagnostics() -> None:
    bench = Bench.in_turn()
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x"}}
    for effects in (
        bench.notify("session/update", sessionId="other", update=update),
        bench.update("something_new"),
        bench.notify("session/update", sessionId="s"),
        bench.notify("session/update"),
        bench.update("tool_call", title="no id"),
        bench.notify("_x/y"),
        bench.say({"id": 55, "result": {}}),
        bench.driver.receive(b"junk\n"),
    ):
        assert [type(e) for e in effects] == [Diagnostic]
    assert bench.update("user_message_chunk", content={"type": "text", "text": "echo"}) == []


@pytest.mark.parametrize("method", ["fs/read_text_file", "terminal/create", "_x", "authenticate"])
def test_other_requests_get_an_error(method: str) -> None:
    effects = Bench.in_turn().request("r", method, path="/etc/passwd")
    reply = json.loads(only(effects, Send).data)
    assert (reply["id"], reply["error"]["code"]) == ("r", -32601)


def test_the_terminal_output_of_codex_is_joined() -> None:
    bench = Bench.in_turn()
    call = {"toolCallId": "c", "kind": "execute", "rawInput": {"command": "ls"}}
    bench.update("tool_call", status="in_progress", **call)
    for part in ("one\n", "two\n"):
        meta = {"terminal_output_delta": {"data": part}}
        bench.update("tool_call_update", toolCallId="c", _meta=meta)
        bench.restart()
    ended = {"terminal_exit": {"exit_code": 1}}
    effects = bench.update("tool_call_update", toolCallId="c", status="failed", _meta=ended)
    call_item = only(effects, Item).item
    assert (call_item.detail.output, call_item.detail.exit_code) == ("one\ntwo\n", 1)
    assert (call_item.status, call_item.error) == ("failed", "exit code 1")


def test_a_failure_that_codex_tells_as_text_fails_the_turn() -> None:
    bench = Bench.in_turn()
    meta = {"codex": {"threadStatus": {"type": "systemError"}}}
    bench.update("session_info_update", _meta=meta)
    bench.text('{"error": {"message": "You exceeded your current quota: insufficient_quota"}}\n')
    end = only(bench.reply_to("session/prompt", {"stopReason": "end_turn"}), TurnEnded)
    assert (end.outcome, end.code) == ("failed", "quota")


FIELDS = """type text content toolCallId title kind status rawInput rawOutput locations path
    options optionId toolCall name entries availableCommands configOptions id value category
    currentValue modes models _meta update sessionUpdate sessionId"""
UPDATES = """agent_message_chunk agent_thought_chunk tool_call tool_call_update plan usage_update
    available_commands_update current_mode_update config_option_update session_info_update"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=5)
    ),
    max_leaves=12,
)
KINDS = st.sampled_from(UPDATES.split())


@settings(max_examples=examples(120))
@given(KINDS, st.dictionaries(st.text(max_size=12), JSON, max_size=3), JSON)
def test_no_update_of_any_shape_raises(kind: str, fields: dict[str, Any], body: Any) -> None:
    bench = Bench.in_turn()
    base = body if isinstance(body, dict) else {"content": body}
    bench.update(kind, **{**fields, **base, "toolCallId": "c", "sessionUpdate": kind})
    bench.request(1, "session/request_permission", **{**base, "options": fields})
    bench.request(
        2, "session/request_permission", toolCall={**base, "toolCallId": "d"}, options=body
    )
    bench.restart()
    bench.reply_to("session/prompt", body)
    bench.driver.exited(0, None, "")


def copilot() -> Bench:
    bench = Bench()
    bench.take(bench.driver.start(None))
    bench.introduce(agentInfo={"name": "Copilot", "title": "Copilot", "version": "1.0.102"})
    bench.reply_to("session/new", {"sessionId": "s"})
    bench.take(bench.driver.prompt(Prompt("p", "go")))
    return bench


def test_what_copilot_says_for_itself_is_no_answer_of_the_model() -> None:
    bench = copilot()
    retry = "Info: Request failed due to a transient API error. Retrying..."
    said = [*bench.text(retry), *bench.text(retry), *bench.text(retry)]
    words = "Error: Authentication failed with provider at http://127.0.0.1 (HTTP 401)."
    said += bench.text(words)
    text = "".join(e.item.text for e in said if isinstance(e, Item))  # type: ignore[union-attr]
    assert text == "\n\n".join((retry, retry, retry, words))
    bench.restart()
    end = only(bench.reply_to("session/prompt", {"stopReason": "end_turn"}), TurnEnded)
    assert (end.outcome, end.code) == ("failed", "auth_required")
    assert "HTTP 401" in end.error
    bench.take(bench.driver.prompt(Prompt("p2", "again")))
    bench.text("Error: that is what the model calls it")
    end = only(bench.reply_to("session/prompt", {"stopReason": "end_turn"}), TurnEnded)
    assert end.outcome == "completed"


def test_copilot_counts_over_its_session() -> None:
    bench = copilot()
    spent = []
    for number, total in enumerate((10, 30, 30, 4)):
        usage = {"inputTokens": total, "outputTokens": 2 * total, "totalTokens": 3 * total}
        reply = {"stopReason": "end_turn", "usage": usage}
        told = only(bench.reply_to("session/prompt", reply), TurnEnded).usage
        spent.append((told.input_tokens, told.output_tokens))
        bench.restart()
        bench.take(bench.driver.prompt(Prompt(f"p{number}", "go on")))
    assert spent == [(10, 20), (30, 60), (30, 60), (34, 68)], "a count that fell began anew"
