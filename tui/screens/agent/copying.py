"""What the agent screen has to copy: the marked block, what was last said and run, the whole talk.

Pure. The copy menu gives each its letter; the app sends the chosen one to the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator

from sereno.core.protocol.timeline import AssistantMessage, ErrorItem, ToolCall, UserMessage
from sereno.core.protocol.tools import EditDetail, ReadDetail, ShellDetail, WriteDetail
from sereno.core.protocol.values import given
from sereno.tui.model import AgentState
from sereno.tui.screens.copy.screen import Piece
from sereno.tui.timeline import Block

__all__ = ["pieces"]


def pieces(state: AgentState | None, agent_id: str, marked: str | None, drawn: str) -> list[Piece]:
    """`marked`: the key of the marked block; `drawn`: the talk as it stands on the screen."""
    found = [] if state is None else list(_said(state, marked))
    found.append(Piece("w", "the whole talk", drawn.strip("\n")))
    found.append(Piece("i", "its id", agent_id))
    if state is not None:
        found.append(Piece("f", "its folder", state.snapshot.cwd))
    found.append(Piece("t", "how to attach", f"sereno attach {agent_id[:8]}"))
    return [piece for piece in found if piece.text.strip()]


def _said(state: AgentState, marked: str | None) -> Iterator[Piece]:
    blocks = state.timeline.blocks
    block = next((block for block in blocks if block.key == marked), None)
    if block is not None:
        yield Piece("b", "this block", _text(block))
    yield Piece("a", "last answer", _last(blocks, AssistantMessage))
    yield Piece("p", "last prompt", _last(blocks, UserMessage))
    shells = [block for block in blocks if _is_shell(block)]
    if shells:
        detail = _detail(shells[-1])
        assert isinstance(detail, ShellDetail)
        yield Piece("r", "last command", detail.command)
        yield Piece("o", "its output", given(detail.output, ""))


def _last(blocks: list[Block], kind: type) -> str:
    return next((block.text for block in reversed(blocks) if isinstance(block.item, kind)), "")


def _detail(block: Block) -> object:
    return block.item.detail if isinstance(block.item, ToolCall) else None


def _is_shell(block: Block) -> bool:
    return isinstance(_detail(block), ShellDetail)


def _text(block: Block) -> str:
    """Of a message its words; of a tool call what it did, and what came of it."""
    if isinstance(block.item, ErrorItem):
        return block.item.message
    match _detail(block):
        case ShellDetail() as detail:
            return f"$ {detail.command}\n{given(detail.output, '')}".rstrip("\n")
        case EditDetail() as detail:
            return given(detail.unified_diff, "") or detail.file_path
        case WriteDetail() as detail:
            return given(detail.content, "") or detail.file_path
        case ReadDetail() as detail:
            return detail.file_path
        case _:
            return block.text
