"""Pure parts: errors in words, differences, environments, the demo agent's language, details."""

from __future__ import annotations

import difflib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    SubAgentDetail,
    ToolDetail,
    UnknownDetail,
    WriteDetail,
)
from sereno.core.providers.acp.content import block_text
from sereno.core.providers.acp.details import detail_of
from sereno.core.providers.acp.state import CallRecord
from sereno.core.providers.common.bounds import clip
from sereno.core.providers.common.diffs import unified_diff
from sereno.core.providers.common.failures import by_hand, describe_exit, explain, message_of
from sereno.core.providers.demo.language import (
    Act,
    Edit,
    Look,
    Simple,
    Stream,
    Write,
    parse,
)
from sereno.core.providers.jsonrpc import RpcFailure
from sereno.core.security.sanitise import sanitise

# ── errors ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "message", "data", "expected_code", "words"),
    [
        (-32603, "Internal error: API Error: 400 fake failure", None, "provider_error", "400 fake"),
        (-32603, "Internal error", {"details": "the wheel"}, "provider_error", "the wheel"),
        (429, "Too many", None, "rate_limited", "limits the rate"),
        (400, '{"error":{"code":400,"message":"fake failure"}}', None, "provider_error", "fake"),
        (-32000, "", None, "auth_required", "credentials"),
        (-32603, "401 invalid x-api-key: invalid api key", None, "auth_required", "credentials"),
        (-32603, "prompt is too long: 250000 tokens", None, "context_full", "too long"),
        (-32603, "fetch failed: connect ECONNREFUSED 127.0.0.1:1", None, "network", "reached"),
        (-32603, "529 overloaded_error", None, "overloaded", "trouble"),
        (-32603, "insufficient_quota: billing", None, "quota", "used up"),
        (-32603, "", None, "provider_error", "error -32603"),
        (0, "\x1b[31mred\x1b]0;t\x07", None, "provider_error", "red"),
    ],
)
def test_errors_in_words(
    code: int, message: str, data: object, expected_code: str, words: str
) -> None:
    failure = explain(RpcFailure(code, message, data), "Agent")
    assert failure.code == expected_code
    assert words in failure.error
    assert "Internal error" not in failure.error
    assert "\x1b" not in failure.error
    if expected_code != "provider_error":
        assert failure.next_step


def test_the_hint_to_log_in_is_the_program_s() -> None:
    assert explain(RpcFailure(-32000, "x"), "A", "Run `a login`.").next_step == "Run `a login`."


@given(st.integers(), st.text(max_size=60), st.recursive(st.none() | st.text(), st.lists))
def test_no_error_is_without_words(code: int, message: str, data: object) -> None:
    assert message_of(RpcFailure(code, message, data)) or not sanitise(message).strip()
    assert explain(RpcFailure(code, message, data), "Agent").error


def test_ends_in_words() -> None:
    assert describe_exit("A", 0, None, "") == "A ended by itself (exit code 0)."
    assert "exit code 127" in describe_exit("A", 127, None, "")
    text = describe_exit("A", None, 9, "one\n\ntwo\nthree\nfour\x1b[0m\n")
    assert text == "A was ended by signal 9 (KILL). Its last words: two / three / four"


def test_what_does_not_get_ready_is_tried_by_its_command_line() -> None:
    words = by_hand("quitter", ("sh", "-c", "echo licence expired >&2; exit 7"))
    assert words.endswith("what it lacks: sh -c 'echo licence expired >&2; exit 7'")
    assert "quitter" not in words, "the provider's name is no program"
    assert by_hand("quitter", ()).startswith("Run quitter by itself")


# ── differences ──────────────────────────────────────────────────────────────

LINES = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=12)


@given(LINES, LINES, st.booleans(), st.booleans())
def test_a_difference_rebuilds_the_new_text(
    old: list[str], new: list[str], old_end: bool, new_end: bool
) -> None:
    before = "\n".join(old) + "\n" * (old_end and bool(old))
    after = "\n".join(new) + "\n" * (new_end and bool(new))
    diff = unified_diff("f", before, after)
    if before == after:
        assert diff == ""
        return
    lines = diff.splitlines(keepends=True)
    assert lines[:2] == ["--- f\n", "+++ f\n"]
    assert _applied(before, lines[2:]).rstrip("\n") == after.rstrip("\n")


def _applied(old: str, lines: list[str]) -> str:
    source, result, at, before = old.splitlines(keepends=True), [], 0, ""
    for line in lines:
        if line.startswith("@@"):
            first, _, count = line.split()[1][1:].partition(",")
            start = int(first) - (count != "0")
            result += source[at:start]
            at = start
        elif line.startswith("\\"):
            if before != "-":
                result[-1:] = [result[-1].rstrip("\n")]
        elif line[0] in " -":
            assert source[at].rstrip("\n") == line[1:].rstrip("\n")
            at += 1
            if line[0] == " ":
                result.append(line[1:])
        else:
            result.append(line[1:])
        before = line[0]
    return "".join(result + source[at:])


def test_a_difference_is_as_the_standard_library_has_it() -> None:
    old = "".join(f"line {n}\n" for n in range(40))
    new = old.replace("line 7\n", "line seven\n").replace("line 30\n", "")
    expected = difflib.unified_diff(old.splitlines(True), new.splitlines(True), "f", "f")
    assert unified_diff("f", old, new) == "".join(expected)


def test_a_large_difference_is_made_fast() -> None:
    old = "".join(f"old {n}\n" for n in range(60_000))
    new = "".join(f"new {n}\n" for n in range(60_000))
    begin = time.process_time()
    assert unified_diff("f", old, new).count("\n") == 120_003
    assert time.process_time() - begin < 2


