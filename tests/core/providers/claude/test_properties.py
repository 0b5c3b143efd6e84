"""Whatever the program says, nothing raises; cuts and restarts anywhere change nothing."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.providers.claude.driver import ClaudeDriver
from sereno.core.providers.driver import CannotAnswer, DriverBusy, Prompt, Setup
from sereno.core.providers.effects import Asked, Effect, Item, TurnEnded
from tests.core.providers.claude.bench import IDENTITY, Bench
from tests.core.providers.golden import plain
from tests.effort import examples

HERE = Path(__file__).parent


def _words(text: str) -> list[str]:
    return text.split()


FIELDS = _words("""type subtype event delta text thinking message content id name input tool_use_id
    parent parent_tool_use_id is_error tool_use_result tool_result_meta
    structuredPatch lines oldStart oldLines newStart newLines stdout questions
    question answers plan todos task subject taskId status permission_suggestions
    rules toolName ruleContent directories mode destination behavior agent_id
    request request_id response models value supportedEffortLevels supportsEffort
    commands usage uuid user_message_uuids modelUsage contextWindow terminal_reason
    rate_limit_info resetsAt utilization task_id patch is_backgrounded summary
    errors result stop_reason origin api_error_status error compact_metadata
    pre_tokens trigger cancelled command_uuid state input_tokens total_cost_usd
    permissionMode model session_id title tool_name description file_path old_string
    new_string edits command url pattern query results filenames""")
TEXTS = st.sampled_from(
    _words("""text text_delta thinking_delta tool_use tool_result c Bash Edit Write Agent
    TodoWrite TaskCreate TaskUpdate AskUserQuestion ExitPlanMode WebSearch addRules
    setMode addDirectories acceptEdits allow completed failed killed rejected
    allowed_warning s-1 sereno-0 sereno-1 cancelled aborted_tools success error""")
) | st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)
    ),
    max_leaves=10,
)
KINDS = st.sampled_from(
    _words("""stream_event assistant user system result control_request control_cancel_request
    control_response command_lifecycle rate_limit_event unheard_of""")
)
SUBTYPES = st.sampled_from(
    _words("""init status api_retry compact_boundary session_title_changed commands_changed
    task_started task_updated task_notification permission_denied
    local_command_output informational can_use_tool success error
    error_during_execution error_max_turns initialize""")
)
BLOCKS = st.sampled_from(
    _words("message_start content_block_start content_block_delta message_delta")
)
MESSAGE = st.tuples(KINDS, SUBTYPES, BLOCKS, JSON, st.dictionaries(st.sampled_from(FIELDS), JSON))


def _message(made: tuple[str, str, str, Any, dict[str, Any]]) -> dict[str, Any]:
    kind, subtype, block, body, fields = made
    inner = body if isinstance(body, dict) else {"content": body}
    return {
        "subtype": subtype,
        "request_id": "r",
        "event": {**inner, "type": block},
        "message": inner,
        "request": {**inner, "subtype": "can_use_tool"},
        "response": {**inner, "subtype": subtype},
        **fields,
        "type": kind,
    }


@settings(max_examples=examples(40))
@given(st.lists(MESSAGE, min_size=1, max_size=3), st.booleans())
def test_no_message_of_any_shape_raises(made: list[Any], early: bool) -> None:
    bench = Bench()
    bench.take(bench.driver.start(None))
    if not early:
        bench.introduce()
        bench.prompt()
        bench.tool("Bash", command="touch a")
    for one in made:
        bench.say(**{"kind": "x", **_message(one)})
        bench.driver.snapshot()
        bench.restart()
    for place, request in enumerate(bench.open):
        with contextlib.suppress(CannotAnswer):
            bench.driver.answer(request, Deny() if place % 2 else Allow())
    with contextlib.suppress(DriverBusy):
        bench.driver.prompt(Prompt("q", "again"))
    ends = bench.driver.exited(1, None, "gone")
    assert len([e for e in ends if isinstance(e, TurnEnded)]) <= 1
    assert not [e for e in ends if isinstance(e, Asked)]
    assert bench.driver.receive(b'{"type":"result"}\n') == []


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    bench = Bench.in_turn()
    bench.driver.receive(data)
    bench.restart()
    bench.driver.receive(b"\n" + data + b"\n")
    assert isinstance(bench.result()[-2], TurnEnded)


@pytest.mark.parametrize("depth", [50, 900, 100_000])
def test_what_is_nested_deep_is_kept_shallow(depth: int) -> None:
    bench = Bench.in_turn()
    deep = "[" * depth + "]" * depth
    line = (
        '{"type":"assistant","message":{"id":"m","content":[{"type":"tool_use","id":"c",'
        f'"name":"X","input":{{"a":{deep}}}}}]}}}}\n'
    )
    bench.driver.receive(line.encode())
    ask = (
        '{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool",'
        f'"tool_name":"X","tool_use_id":"c","input":{{"a":{deep}}}}}}}\n'
    )
    bench.driver.receive(ask.encode())
    bench.restart()
    assert len(bench.driver.snapshot()) < 20_000
    assert isinstance(bench.result()[-2], TurnEnded)


def _recording() -> bytes:
    """All lines of the program in one recording, with the ids of our requests and message."""
    bench = Bench.in_turn(Setup("/repo", session_id="s-1"))
    lines = []
    recording = HERE / "transcripts" / "claude-stream-json-3.jsonl"
    uuid = ""
    for line in map(json.loads, recording.read_text().splitlines()):
        if line["dir"] == "out":
            uuid = uuid or line["msg"].get("uuid", "")
            continue
        message = line["msg"]
        if message["type"] == "control_response":
            continue
        lines.append(json.dumps(message).replace(uuid, bench.uuid) if uuid else "")
        if message["type"] == "result" and len(lines) > 60:
            break
    return "\n".join(lines).encode() + b"\n"


def _merged(effects: list[Effect]) -> list[Any]:
    """As JSON, with the pieces of a text as one: cuts may fall anywhere in them."""
    found: list[Any] = []
    for effect in effects:
        shown = plain(effect)
        last = found[-1] if found else {}
        same = last.get("item", {}).get("type") == shown.get("item", {}).get("type")
        if shown.get("delta") and last.get("delta") and same:
            last["item"]["text"] += shown["item"]["text"]
        else:
            found.append(shown)
    return found


WHOLE = _recording()


def _driver() -> ClaudeDriver:
    return Bench.in_turn(Setup("/repo", session_id="s-1")).driver


def test_the_recording_used_here_says_something() -> None:
    effects = _driver().receive(WHOLE)
    assert [e for e in effects if isinstance(e, Asked)]
    assert len([e for e in effects if isinstance(e, Item)]) > 10
    assert [e for e in effects if isinstance(e, TurnEnded)]


@settings(max_examples=examples(30))
@given(st.lists(st.integers(0, len(WHOLE)), max_size=12), st.booleans())
def test_cuts_and_restarts_anywhere_change_nothing(cuts: list[int], restart: bool) -> None:
    expected = _merged(_driver().receive(WHOLE))
    driver, effects, begin = _driver(), list[Effect](), 0
    for cut in [*sorted(cuts), len(WHOLE)]:
        effects += driver.receive(WHOLE[begin:cut])
        begin = cut
        if restart:
            setup = Setup("/repo", session_id="s-1")
            driver = ClaudeDriver(IDENTITY, setup, driver.snapshot())
    assert _merged(effects) == expected


def test_a_restart_at_every_byte_changes_nothing() -> None:
    """Feeds again from each position what was not snapshotted: the same bytes, the same effects."""
    part = WHOLE[:6_000]
    expected = _merged(_driver().receive(part))
    driver, effects = _driver(), list[Effect]()
    setup = Setup("/repo", session_id="s-1")
    for place in range(len(part)):
        effects += driver.receive(part[place : place + 1])
        driver = ClaudeDriver(IDENTITY, setup, driver.snapshot())
    assert _merged(effects) == expected


def test_the_same_bytes_after_a_lost_step_give_the_same_effects() -> None:
    driver = _driver()
    lines = WHOLE.splitlines(keepends=True)
    for line in lines:
        before = driver.snapshot()
        first = [plain(e) for e in driver.receive(line)]
        again = ClaudeDriver(IDENTITY, Setup("/repo", session_id="s-1"), before)
        assert [plain(e) for e in again.receive(line)] == first


def test_the_snapshot_stays_the_same_object_while_nothing_changes() -> None:
    bench = Bench.in_turn()
    bench.event(type="content_block_start", index=0, content_block={"type": "text"})
    bench.piece("text", "one")
    before = bench.driver.snapshot()
    bench.piece("text", " two")
    bench.say("system", subtype="thinking_tokens", estimated_tokens=3)
    assert bench.driver.snapshot() is before
