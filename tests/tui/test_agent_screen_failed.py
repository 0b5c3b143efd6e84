"""A failed agent's screen and pane: cause and next step stand there whole, whatever was said."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.timeline import AssistantMessage, ErrorItem, TimelineItem, UserMessage
from sereno.tui.lines import plain
from sereno.tui.model import FleetModel
from sereno.tui.pane_view import failure_shown
from tests.tui import sample
from tests.tui.agent_place import Place, place

CAUSE = (
    "quitter ended with exit code 7. Its last words: the licence of this machine expired on 1 May"
)
STEP = "Run it by itself in a terminal to see what it lacks."
SAID: list[TimelineItem] = [UserMessage(text="go"), AssistantMessage(text="I begin.")]
SIZES = [pytest.param((100, 30), id="100x30"), pytest.param((60, 20), id="60x20")]


def shown(here: Place) -> str:
    """What is on the screen of the talk now, as running text."""
    lines = [here.talk.render_line(y).text for y in range(here.talk.size.height)]
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("items", [[], SAID], ids=["nothing_said", "something_said"])
async def test_cause_and_next_step_stand_in_full_under_the_talk(
    size: tuple[int, int], items: list[TimelineItem]
) -> None:
    more: dict[str, Any] = {"status": "error", "last_error": CAUSE, "next_step": STEP}
    async with place(items, size=size, **more) as here:
        words = " ".join(word for word in shown(here).split() if word != "x")
        assert f"{CAUSE} {STEP}" in words
        assert "Nothing has been said yet." not in words
        assert STEP in " ".join(here.talk.text().split()), "it can be copied"


@pytest.mark.parametrize(
    "last",
    [
        [ErrorItem(message=CAUSE)],
        [AssistantMessage(text=f"The turn failed: {CAUSE}\n")],
        [ErrorItem(message=CAUSE), ErrorItem(message="That mode is not there.")],
    ],
)
async def test_a_cause_that_the_talk_ends_with_is_not_said_twice(last: list[TimelineItem]) -> None:
    more: dict[str, Any] = {"status": "error", "last_error": CAUSE, "next_step": STEP}
    async with place([*SAID, *last], **more) as here:
        assert " ".join(here.talk.text().split()).count("licence") == 1
        assert STEP in shown(here)


async def test_a_long_cause_scrolls_and_goes_when_the_agent_works_again() -> None:
    cause = "\n".join(f"line {number} of the last words" for number in range(80))
    async with place(SAID, status="error", last_error=cause, next_step=STEP) as here:
        assert STEP in shown(here), "the end is seen first, as of any talk"
        await here.press("escape", "g")
        assert "I begin." in shown(here)
        assert "line 0 of the last words" in shown(here)
        await here.press("pagedown")
        assert "line 30 of the last words" in shown(here)
        await here.press("G")
        await here.update(status="running")
        assert "last words" not in here.talk.text()
        assert "I begin." in shown(here)


async def test_who_reads_above_is_told_of_the_failure_below() -> None:
    items = [UserMessage(text=f"question {number}") for number in range(60)]
    async with place(items, status="running") as here:
        await here.press("escape", "pageup")
        before = shown(here)
        await here.update(status="error", last_error=CAUSE, next_step=STEP)
        assert shown(here) == before
        assert "new below" in here.hint()


async def test_t40_words_of_a_failure_are_inert() -> None:
    hostile = "\x1b]52;c;aGk=\x07\x1b[2Jgone \u202e evil"
    async with place(SAID, status="error", last_error=hostile, next_step=hostile) as here:
        assert not set("\x1b\x07\u202e") & set(here.talk.text())


def test_a_pane_shows_a_failure_from_its_beginning_and_where_the_rest_is() -> None:
    cause = "\n".join(f"line {number}" for number in range(30))
    model = FleetModel()
    model.apply(
        sample.listing([sample.agent(1, "a", status="error", last_error=cause, next_step=STEP)])
    )
    (state,) = model.ordered()
    lines = [plain(line) for line in failure_shown(state, 40, 8)]
    assert lines[0] == "x line 0"
    assert lines[6] == "  line 6"
    assert lines[7].strip() == "all of it: enter"
    whole = [plain(line) for line in failure_shown(state, 40, 60)]
    assert whole[-1].endswith("lacks.")
    assert len(whole) == 32
    assert failure_shown(state, 40, 0) == []
