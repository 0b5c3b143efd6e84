"""What a tool call of an ACP program did, in the wire's kinds."""

from __future__ import annotations

import pytest

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
from sereno.core.security.sanitise import sanitise


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


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (
            "b\n\n\n<shell_metadata>\nUser aborted the command\n</shell_metadata>",
            "b\n[User aborted the command]\n",
        ),
        ("<bash_metadata>\ntoo slow\n</bash_metadata>\n", "[too slow]\n"),
        ("cat x.xml\n<shell_metadata>\nin the middle\n</shell_metadata>\nand on", None),
        ("<shell_metadata>\nno end", None),
    ],
)
def test_what_opencode_says_of_a_command_is_shown_without_its_tags(
    output: str, shown: str | None
) -> None:
    record = CallRecord(
        "c",
        kind="execute",
        raw_input={"command": "x"},
        raw_output={"output": output},
        status="completed",
    )
    detail = detail_of(record, sanitise)
    assert isinstance(detail, ShellDetail)
    assert detail.output == (output if shown is None else shown)
