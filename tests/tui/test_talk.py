"""The talk with real keys: streaming, following, folding, going up, and hostile text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from sereno.core.protocol.timeline import (
    AssistantMessage,
    Compaction,
    ErrorItem,
    Reasoning,
    TimelineItem,
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
    WriteDetail,
)
from sereno.tui.messages import LoadOlder
from sereno.tui.timeline import Block, Row, Timeline
from sereno.tui.widgets.blocks_palette import PLAIN
from sereno.tui.widgets.talk_lines import Looks, TalkLines
from tests.corpus.hostile import all_texts
from tests.tui.agent_place import Place, place
from tests.tui.hostile_checks import forbidden


def call(detail: ToolDetail, call_id: str = "c", status: str = "completed") -> ToolCall:
    return ToolCall(call_id=call_id, name="tool", detail=detail, status=status)  # type: ignore[arg-type]


def many(number: int) -> list[TimelineItem]:
    items: list[TimelineItem] = []
    for index in range(number):
        items.append(UserMessage(text=f"question {index}"))
        items.append(AssistantMessage(text=f"answer {index}\n\nwith a **second** paragraph"))
    return items


def seen(here: Place) -> list[str]:
    """What is on the screen of the talk now."""
    talk = here.talk
    return [talk.render_line(y).text.rstrip() for y in range(talk.size.height)]


async def test_a_message_streams_plain_and_is_markdown_when_it_closes() -> None:
    async with place(status="running") as here:
        await here.say(UserMessage(text="go"))
        await here.say(AssistantMessage(text="Some **bold** and `co"))
        assert "Some **bold** and `co" in here.talk.text()
        await here.say(AssistantMessage(text="de`."))
        assert "Some **bold** and `code`." in here.talk.text()
        await here.say(call(ShellDetail(command="ls")))
        assert "Some bold and code." in here.talk.text()


async def test_line_ends_stay_when_a_message_closes() -> None:
    async with place([AssistantMessage(text="one\ntwo\n\n- a\n  b")]) as here:
        assert [line.strip() for line in here.talk.text().split("\n")][1:] == [
            "one",
            "two",
            "",
            "• a",
            "b",
        ]


async def test_a_finished_paragraph_is_markdown_while_the_next_one_streams() -> None:
    async with place(status="running") as here:
        await here.say(AssistantMessage(text="One **bold**.\n\nTwo **bo"))
        text = here.talk.text()
        assert "One bold." in text
        assert "Two **bo" in text


async def test_the_end_of_the_turn_closes_the_message() -> None:
    async with place(status="running") as here:
        await here.say(AssistantMessage(text="All **done**"))
        assert "**done**" in here.talk.text()
        await here.update(status="idle")
        assert "All done" in here.talk.text()


async def test_it_follows_the_end_until_the_person_goes_up() -> None:
    async with place(many(30), status="running") as here:
        assert "paragraph" in seen(here)[-1]
        await here.say(AssistantMessage(text="news 1"))
        assert any("news 1" in line for line in seen(here))
        await here.press("escape", "k", "k", "k")
        assert not here.talk.following
        before = seen(here)
        await here.say(ErrorItem(message="news 2"))
        assert seen(here) == before
        assert "new below" in here.hint()
        await here.press("G")
        assert here.talk.following
        assert any("news 2" in line for line in seen(here))
        assert "new below" not in here.hint()


async def test_what_is_read_stays_in_place_while_older_blocks_are_drawn() -> None:
    async with place(many(150), status="running") as here:
        await here.press("escape", "pageup", "pageup")
        before = seen(here)
        await here.until(lambda: here.talk._lines.pending == 0)
        await here.pilot.pause()
        assert seen(here) == before


def drawn(items: Iterable[TimelineItem], width: int = 99, least: int = 10_000) -> TalkLines:
    """The lines of a talk without any widget, everything open that folds."""
    timeline = Timeline()
    timeline.kept = True
    for seq, item in enumerate(items, 1):
        timeline.take(Row(item, seq, seq, 0), "epoch")
    lines = TalkLines()
    looks = Looks(width, PLAIN, "agent", running=True)
    lines.refresh(timeline.blocks, looks, least)
    return lines


def test_opening_a_long_talk_draws_a_screen_and_not_the_talk() -> None:
    lines = drawn(many(150), least=60)
    assert lines.pending > 250
    assert 60 <= lines.height < 80
    assert lines.draw_more(10)
    while lines.draw_more(50):
        pass
    assert lines.pending == 0
    assert "question 0" in lines.line(1)[1].text


async def test_a_talk_is_one_widget_whatever_its_length() -> None:
    async with place(many(29)) as here:
        assert len(here.screen.query("*")) < 40


async def test_tool_calls_fold_with_enter_and_space() -> None:
    items = [
        call(ReadDetail(file_path="a.py", content="first = 1\n"), "1"),
        call(ShellDetail(command="make", output="built it", exit_code=0), "2"),
    ]
    async with place(items) as here:
        assert "built it" not in here.talk.text()
        await here.press("escape", "enter")
        assert "built it" in here.talk.text()
        assert "v Run" in here.talk.text()
        await here.press("space")
        assert "built it" not in here.talk.text()
        await here.press("alt+up", "enter")
        assert "first = 1" in here.talk.text()


async def test_the_chosen_block_is_marked_without_colour() -> None:
    async with place([call(ShellDetail(command="one"), "1"), ErrorItem(message="x")]) as here:
        await here.press("alt+up", "alt+up")
        assert sum(line.startswith("▌") for line in seen(here)) == 1
        assert any(line.startswith("▌> Run") for line in seen(here))


async def test_an_edit_shows_its_diff_with_numbers_and_signs() -> None:
    edit = EditDetail(file_path="a.py", old_string="x\ny\nz", new_string="x\nY\nz")
    async with place([call(edit)]) as here:
        text = here.talk.text()
        assert "+1 -1" in text
        assert " 2     - y" in text
        assert "     2 + Y" in text


async def test_letters_go_to_the_composer_when_they_mean_nothing_here() -> None:
    async with place(many(3)) as here:
        await here.press("escape")
        assert here.talk.has_focus
        await here.type("why")
        assert here.composer.has_focus
        assert here.composer.text == "why"


async def test_g_goes_to_the_oldest_and_then_fetches_older_ones() -> None:
    async with place(many(30)) as here:
        timeline = here.app.model.agents[here.agent_id].timeline
        timeline.has_older = True
        timeline.blocks[0].seq_start = 215
        await here.settle()
        await here.press("escape", "g")
        assert "214 older events: g" in seen(here)[0]
        assert here.acts(LoadOlder) == []
        await here.press("g")
        assert len(here.acts(LoadOlder)) == 1


async def test_selected_text_can_be_copied() -> None:
    async with place([UserMessage(text="copy this line")]) as here:
        await here.pilot.mouse_down(here.talk, offset=(3, 1))
        await here.pilot.hover(here.talk, offset=(11, 1))
        await here.pilot.mouse_up(here.talk, offset=(11, 1))
        await here.pilot.pause()
        assert here.screen.get_selected_text() == "copy this"


@pytest.mark.parametrize("size", [(100, 30), (60, 20), (30, 12), (200, 50)])
async def test_no_line_is_wider_than_the_talk(size: tuple[int, int]) -> None:
    wide = "漢字" * 200
    async with place([*hostile_items(wide), *many(2)], size=size) as here:
        talk = here.talk
        for key in talk._lines.keys:
            if talk._lines.foldable(key):
                talk._lines.toggle(key)
        for y in range(talk._lines.height):
            assert talk._lines.line(y)[1].cell_length <= max(20, min(100, talk.size.width) - 1)


def hostile_items(text: str) -> Iterator[TimelineItem]:
    """The text in every place where an agent can put one."""
    details: list[ToolDetail] = [
        ShellDetail(command=text, output=text, exit_code=1),
        ReadDetail(file_path=text, content=text),
        EditDetail(file_path=text, old_string=text, new_string=f"{text}x"),
        EditDetail(file_path=text, unified_diff=f"@@ -1 +1 @@ {text}\n-{text}\n+{text}"),
        WriteDetail(file_path=text, content=text),
        SearchDetail(query=text, content=text),
        SearchDetail(query=text, web_results=[WebResult(title=text, url=text)]),
        FetchDetail(url=text, result=text),
        SubAgentDetail(
            log=text,
            description=text,
            actions=[SubAgentAction(index=1, tool_name=text, summary=text)],
        ),
        PlainTextDetail(label=text, text=text),
        PlanDetail(text=text),
        UnknownDetail(input={text: text}, output=text),
    ]
    yield UserMessage(text=text)
    yield AssistantMessage(text=text)
    yield Reasoning(text=text)
    yield Todo(items=[TodoItem(text=text, completed=True)])
    yield ErrorItem(message=text)
    yield Compaction(status="completed")
    for number, detail in enumerate(details):
        yield ToolCall(
            call_id=f"{number}", name=text, detail=detail, status="failed", error={"message": text}
        )
    yield AssistantMessage(text=text)


@pytest.mark.parametrize("text", all_texts())
@pytest.mark.parametrize("width", [99, 59])
def test_t40_t41_hostile_text_is_inert_in_every_block(text: str, width: int) -> None:
    lines = drawn(hostile_items(text), width)
    for key in lines.keys:
        if lines.foldable(key) and not lines._is_open(_block(lines, key)):
            lines.toggle(key)
    assert [bad for y in range(lines.height) for bad in forbidden([*lines.line(y)[1]])] == []


def _block(lines: TalkLines, key: str) -> Block:
    return next(block for block in lines._blocks if block.key == key)


async def test_t40_the_widget_adds_nothing_to_what_was_drawn() -> None:
    texts = all_texts()
    async with place([AssistantMessage(text=text) for text in texts], size=(60, 20)) as here:
        await here.press("escape", "g")
        while True:
            for y in range(here.talk.size.height):
                assert forbidden([*here.talk.render_line(y)]) == []
            if here.talk.following:
                break
            await here.press("pagedown")


async def test_t41_markup_is_literal_text() -> None:
    async with place([AssistantMessage(text="[@click=app.quit]x[/] [bold]y[/bold]")]) as here:
        assert "[@click=app.quit]x[/] [bold]y[/bold]" in here.talk.text()


async def test_t41_a_link_shows_its_address() -> None:
    async with place([AssistantMessage(text="[click](http://evil.example/x)")]) as here:
        assert "click (http://evil.example/x)" in here.talk.text()
