"""The lines of a talk: which block is at which line, drawn once and kept.

Pure: blocks in, strips out; no widget, no clock. Blocks are drawn from the newest upwards, some
at a time, so that opening a long talk costs a screen and not the talk. Called by talk.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from textual.strip import Strip

from sereno.core.protocol.timeline import AssistantMessage, Reasoning, ToolCall
from sereno.tui.timeline import Block
from sereno.tui.widgets.blocks import folds, opens_itself, row_of, speaker_of
from sereno.tui.widgets.blocks_palette import Palette
from sereno.tui.widgets.blocks_render import NARROW, Frame, Heading, draw_block, draw_speech
from sereno.tui.widgets.blocks_text import clock, elapsed
from sereno.tui.widgets.markdown import draw_plain
from sereno.tui.widgets.markdown_stream import StreamedText, draw_message

__all__ = ["Looks", "TalkLines"]


@dataclass(frozen=True, slots=True)
class Looks:
    """Everything but the blocks that decides how the talk looks."""

    width: int
    palette: Palette
    agent: str
    running: bool = False
    now_ms: int = 0
    folder: str = ""
    """Where the agent works: paths inside are shown relative to it."""
    clock: Callable[[int], str] = clock
    """A time of day, from epoch milliseconds."""


@dataclass(slots=True, eq=False)
class _Drawn:
    stamp: tuple[object, ...] = ()
    strips: list[Strip] = field(default_factory=list)
    stream: StreamedText | None = None
    opens: tuple[int, bool] = (0, False)
    """Whether it opens itself, and for which version that was found out."""


class TalkLines:
    """Drawn blocks and where they begin. `refresh` first, then `draw_more` until it says no."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.starts: list[int] = []
        """First line of each drawn block; blocks before `pending` have none yet."""
        self.height = 0
        self.pending = 0
        """How many of the oldest blocks are not drawn yet."""
        self._blocks: Sequence[Block] = ()
        self._drawn: dict[str, _Drawn] = {}
        self._folded: dict[str, bool] = {}
        self._looks: Looks | None = None
        self._tail: Sequence[Strip] = ()

    def refresh(
        self, blocks: Sequence[Block], looks: Looks, least: int, tail: Sequence[Strip] = ()
    ) -> None:
        """Takes new blocks or looks; draws the newest blocks until `least` lines are there.

        `tail`: lines under the newest block that belong to none.
        """
        self._tail = tail
        old = self._looks
        if old is not None and (old.width, old.palette) != (looks.width, looks.palette):
            self._drawn.clear()
        known = set(self._drawn)
        self._blocks, self._looks = tuple(blocks), looks
        self.keys = [block.key for block in self._blocks]
        gone = known.difference(self.keys)
        for key in gone:
            del self._drawn[key]
        pending = len(self._blocks)
        height = 0
        while pending and (height < least or self._is_drawn(pending - 1)):
            pending -= 1
            height += len(self._strips(pending))
        self.pending = pending
        self._place()

    @property
    def width(self) -> int:
        """Cells that the lines were drawn for; 0 before."""
        return 0 if self._looks is None else self._looks.width

    def _is_drawn(self, index: int) -> bool:
        drawn = self._drawn.get(self.keys[index])
        return drawn is not None and bool(drawn.stamp)

    def draw_more(self, blocks: int) -> bool:
        """Draws up to `blocks` more of the older ones. True while some are left."""
        first = max(0, self.pending - blocks)
        for index in range(first, self.pending):
            self._strips(index)
        self.pending = first
        self._place()
        return first > 0

    def line(self, y: int) -> tuple[str, Strip]:
        """Line `y` from the first drawn one: its block's key and its strip."""
        place = bisect_right(self.starts, y) - 1
        if y >= self.height - len(self._tail):
            return "", self._tail[y - self.height]
        index = self.pending + place
        return self.keys[index], self._drawn[self.keys[index]].strips[y - self.starts[place]]

    def block_at(self, y: int) -> int | None:
        """Which block line `y` belongs to, as an index into `keys`; of the tail, the newest."""
        if not 0 <= y < self.height or not self.starts:
            return None
        return self.pending + bisect_right(self.starts, y) - 1

    def span_of(self, key: str) -> tuple[int, int] | None:
        """First line and height of a block; None where it is not drawn."""
        if key not in self.keys:
            return None
        place = self.keys.index(key) - self.pending
        return (self.starts[place], len(self._drawn[key].strips)) if place >= 0 else None

    def strips_of(self, key: str) -> Sequence[Strip]:
        """The lines of a block; none where it is not drawn."""
        return self._drawn[key].strips if self.span_of(key) is not None else ()

    def foldable(self, key: str) -> bool:
        return any(block.key == key and folds(block.item) for block in self._blocks)

    def toggle(self, key: str) -> None:
        """Opens or closes a block; it stays so for as long as it is here."""
        for index, block in enumerate(self._blocks):
            if block.key == key and folds(block.item):
                self._folded[key] = not self._is_open(block)
                if index >= self.pending:
                    self._strips(index)
        self._place()

    def _is_open(self, block: Block) -> bool:
        chosen = self._folded.get(block.key)
        if chosen is not None:
            return chosen
        drawn = self._drawn.setdefault(block.key, _Drawn())
        if drawn.opens[0] != block.version:
            drawn.opens = (block.version, opens_itself(block.item))
        return drawn.opens[1]

    def _place(self) -> None:
        self.starts.clear()
        height = 0
        for key in self.keys[self.pending :]:
            self.starts.append(height)
            height += len(self._drawn[key].strips)
        self.height = height + len(self._tail)

    def _strips(self, index: int) -> list[Strip]:
        """The lines of one block, drawn again only when something about it changed."""
        looks = self._looks
        assert looks is not None
        block = self._blocks[index]
        above = self._blocks[index - 1] if index else None
        headed = _headed(self._blocks, index)
        streaming = block.open and looks.running
        timer = _timer(block, looks)
        opened = self._is_open(block)
        space = above is not None and _space_between(above, block, headed, looks.width)
        stamp = (block.version, streaming, opened, headed, space, timer, looks.agent)
        drawn = self._drawn.setdefault(block.key, _Drawn())
        if drawn.stamp != stamp:
            drawn.stamp = stamp
            frame = Frame(looks.width, looks.palette, opened, timer)
            lines = self._draw(block, drawn, frame, headed, streaming)
            drawn.strips = [Strip([]), *lines] if space else lines
        return drawn.strips

    def _draw(
        self, block: Block, drawn: _Drawn, frame: Frame, headed: bool, streaming: bool
    ) -> list[Strip]:
        looks = self._looks
        assert looks is not None
        speaker = speaker_of(block.item)
        if speaker is None:
            row = row_of(block.item, block.text, streaming=streaming, folder=looks.folder)
            return draw_block(row, frame)
        lines = self._speech(block, drawn, frame, streaming)
        if not headed:
            return draw_speech(lines, None, frame)
        name = "you" if speaker == "you" else looks.agent
        return draw_speech(lines, Heading(speaker, name, looks.clock(block.at_ms)), frame)

    def _speech(self, block: Block, drawn: _Drawn, frame: Frame, streaming: bool) -> list[Strip]:
        if not isinstance(block.item, AssistantMessage):
            return draw_plain(block.text, frame.text_width, frame.palette)
        if not streaming:
            stream, drawn.stream = drawn.stream, None
            if stream is not None:
                return stream.close(block.text)
            return draw_message(block.text, frame.text_width, frame.palette)
        if drawn.stream is None:
            drawn.stream = StreamedText(frame.text_width, frame.palette)
        return drawn.stream.draw(block.text)


def _headed(blocks: Sequence[Block], index: int) -> bool:
    """Whether a message names its speaker: when the message before it was another's."""
    speaker = speaker_of(blocks[index].item)
    if speaker is None:
        return False
    for above in range(index - 1, -1, -1):
        before = speaker_of(blocks[above].item)
        if before is not None:
            return before != speaker
    return True


def _space_between(above: Block, block: Block, headed: bool, width: int) -> bool:
    """A blank line sets messages off; narrow screens spend one only on a new turn."""
    if width < NARROW:
        return headed and speaker_of(block.item) == "you"
    speech = (speaker_of(above.item) is not None, speaker_of(block.item) is not None)
    return any(speech) or (type(above.item) is not type(block.item) and _is_list(above, block))


def _is_list(above: Block, block: Block) -> bool:
    rows = (ToolCall, Reasoning)
    return not (isinstance(above.item, rows) and isinstance(block.item, rows))


def _timer(block: Block, looks: Looks) -> str:
    running = isinstance(block.item, ToolCall) and block.item.status == "running"
    if not (running and looks.running and looks.now_ms and block.at_ms):
        return ""
    return f"{elapsed(looks.now_ms - block.at_ms)} ..."