# ── details ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            CallRecord("c", kind="execute", raw_input={"command": ["git", "commit", "-m", "a b"]}),
            ShellDetail(command="git commit -m 'a b'"),
        ),
        (CallRecord("c", kind="execute", title="ls -l"), ShellDetail(command="ls -l")),
        (
            CallRecord(
                "c", raw_input={"cmd": "ls"}, raw_output={"stdout": "x"}, status="completed"
            ),
            ShellDetail(command="ls", output="x"),
        ),
        (
            CallRecord("c", kind="read", raw_input={"filePath": "/a", "offset": 3, "limit": 9}),
            ReadDetail(file_path="/a", offset=3, limit=9),
        ),
        (CallRecord("c", kind="read", paths=["/b"]), ReadDetail(file_path="/b")),
        (
            CallRecord("c", kind="edit", raw_input={"file_path": "/a", "content": "x"}),
            WriteDetail(file_path="/a", content="x"),
        ),
        (
            CallRecord("c", kind="edit", raw_input={"filepath": "/a", "diff": "@@"}),
            EditDetail(file_path="/a", unified_diff="@@"),
        ),
        (
            CallRecord("c", kind="search", name="Grep", raw_input={"pattern": "x"}),
            SearchDetail(query="x", tool_name="grep"),
        ),
        (
            CallRecord("c", kind="search", name="WebSearch", raw_input={"query": "x"}),
            SearchDetail(query="x", tool_name="web_search"),
        ),
        (
            CallRecord("c", kind="fetch", title="Get https://a.example/x"),
            FetchDetail(url="https://a.example/x"),
        ),
        (
            CallRecord("c", name="task", kind="think", raw_input={"description": "d"}),
            SubAgentDetail(log="", description="d", actions=[]),
        ),
        (
            CallRecord("c", kind="delete", title="Delete /a"),
            PlainTextDetail(label="Delete /a", icon="pencil"),
        ),
        (
            CallRecord("c", name="mcp", raw_input={"a": 1}),
            UnknownDetail(input={"a": 1}, output=None),
        ),
        (CallRecord("c"), PlainTextDetail(label="tool", icon="wrench")),
    ],
)
def test_details_of_calls(record: CallRecord, expected: ToolDetail) -> None:
    assert detail_of(record, sanitise) == expected


def test_several_files_in_one_call() -> None:
    diffs = [{"type": "diff", "path": p, "oldText": "a\n", "newText": "b\n"} for p in ("/x", "/y")]
    detail = detail_of(CallRecord("c", content=diffs), sanitise)
    assert isinstance(detail, EditDetail)
    assert detail.file_path == "/x (and 1 more)"
    assert str(detail.unified_diff).count("+b\n") == 2


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "text", "text": "a"}, "a"),
        ({"type": "text"}, ""),
        ({"type": "resource_link", "name": "n", "uri": "file:///x"}, "n (file:///x)"),
        ({"type": "resource", "resource": {"uri": "u", "text": "t"}}, "t"),
        ({"type": "resource", "resource": {"uri": "u", "blob": "AA=="}}, "[u]"),
        ({"type": "image", "mimeType": "image/png", "data": "AA=="}, "[image: image/png]"),
        ({"type": "new"}, ""),
        ("text", ""),
    ],
)
def test_blocks_as_text(block: object, text: str) -> None:
    assert block_text(block) == text


def test_clipping_says_what_it_left_out() -> None:
    assert clip("abc", 3) == "abc"
    assert clip("a" * 50 + "b" * 50, 20) == ("aaaaaaaaaa\n[… 80 characters left out …]\nbbbbbbbbbb")


# ── the demo agent's language ────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("prompt", "acts"),
    [
        ("help", [Simple("help")]),
        ("/help", [Simple("help")]),
        ("Help me with the tests please", [Look("Help me with the tests please")]),
        ("show me the tests", [Look("show me the tests")]),
        ("run ls -l then x", [Simple("run", "ls -l then x")]),
        ("plan then show", [Simple("plan"), Simple("show")]),
        ("read a b.txt", [Simple("read", "a b.txt")]),
        ("edit a.txt", [Edit("a.txt", None, "A line by the demo agent.")]),
        ('edit a b.txt replace "x y" with z', [Edit("a b.txt", "x y", "z")]),
        ('edit a.txt replace "x', [Look('edit a.txt replace "x')]),
        ("write a.txt one\\ntwo", [Write("a.txt", "one\ntwo\n")]),
        ("stream 5000", [Stream(5000)]),
        ("stream 5000 every 1ms", [Stream(5000, "events", 64, 0.001)]),
        ("Stream 10 tools of 80 bytes every 2.5 s", [Stream(10, "tools", 80, 2.5)]),
        ("stream 1 event of 9 every 10", [Stream(1, "events", 9, 0.01)]),
        ("stream the news", [Look("stream the news")]),
        ("wait 2s\nfail now please", [Simple("wait", "2s"), Simple("fail", "now please")]),
        ("wait for it", [Look("wait for it")]),
        ("help\nwhat now?", [Look("help\nwhat now?")]),
        ("crash 7", [Simple("crash", "7")]),
        ("hang hard", [Simple("hang", "hard")]),
        ("", [Look("")]),
    ],
)
def test_the_language(prompt: str, acts: list[Act]) -> None:
    assert parse(prompt) == acts


@given(st.text(max_size=80))
def test_the_language_understands_everything_somehow(prompt: str) -> None:
    assert parse(prompt)
