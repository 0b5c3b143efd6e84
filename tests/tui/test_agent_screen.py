"""The agent screen: how its parts share the keyboard, its words, and pictures of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from sereno.core.protocol.agents import QueuedPrompt, Usage
from sereno.core.protocol.permissions import PermissionAction
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Reasoning,
    TimelineItem,
    Todo,
    TodoItem,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.tools import EditDetail, ReadDetail, SearchDetail, ShellDetail
from sereno.tui.app import SerenoApp
from sereno.tui.messages import Seen
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.screens.fleet.screen import FleetScreen
from tests.tui import sample
from tests.tui.agent_place import place
from tests.tui.idle import until

SIZES = [pytest.param((100, 30), id="100x30"), pytest.param((60, 20), id="60x20")]

TALK: list[TimelineItem] = [
    UserMessage(text="Vouchers are ignored at checkout. Fix it and add a test."),
    AssistantMessage(text="I will look at the **cart** first; `Cart.total()` is where it happens."),
    Reasoning(text="The cart sums the prices before the voucher is known."),
    ToolCall(
        call_id="r", name="Read", status="completed",
        detail=ReadDetail(file_path="src/checkout/cart.py", content="x = 1\n" * 120),
    ),
    ToolCall(
        call_id="s", name="Search", status="completed",
        detail=SearchDetail(query="voucher", num_matches=9),
    ),
    ToolCall(
        call_id="e", name="Edit", status="completed",
        detail=EditDetail(
            file_path="src/checkout/cart.py",
            unified_diff="@@ -88,2 +88,4 @@ class Cart:\n     def total(self) -> Decimal:\n"
            "+        if self.voucher is not None:\n"
            "+            amount -= self.voucher.value\n"
            "-        return amount\n+        return max(amount, ZERO)\n",
        ),
    ),
    Todo(items=[TodoItem(text="take the voucher off", completed=True),
                TodoItem(text="a test for it", completed=False)]),
    ToolCall(
        call_id="p", name="Bash", status="running",
        detail=ShellDetail(command="pytest tests/checkout -x", output="42 of 118\n"),
    ),
    AssistantMessage(text="The total never goes below zero now; the existing rounding rule still "
                          "applies, so I kept Decimal throughout and"),
]  # fmt: skip

PSQL = sample.request(
    1,
    ShellDetail(
        command="psql -h localhost -U shop -c 'create database scratch'",
        cwd=f"{sample.HOME}/src/shop",
    ),
    41,
    actions=[
        PermissionAction(id="once", label="Allow", behavior="allow"),
        PermissionAction(id="always", label="Always", behavior="allow", standing=True),
        PermissionAction(id="no", label="Reject", behavior="deny"),
    ],
)


async def test_esc_goes_to_the_view_and_then_to_the_fleet() -> None:
    async with place(TALK) as here:
        await here.press("escape")
        assert here.talk.has_focus
        await here.press("escape")
        await here.until(lambda: isinstance(here.app.screen, FleetScreen))


async def test_tab_goes_round_the_parts() -> None:
    async with place(TALK, status="running", pending=[PSQL]) as here:
        await here.press("tab")
        assert here.talk.has_focus
        await here.press("tab")
        assert here.screen.panel.has_focus
        await here.press("tab")
        assert here.composer.has_focus
        await here.press("shift+tab")
        assert here.screen.panel.has_focus


async def test_i_goes_to_the_composer() -> None:
    async with place(TALK) as here:
        await here.press("escape", "i")
        assert here.composer.has_focus
        assert here.composer.text == ""


async def test_the_head_says_who_how_and_since_when() -> None:
    usage = Usage(context_window_used_tokens=61, context_window_max_tokens=100, total_cost_usd=1.12)
    async with place(TALK, status="running", since=190, last_usage=usage) as here:
        head = here.words("#head")
        assert "Tax · demo · busy 3:10" in head
        assert "Ask always   context 61 %   $1.12" in head


async def test_a_request_elsewhere_is_named_in_the_head() -> None:
    async with place(TALK) as here:
        other = sample.agent(2, "Other", status="running", pending=[PSQL])
        here.app.model.apply(sample.listing([here.link.agents[0], other]))
        await here.settle()
        assert "! 1 waits  ctrl+g" in here.words("#head")


async def test_an_agent_that_is_archived_elsewhere_says_so() -> None:
    async with place(TALK) as here:
        here.app.model.apply(sample.listing([]))
        await here.settle()
        assert "archived" in here.words("#head")


async def test_the_footer_names_the_keys_of_the_part() -> None:
    async with place(TALK, status="running", pending=[PSQL]) as here:
        footer = here.screen.query_one("#footer")
        assert ("enter", "queue") in footer._keys  # type: ignore[attr-defined]
        await here.press("escape")
        assert ("i", "write") in footer._keys  # type: ignore[attr-defined]
        here.screen.panel.focus()
        await here.pilot.pause()
        assert ("y", "allow once") in footer._keys  # type: ignore[attr-defined]


async def test_the_editor_gets_the_text_and_gives_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []

    def edit(app: object, text: str) -> str:
        del app
        given.append(text)
        return "from the editor"

    monkeypatch.setattr("sereno.tui.screens.agent.prompts.edit_text", edit)
    async with place(TALK) as here:
        await here.type("short")
        await here.press("ctrl+x", "e")
        await here.until(lambda: here.composer.text == "from the editor")
        assert given == ["short"]


async def test_another_theme_draws_the_talk_anew() -> None:
    async with place(TALK) as here:
        before = [segment.style for segment in here.talk.render_line(1)]
        here.app.theme = "sereno-light"
        await here.until(lambda: [each.style for each in here.talk.render_line(1)] != before)


async def test_an_empty_talk_says_so() -> None:
    async with place([]) as here:
        assert "Nothing has been said yet." in here.talk.render_line(0).text


async def test_an_agent_that_failed_at_its_start_says_why_and_what_to_do() -> None:
    failed: dict[str, Any] = {
        "last_error": "It ended with exit code 7: licence expired.",
        "next_step": "Renew it.",
    }
    async with place([], status="error", size=(60, 20), **failed) as here:
        drawn = " ".join(here.talk.render_line(y).text.strip() for y in range(5))
        assert "It ended with exit code 7: licence expired." in drawn
        assert "Renew it." in drawn


async def test_stopping_is_said_until_it_has_stopped() -> None:
    async with place(TALK, status="running") as here:
        await here.press("ctrl+c")
        assert "Stopping" in here.hint()
        await here.update(status="idle")
        assert "Stopping" not in here.hint()


async def test_looking_at_it_takes_the_mark_of_attention_once() -> None:
    async with place(TALK, status="running") as here:
        await here.press("a")
        for _ in range(3):
            await here.update(
                status="idle",
                requires_attention=True,
                attention_reason="finished",
                attention_timestamp=sample.stamp(1),
            )
        assert len(here.acts(Seen)) == 1


# -- pictures --------------------------------------------------------------------------------------


class Picture:
    """An app at one agent's screen at the frozen time, for a snapshot."""

    def __init__(self, *, no_colour: bool = False, **more: Any) -> None:
        more.setdefault("status", "running")
        more.setdefault("since", 190)
        link = sample.StillLink(
            [sample.agent(1, "Vouchers at checkout", provider="claude", **more)], items={1: TALK}
        )
        self.app: SerenoApp = sample.app(link, no_colour=no_colour)
        self.now = 1000.0
        self.app.monotonic = lambda: self.now

    async def open(self, pilot: Pilot[str]) -> AgentScreen:
        await until(pilot, lambda: self.app.model.loaded)
        self.app.open_agent(next(iter(self.app.model.agents)))
        await until(
            pilot, lambda: isinstance(self.app.screen, AgentScreen) and self.app.screen.is_mounted
        )
        screen = self.app.screen
        assert isinstance(screen, AgentScreen)
        screen.refresh_all()
        await pilot.pause()
        return screen

    async def look(self, pilot: Pilot[str], *, alive: bool) -> None:
        """The request takes the keyboard; `alive`: and its keys work."""
        screen = await self.open(pilot)
        self.now += 10
        screen.panel._look_around()
        await until(pilot, lambda: screen.panel.has_focus)
        self.now += 1.0 if alive else 0.1
        screen.panel._woken()
        await pilot.pause()


