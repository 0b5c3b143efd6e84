"""Blocks from rows: joining, replacing, gaps, pages, bounds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.core.protocol.messages import TimelinePage
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Cursor,
    Direction,
    Entry,
    Reasoning,
    SeqRange,
    TimelineItem,
    Todo,
    TodoItem,
    ToolCall,
    UserMessage,
    Window,
)
from sereno.core.protocol.tools import ShellDetail, UnknownDetail
from sereno.tui.timeline import KEPT_BLOCKS, TAIL_BLOCKS, Row, Taken, Timeline

EPOCH = "e1"


def text(words: str) -> AssistantMessage:
    return AssistantMessage(text=words)


def call(status: str = "running", command: str = "make", name: str = "t1") -> ToolCall:
    return ToolCall(
        call_id=name,
        name="Bash",
        status=status,  # type: ignore[arg-type]
        detail=ShellDetail(command=command),
    )


def take(timeline: Timeline, seq: int, item: TimelineItem, epoch: str = EPOCH) -> Taken:
    return timeline.take(Row(item, seq, seq, 1000 + seq), epoch)


def filled(*items: TimelineItem) -> Timeline:
    timeline = Timeline()
    for seq, item in enumerate(items, 1):
        assert take(timeline, seq, item) is Taken.APPLIED
    return timeline


def page(
    first: int,
    items: list[TimelineItem],
    direction: Direction = "tail",
    *,
    epoch: str = EPOCH,
    reset: bool = False,
    older: bool = False,
    newest: int | None = None,
) -> TimelinePage:
    last = first + len(items) - 1
    newest = last if newest is None else newest
    return TimelinePage(
        request_id="r", agent_id="a", agent=None, direction=direction, projection="projected",
        epoch=epoch, reset=reset, stale_cursor=reset, gap=False,
        window=Window(min_seq=1, max_seq=newest, next_seq=newest + 1),
        start_cursor=Cursor(epoch=epoch, seq=first) if items else None,
        end_cursor=Cursor(epoch=epoch, seq=last) if items else None,
        has_older=older, has_newer=newest > last, error=None,
        entries=[
            Entry(provider="demo", item=item, timestamp="2026-05-03T10:00:00.000Z", seq_start=seq,
                  seq_end=seq, source_seq_ranges=[SeqRange(start_seq=seq, end_seq=seq)],
                  collapsed=[])
            for seq, item in enumerate(items, first)
        ],
    )  # fmt: skip


def shown(timeline: Timeline) -> list[str]:
    return [
        block.text if isinstance(block.item, AssistantMessage) else type(block.item).__name__
        for block in timeline.blocks
    ]


def test_chunks_are_joined_and_a_block_keeps_its_key() -> None:
    timeline = filled(text("Hel"))
    key, version = timeline.blocks[0].key, timeline.blocks[0].version
    take(timeline, 2, text("lo"))
    assert shown(timeline) == ["Hello"]
    assert timeline.blocks[0].key == key
    assert timeline.blocks[0].version > version
    assert timeline.blocks[0].open


def test_text_after_a_tool_is_another_block() -> None:
    timeline = filled(text("a"), call(), text("b"), Reasoning(text="c"))
    assert shown(timeline) == ["a", "ToolCall", "b", "Reasoning"]
    assert [block.open for block in timeline.blocks] == [False, False, False, True]


def test_a_tool_call_is_replaced_in_place() -> None:
    timeline = filled(call(), text("meanwhile"), call("completed"))
    assert shown(timeline) == ["ToolCall", "meanwhile"]
    item = timeline.blocks[0].item
    assert isinstance(item, ToolCall)
    assert item.status == "completed"


def test_text_goes_on_past_an_update_in_place() -> None:
    timeline = filled(call(), text("a"), call("completed"), text("b"))
    assert shown(timeline) == ["ToolCall", "ab"], "the update made no block between"


def test_an_unknown_detail_hides_nothing() -> None:
    late = ToolCall(
        call_id="t1", name="Bash", status="failed", error="x",
        detail=UnknownDetail(input=None, output=None),
    )  # fmt: skip
    timeline = filled(call(command="make all"), late)
    item = timeline.blocks[0].item
    assert isinstance(item, ToolCall)
    assert isinstance(item.detail, ShellDetail)
    assert item.status == "failed"


def test_a_plan_moves_to_the_end() -> None:
    first = Todo(items=[TodoItem(text="one", completed=False)])
    timeline = filled(first, text("a"), Todo(items=[TodoItem(text="one", completed=True)]))
    assert shown(timeline) == ["a", "Todo"]


def test_known_rows_are_dropped_and_a_gap_is_told() -> None:
    timeline = filled(text("a"), text("b"))
    assert take(timeline, 2, text("b")) is Taken.OLD
    assert take(timeline, 4, text("d")) is Taken.GAP
    assert shown(timeline) == ["ab"]
    assert take(timeline, 3, text("c"), epoch="e2") is Taken.RESET


def test_the_tail_replaces_everything_and_says_so() -> None:
    timeline = filled(text("old"))
    generation = timeline.generation
    assert timeline.load(page(7, [text("new")], epoch="e2", older=True)) is Taken.APPLIED
    assert shown(timeline) == ["new"]
    assert timeline.generation > generation
    assert timeline.has_older
    assert take(timeline, 8, text("er"), epoch="e2") is Taken.APPLIED
    assert shown(timeline) == ["newer"]


def test_rows_that_come_during_a_fetch_are_kept_in_order() -> None:
    timeline = Timeline()
    timeline.fetching = True
    assert take(timeline, 3, text("c")) is Taken.WAITING
    assert take(timeline, 4, text("d")) is Taken.WAITING
    assert timeline.load(page(1, [text("a"), text("b"), text("c")])) is Taken.APPLIED
    assert shown(timeline) == ["abcd"]


def test_a_page_that_ends_before_the_waiting_rows_asks_again() -> None:
    timeline = Timeline()
    timeline.fetching = True
    take(timeline, 9, text("i"))
    assert timeline.load(page(1, [text("a")])) is Taken.GAP


def test_a_page_after_the_end_goes_on_with_the_open_block() -> None:
    timeline = filled(text("a"), call())
    timeline.loaded = True
    timeline.load(page(3, [call("completed"), text("b")], "after"))
    assert shown(timeline) == ["a", "ToolCall", "b"]
    assert timeline.last_seq == 4


def test_older_pages_stand_before_and_join_at_the_seam() -> None:
    timeline = Timeline()
    timeline.load(page(4, [text("d"), call("completed")], older=True))
    timeline.load_older(page(1, [UserMessage(text="q"), call(), text("c")], "before"))
    assert shown(timeline) == ["UserMessage", "ToolCall", "cd"]
    item = timeline.blocks[1].item
    assert isinstance(item, ToolCall)
    assert item.status == "completed", "the older page knows an older state of the call"
    assert not timeline.has_older
    assert timeline.first_seq == 1


def test_an_older_page_of_another_epoch_is_ignored() -> None:
    timeline = filled(text("a"))
    timeline.load_older(page(1, [text("z")], "before", epoch="e9"))
    assert shown(timeline) == ["a"]


def test_it_is_bounded() -> None:
    timeline = Timeline()
    for seq in range(1, 1001):
        take(timeline, seq, call(name=f"t{seq}"))
    assert len(timeline.blocks) <= TAIL_BLOCKS * 1.25
    assert timeline.has_older
    assert timeline.blocks[-1].key == "tool:t1000"
    timeline.kept = True
    for seq in range(1001, 2001):
        take(timeline, seq, call(name=f"t{seq}"))
    assert TAIL_BLOCKS < len(timeline.blocks) <= KEPT_BLOCKS * 1.25


def test_the_end_of_a_long_text_costs_its_end_only() -> None:
    timeline = filled(*[text(f"{number:04d} ") for number in range(500)])
    block = timeline.blocks[0]
    assert block.tail(10) == "0498 0499 "
    assert len(block._parts) == 500, "nothing was joined for it"
    assert block.text.startswith("0000 0001")


@settings(max_examples=60)
@given(st.data())
def test_live_rows_and_pages_in_any_cut_give_the_same_blocks(data: st.DataObject) -> None:
    count = data.draw(st.integers(min_value=1, max_value=25))
    kinds = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    items: list[TimelineItem] = []
    for place, kind in enumerate(kinds):
        made: list[TimelineItem] = [
            text(f"<{place}>"),
            Reasoning(text=f"({place})"),
            call("running", name=f"t{place % 3}"),
            UserMessage(text=f"q{place}"),
        ]
        items.append(made[kind])
    straight = filled(*items)
    cut = data.draw(st.integers(min_value=0, max_value=count - 1))
    paged = Timeline()
    paged.fetching = True
    seen_live = data.draw(st.integers(min_value=0, max_value=count - cut))
    for seq in range(count - seen_live + 1, count + 1):
        take(paged, seq, items[seq - 1])
    upto = data.draw(st.integers(min_value=max(1, count - seen_live), max_value=count))
    paged.load(page(1, items[:upto]))
    for seq in range(1, count + 1):
        take(paged, seq, items[seq - 1])
    assert [(block.key, block.text) for block in paged.blocks] == [
        (block.key, block.text) for block in straight.blocks
    ]
