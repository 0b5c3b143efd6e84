"""The talk when the window changes: the width is used at once, and the reader keeps the place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.core.protocol.timeline import AssistantMessage, TimelineItem, UserMessage
from sereno.tui.lines import wrap
from sereno.tui.widgets.blocks_palette import PLAIN
from sereno.tui.widgets.markdown import draw_plain
from sereno.tui.widgets.talk_place import characters_above, line_of
from tests.tui.agent_place import Place, place

SMALL, LARGE = (60, 20), (200, 50)
WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen "


def many(number: int) -> list[TimelineItem]:
    items: list[TimelineItem] = []
    for index in range(number):
        items.append(UserMessage(text=f"question {index}"))
        items.append(AssistantMessage(text=f"answer {index}: {WORDS * 4}"))
    return items


def long_answer(lines: int = 4000) -> str:
    """Lines of very different lengths, each with its number."""
    return "\n".join(f"line-{n} {WORDS * (n * 7 % 5)}".strip() for n in range(lines))


def seen(here: Place) -> list[str]:
    return [here.talk.render_line(y).text.rstrip() for y in range(here.talk.size.height)]


async def resize(here: Place, size: tuple[int, int]) -> None:
    await here.pilot.resize_terminal(*size)
    await here.until(lambda: here.talk.size.width == min(101, size[0]))
    await here.pilot.pause()


def widest(here: Place) -> int:
    return max(len(line) for line in seen(here))


@pytest.mark.parametrize("text", [WORDS * 200, long_answer(300)], ids=["one_line", "lines"])
async def test_the_newest_entry_flows_anew_at_once(text: str) -> None:
    async with place([AssistantMessage(text=text)], size=SMALL) as here:
        assert widest(here) <= 60
        end = seen(here)[-1].split()[-1]
        await resize(here, LARGE)
        assert widest(here) > 80
        assert here.talk.following
        assert seen(here)[-1].split()[-1] == end
        await resize(here, SMALL)
        assert widest(here) <= 60
        assert seen(here)[-1].split()[-1] == end


async def test_the_oldest_entry_stays_on_top() -> None:
    async with place(many(20), size=(100, 30)) as here:
        await here.press("escape", "g")
        assert "question 0" in " ".join(seen(here)[:3])
        for size in (SMALL, LARGE, SMALL, (100, 30)):
            await resize(here, size)
            assert "question 0" in " ".join(seen(here)[:3]), size
            assert not here.talk.following


async def test_the_block_in_the_middle_stays_on_top_and_comes_back() -> None:
    async with place(many(60), size=(100, 30)) as here:
        await here.press("escape", "g", *["pagedown"] * 9)
        before = seen(here)
        for size in (SMALL, LARGE, (80, 24), SMALL):
            await resize(here, size)
            assert place_in(seen(here)) == place_in(before), size
        await resize(here, (100, 30))
        assert seen(here) == before


def place_in(lines: list[str]) -> str:
    """The first answer or question that is named."""
    words = " ".join(lines).split()
    return next(words[n + 1].strip(":") for n, word in enumerate(words) if word == "answer")


async def test_a_line_of_a_very_long_answer_stays_on_top() -> None:
    async with place([AssistantMessage(text=long_answer())], size=(100, 30)) as here:
        await here.press("escape")
        here.talk.scroll_to(y=2500, animate=False, force=True, immediate=True)
        await here.pilot.pause()
        before = first_line(here)
        for size in (SMALL, LARGE, (80, 24), (100, 30)):
            await resize(here, size)
            assert abs(first_line(here) - before) <= 1, size


def first_line(here: Place) -> int:
    words = " ".join(seen(here)).split()
    return next(int(word[5:]) for word in words if word.startswith("line-"))


async def test_who_sees_the_end_after_a_resize_follows_what_comes() -> None:
    async with place(many(6), size=SMALL, status="running") as here:
        await here.press("escape", "k", "k")
        assert not here.talk.following
        await resize(here, (100, 60))
        await here.say(AssistantMessage(text="the news"), UserMessage(text="thanks"))
        assert "thanks" in " ".join(seen(here))
        assert here.talk.following


async def test_an_undrawn_talk_does_not_say_that_nothing_was_said() -> None:
    async with place(many(1)) as here:
        here.talk._lines.height = 0
        here.talk._lines.starts.clear()
        assert "Nothing" not in here.talk.render_line(0).text
        assert "Loading" in here.talk.render_line(0).text


@given(st.text(alphabet="abc xyz\n-|é世", max_size=400), st.integers(8, 60), st.integers(8, 60))
@settings(max_examples=200)
def test_a_place_survives_any_two_widths(text: str, one: int, other: int) -> None:
    before, after = draw_plain(text, one, PLAIN), draw_plain(text, other, PLAIN)
    for offset in range(len(before)):
        above = characters_above(before, offset)
        line = line_of(after, above)
        assert characters_above(after, line) <= above
        assert line == len(after) - 1 or characters_above(after, line + 1) > above


@given(st.text(alphabet="ab  c", max_size=200), st.integers(1, 40))
def test_ascii_is_wrapped_like_any_text(text: str, width: int) -> None:
    """An accent changes the way a text is wrapped by, not where."""
    text = f"a{text}"
    assert [line.replace("a", "\u00e9") for line in wrap(text, width)] == wrap(
        text.replace("a", "\u00e9"), width
    )