Steps = Callable[[Picture, Pilot[str]], Awaitable[object]]


def compare(snap: Any, size: tuple[int, int], picture: Picture, steps: Steps) -> None:
    async def before(pilot: Pilot[str]) -> None:
        await steps(picture, pilot)

    assert snap(picture.app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_the_talk(snap_compare: Any, size: tuple[int, int]) -> None:
    async def steps(picture: Picture, pilot: Pilot[str]) -> None:
        await picture.open(pilot)
        await pilot.press(*"also", "space", *"an", "space", *"expired", "space", *"one")

    compare(snap_compare, size, Picture(), steps)


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_a_request(snap_compare: Any, size: tuple[int, int]) -> None:
    async def steps(picture: Picture, pilot: Pilot[str]) -> None:
        await picture.look(pilot, alive=False)

    compare(snap_compare, size, Picture(pending=[PSQL]), steps)


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_a_request_without_colour(
    snap_compare: Any, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def steps(picture: Picture, pilot: Pilot[str]) -> None:
        await picture.look(pilot, alive=True)

    compare(snap_compare, size, Picture(no_colour=True, pending=[PSQL]), steps)


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_a_long_request(snap_compare: Any, size: tuple[int, int]) -> None:
    long = ShellDetail(command="\n".join(f"echo step {number} of 40" for number in range(40)))
    second = sample.request(2, ShellDetail(command="ls"), 10)

    async def steps(picture: Picture, pilot: Pilot[str]) -> None:
        await picture.look(pilot, alive=True)
        await pilot.press("space")

    compare(snap_compare, size, Picture(pending=[sample.request(1, long, 41), second]), steps)


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_a_session_rule(snap_compare: Any, size: tuple[int, int]) -> None:
    async def steps(picture: Picture, pilot: Pilot[str]) -> None:
        await picture.look(pilot, alive=True)
        await pilot.press("s")
        picture.now += 1.0
        screen = picture.app.screen
        assert isinstance(screen, AgentScreen)
        screen.panel._woken()
        picture.now += 1.0
        screen.panel._woken()
        await pilot.pause()

    compare(snap_compare, size, Picture(pending=[PSQL]), steps)


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_files_and_a_queue(snap_compare: Any, size: tuple[int, int]) -> None:
    queued = QueuedPrompt(id="q1", text="also cover an expired voucher", queued_at=sample.stamp(20))

    async def steps(picture: Picture, pilot: Pilot[str]) -> None:
        screen = await picture.open(pilot)
        await pilot.press("at")
        await until(pilot, lambda: screen.query_one("#picker").display)
        await pilot.press("down")

    compare(snap_compare, size, Picture(queue=[queued]), steps)


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_the_view_without_colour(
    snap_compare: Any, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def steps(picture: Picture, pilot: Pilot[str]) -> None:
        await picture.open(pilot)
        await pilot.press("escape", "alt+up", "alt+up", "alt+up")

    compare(snap_compare, size, Picture(no_colour=True), steps)


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_words_for_the_agent(snap_compare: Any, size: tuple[int, int]) -> None:
    async def steps(picture: Picture, pilot: Pilot[str]) -> None:
        await picture.look(pilot, alive=True)
        await pilot.press("r")
        picture.now += 1.0
        screen = picture.app.screen
        assert isinstance(screen, AgentScreen)
        screen.panel._woken()
        await pilot.pause()
        await pilot.press(*"use", "space", *"the", "space", *"fixture")

    compare(snap_compare, size, Picture(pending=[PSQL]), steps)
