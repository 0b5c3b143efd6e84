"""Tool calls in lines: each once, with arguments that the program sends a moment later."""

from __future__ import annotations

from typing import Literal

from sereno.core.protocol.timeline import ToolCall
from sereno.core.protocol.tools import (
    EditDetail,
    PlainTextDetail,
    ShellDetail,
    ToolDetail,
    UnknownDetail,
)
from sereno.tui.cli.printer import Printer


def call(
    detail: ToolDetail,
    name: str = "bash",
    status: Literal["running", "completed", "failed"] = "running",
) -> ToolCall:
    error = {"message": "no room"} if status == "failed" else None
    return ToolCall(call_id="c1", name=name, detail=detail, status=status, error=error)


def printed(*items: ToolCall) -> str:
    parts: list[str] = []
    printer = Printer(parts.append, parts.append)
    for item in items:
        printer.item(item)
    printer.finish()
    return "".join(parts)


TOUCH = ShellDetail(command="touch a")


def test_a_call_is_printed_once_when_its_arguments_are_there() -> None:
    bare, running = call(ShellDetail(command="")), call(TOUCH)
    done = call(TOUCH, status="completed")
    assert printed(bare, running, running, done) == "* bash: touch a\n"
    assert printed(bare, done) == "* bash: touch a\n"


def test_a_title_that_only_repeats_the_name_is_no_argument() -> None:
    bare = call(PlainTextDetail(label="write"), "write")
    there = call(EditDetail(file_path="/repo/w.txt"), "write")
    assert printed(bare, there) == "* write: /repo/w.txt\n"


def test_a_call_that_never_gets_arguments_is_not_lost() -> None:
    bare = call(ShellDetail(command=""))
    assert printed(bare) == "* bash\n"
    failed = call(ShellDetail(command=""), status="failed")
    assert printed(bare, failed) == "* bash\n  failed: no room\n"


def test_arguments_without_words_of_their_own_are_not_waited_for() -> None:
    parts: list[str] = []
    printer = Printer(parts.append, parts.append)
    printer.item(call(UnknownDetail(input={"id": 7}, output=None), "lookup"))
    assert "".join(parts) == "* lookup\n"
