"""What timeline items say in one line, and what opens by itself."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.timeline import (
    AssistantMessage,
    Compaction,
    ErrorItem,
    Reasoning,
    Todo,
    TodoItem,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    PlanDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    SubAgentAction,
    SubAgentDetail,
    ToolDetail,
    UnknownDetail,
    WebResult,
    WorktreeCommand,
    WorktreeSetupDetail,
    WriteDetail,
)
from sereno.tui.widgets.blocks import BlockRow, folds, opens_itself, row_of, speaker_of
from sereno.tui.widgets.blocks_body import Code, Diff, Markdown, Plain
from sereno.tui.widgets.blocks_palette import PLAIN
from sereno.tui.widgets.blocks_render import Frame, draw_block
from sereno.tui.widgets.blocks_text import elapsed, one_line, safe, size

SETUP = WorktreeSetupDetail(
    worktree_path="/w",
    branch_name="fix",
    log="done",
    commands=[WorktreeCommand(index=1, command="make", cwd="/w", status="completed", exit_code=0)],
)


def call(detail: ToolDetail, status: Any = "completed", error: Any = None) -> ToolCall:
    return ToolCall(call_id="1", name="mcp__sql", detail=detail, status=status, error=error)


@pytest.mark.parametrize(
    ("detail", "verb", "subject", "note"),
    [
        (ShellDetail(command="make\nmake test", exit_code=0), "Run", "make …", "ok"),
        (ShellDetail(command="make", exit_code=2), "Run", "make", "exit 2"),
        (ReadDetail(file_path="/p/a.py", content="x\n"), "Read", "a.py", "1 line"),
        (WriteDetail(file_path="/q/a.py", content="x\ny"), "Write", "/q/a.py", "2 lines"),
        (EditDetail(file_path="a", old_string="x", new_string="y\nz"), "Edit", "a", "+2 -1"),
        (SearchDetail(query="q", num_matches=9), "Search", '"q"', "9 matches"),
        (SearchDetail(query="q", num_files=1), "Search", '"q"', "1 file"),
        (SearchDetail(query="q", file_paths=["a", "b"]), "Search", '"q"', "2 files"),
        (
            SearchDetail(query="q", web_results=[WebResult(title="t", url="u")]),
            "Search",
            '"q"',
            "1 result",
        ),
        (FetchDetail(url="http://x", code=200, bytes=14_000), "Fetch", "http://x", "200  14 KB"),
        (SETUP, "Set up", "fix", "1 command"),
        (
            SubAgentDetail(
                log="", description="look", actions=[SubAgentAction(index=1, tool_name="Read")]
            ),
            "Agent",
            "look",
            "1 step",
        ),
        (PlanDetail(text="# Plan\n1. a"), "Plan", "Plan …", ""),
        (PlainTextDetail(label="label"), "Tool", "label", ""),
        (UnknownDetail(input={"sql": "x"}, output=None), "Tool", "mcp__sql", ""),
    ],
)
def test_a_tool_call_in_one_line(detail: ToolDetail, verb: str, subject: str, note: str) -> None:
    row = row_of(call(detail), "", folder="/p")
    assert (row.verb, row.subject, row.note) == (verb, subject, note)


def test_how_a_call_ended_is_a_word_and_not_only_a_colour() -> None:
    detail = ShellDetail(command="make", exit_code=2)
    assert row_of(call(detail, "failed"), "").note == "failed  exit 2"
    assert row_of(call(detail, "canceled"), "").note == "stopped"
    assert row_of(call(detail, "running"), "").note == ""
    assert row_of(call(detail, "failed"), "").tone == "bad"


def test_an_open_call_has_its_whole_subject_and_its_error() -> None:
    row = row_of(call(ShellDetail(command="a\nb", output="out"), "failed", {"message": "no"}), "")
    assert row.bodies == (Code("$ a\nb", "console"), Plain("out"), Plain("no"))


def test_long_output_shows_its_end_and_counts_the_rest() -> None:
    text = "\n".join(str(number) for number in range(500))
    bodies = row_of(call(ShellDetail(command="x", output=text)), "").bodies
    assert isinstance(bodies[1], Plain)
    assert bodies[1].hidden == 300
    assert bodies[1].text.endswith("499")


def test_what_opens_by_itself() -> None:
    short = EditDetail(file_path="a", old_string="x", new_string="y")
    long = EditDetail(file_path="a", old_string="", new_string="x\n" * 100)
    assert opens_itself(call(short))
    assert not opens_itself(call(short, "failed"))
    assert not opens_itself(call(long))
    assert not opens_itself(call(EditDetail(file_path="a")))
    assert opens_itself(call(PlanDetail(text="x")))
    assert not opens_itself(call(ShellDetail(command="x")))


def test_messages_speak_and_calls_fold() -> None:
    assert speaker_of(UserMessage(text="")) == "you"
    assert speaker_of(AssistantMessage(text="")) == "agent"
    assert speaker_of(ErrorItem(message="")) is None
    assert folds(Reasoning(text=""))
    assert not folds(UserMessage(text=""))


def test_the_other_items() -> None:
    todo = Todo(items=[TodoItem(text="a", completed=True), TodoItem(text="b", completed=False)])
    assert row_of(todo, "").bodies == (Plain("[x] a\n[ ] b"),)
    assert row_of(todo, "").subject == "1 of 2 done"
    assert row_of(ErrorItem(message="no"), "").bodies == (Plain("no"),)
    assert row_of(AssistantMessage(text=""), "x").bodies == (Markdown("x"),)
    thought = row_of(Reasoning(text=""), "first\nlast")
    assert (thought.verb, thought.subject) == ("Thought", "first …")
    thinking = row_of(Reasoning(text=""), "first\nlast", streaming=True)
    assert (thinking.verb, thinking.subject) == ("Thinks", "last")
    done = row_of(Compaction(status="completed", trigger="manual", pre_tokens=1200), "")
    assert done.subject == "context made shorter (as asked, 1,200 tokens before)"
    assert "..." in row_of(Compaction(status="loading"), "").subject.replace("…", "...")


def test_an_unknown_call_shows_its_json() -> None:
    row = row_of(call(UnknownDetail(input={"sql": "x"}, output="y")), "")
    assert row.bodies == (Plain('input: {\n  "sql": "x"\n}'), Plain("output: y"))


def test_a_diff_body() -> None:
    row = row_of(call(EditDetail(file_path="a", old_string="x", new_string="y")), "")
    assert isinstance(row.bodies[0], Diff)


@pytest.mark.parametrize("width", [20, 40, 59, 79, 99])
def test_the_note_stands_at_the_right_edge_and_nothing_is_wider(width: int) -> None:
    row = BlockRow("Run", "x" * 200, "exit 1")
    drawn = draw_block(row, Frame(width, PLAIN))
    assert drawn[0].cell_length <= width
    if width > 30:
        assert drawn[0].text.rstrip().endswith("exit 1")
        assert "…" in drawn[0].text


def test_an_open_block_without_anything_says_so() -> None:
    drawn = draw_block(BlockRow("Run", "x"), Frame(60, PLAIN, opened=True))
    assert "nothing more was reported" in drawn[1].text


def test_t40_safe_text() -> None:
    assert safe("a\x1b[31mb\x07\x9b\u202ec\td") == "a[31mbc d"
    assert safe("e" + "\u0301" * 50) == "e" + "\u0301" * 4
    assert safe("a\r\nb") == "a\nb"
    assert one_line("\n\n  a  \nb") == "a …"
    assert one_line(" \n") == ""


def test_words_for_times_and_sizes() -> None:
    assert [elapsed(ms) for ms in (0, 41_000, 723_000, 7_200_000, 400_000_000)] == [
        "0:00", "0:41", "12:03", "2 h", "4 d",
    ]  # fmt: skip
    assert [size(octets) for octets in (12, 1500, 2_500_000)] == ["12 B", "2 KB", "2.5 MB"]
