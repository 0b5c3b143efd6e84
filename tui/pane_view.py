"""The last lines of an agent's work as a live pane shows them: pure, bounded by the pane's size.

Plain text, not Markdown: cheap enough to be drawn four times a second for several agents. Only as
many blocks are read as fill the pane, and of a long message only its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sereno.core.protocol.timeline import (
    AssistantMessage,
    Compaction,
    ErrorItem,
    Reasoning,
    Todo,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    SubAgentDetail,
    UnknownDetail,
    WriteDetail,
)
from sereno.core.protocol.values import given
from sereno.tui.agent_state import AgentState, Need
from sereno.tui.lines import Line, wrap
from sereno.tui.timeline import Block
from sereno.tui.widgets.blocks_tools import denial_of
from sereno.tui.words import cut, one_line

__all__ = ["ending_lines", "failure_lines", "failure_shown", "pane_lines", "tool_words"]

OUTPUT_LINES = 4
"""Of a tool's output a pane shows its end."""


def pane_lines(blocks: Sequence[Block], width: int, height: int) -> list[Line]:
    """The newest lines that fit, oldest first; never more than `height`."""
    gathered: list[list[Line]] = []
    left = height
    for block in reversed(blocks):
        lines = list(_block_lines(block, width, left))[-left:]
        if lines:
            gathered.append(lines)
            left -= len(lines)
        if left <= 0:
            break
    return [line for lines in reversed(gathered) for line in lines]


def failure_lines(state: AgentState, width: int) -> list[Line]:
    """Why an agent failed and what to do, in full; empty for the others."""
    if state.need is not Need.FAILED:
        return []
    cause = given(state.snapshot.last_error, "").strip()
    lines: list[Line] = []
    if cause and not _was_said(state.timeline.blocks, cause):
        told = wrap(cause, width - 2)
        lines += [
            (("  " if number else "x ", "failed"), (text, "failed"))
            for number, text in enumerate(told)
        ]
    step = given(state.extra.next_step, "").strip()
    if step:
        lines += [(("  ", ""), (text, "")) for text in wrap(step, width - 2)]
    return lines


def ending_lines(state: AgentState, width: int) -> list[Line]:
    """Under a talk: why the agent failed, or that nothing came after the last prompt."""
    if not state.unanswered:
        return failure_lines(state, width)
    words = "Stopped before it answered." if state.canceled else "The turn ended without an answer."
    return [((words, "dim"),)]


def _was_said(blocks: Sequence[Block], cause: str) -> bool:
    """Whether the newest blocks say the cause, by itself or at the end of a sentence."""
    for block in blocks[-3:]:
        item = block.item
        words = item.message if isinstance(item, ErrorItem) else block.tail(len(cause) + 200)
        if one_line(words).endswith(one_line(cause)):
            return True
    return False


def failure_shown(state: AgentState, width: int, height: int) -> list[Line]:
    """`failure_lines` in at most `height` lines: from their beginning, and how to see the rest."""
    lines = failure_lines(state, width)
    if len(lines) <= height:
        return lines
    rest: Line = (("  ", ""), ("all of it: ", "dim"), ("enter", "key"))
    return [*lines[: max(0, height - 1)], rest][:height]


def tool_words(call: ToolCall) -> tuple[str, str]:
    """A tool call in two words: what it does (`Run`, `Read`, ...) and on what."""
    match call.detail:
        case ShellDetail(command=command):
            return "$", one_line(command)
        case ReadDetail(file_path=path):
            return "Read", path
        case EditDetail(file_path=path):
            return "Edit", path
        case WriteDetail(file_path=path):
            return "Write", path
        case SearchDetail(query=query):
            return "Search", one_line(query)
        case FetchDetail(url=url):
            return "Fetch", url
        case SubAgentDetail():
            return "Agent", one_line(given(call.detail.description, call.name))
        case PlainTextDetail():
            return "-", one_line(given(call.detail.label, call.name))
        case UnknownDetail():
            return "-", one_line(call.name)
        case _:
            return "-", one_line(call.name)


def _block_lines(block: Block, width: int, height: int) -> Iterator[Line]:
    match block.item:
        case AssistantMessage():
            yield from _prose(block, width, height, "")
        case Reasoning():
            yield from _prose(block, width, height, "dim")
        case UserMessage(text=text):
            for line in wrap(text.strip(), width - 2)[-height:]:
                yield (("› ", "focus"), (line, "strong"))
        case ToolCall():
            yield from _tool(block.item, width)
        case Todo(items=items):
            for entry in items:
                mark = "[x] " if entry.completed else "[ ] "
                style = "dim" if entry.completed else ""
                yield ((mark, "dim"), (cut(one_line(entry.text), width - 4), style))
        case ErrorItem(message=message):
            for line in wrap(message.strip(), width - 2):
                yield (("x ", "failed"), (line, "failed"))
        case Compaction(status=status):
            words = "earlier talk is being condensed" if status == "loading" else "talk condensed"
            yield ((words, "faint"),)


def _prose(block: Block, width: int, height: int, style: str) -> Iterator[Line]:
    tail = block.tail((height + 1) * max(width, 1) * 2)
    lines = [line for line in wrap(tail.strip("\n"), width) if line.strip() or len(tail) < 2]
    for line in lines[-height:]:
        yield ((line, style),)


def _tool(call: ToolCall, width: int) -> Iterator[Line]:
    verb, subject = tool_words(call)
    mark, style = {
        "running": ("…", "busy"),
        "completed": ("", "dim"),
        "failed": ("failed", "failed"),
        "canceled": ("stopped", "dim"),
    }[call.status]
    if denial_of(call) is not None:
        mark, style = "denied", "dim"
    room = width - len(verb) - 1 - len(mark) - 2
    yield ((f"{verb} ", style), (cut(subject, room), "code"), (mark and f"  {mark}", style))
    if isinstance(call.detail, ShellDetail):
        output = given(call.detail.output, "").rstrip().splitlines()
        for text in output[-OUTPUT_LINES:]:
            yield (("  ", ""), (cut(text.expandtabs(4), width - 2), "dim"))
