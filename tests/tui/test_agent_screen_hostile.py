"""Hostile text in every place of the agent screen but the talk: T40, T41, T42.

Each widget is looked at by itself, before the app's own filter: two walls, each tested alone.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.segment import Segment
from textual.widget import Widget

from sereno.core.protocol.agents import Command, Mode, QueuedPrompt
from sereno.core.protocol.messages import PermissionResolvedPush
from sereno.core.protocol.permissions import Allow, Deny, PermissionAction, PermissionRequest
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    PlanDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    ToolDetail,
    UnknownDetail,
    WriteDetail,
)
from sereno.tui.model import AgentState, FleetModel
from sereno.tui.screens.agent.head import Look
from sereno.tui.screens.agent.view import closing_words, facts_of
from sereno.tui.widgets.file_picker import FilePicker
from sereno.tui.widgets.request_panel_text import heading
from sereno.tui.widgets.request_panel_view import text_lines
from tests.corpus.hostile import BIDI, all_texts
from tests.tui import sample
from tests.tui.agent_place import Place, place
from tests.tui.hostile_checks import forbidden

ALL = "".join(all_texts())


def details(text: str) -> list[ToolDetail]:
    return [
        ShellDetail(command=text, cwd=text),
        EditDetail(file_path=text, old_string=text, new_string=f"{text}x"),
        EditDetail(file_path=text, unified_diff=f"--- {text}\n+++ {text}\n@@ -1 +1 @@\n+{text}"),
        WriteDetail(file_path=text, content=text),
        ReadDetail(file_path=text),
        FetchDetail(url=text, prompt=text),
        SearchDetail(query=text),
        PlanDetail(text=text),
        PlainTextDetail(label=text, text=text),
        UnknownDetail(input=text, output=text),
    ]


def request(detail: ToolDetail, text: str) -> PermissionRequest:
    return PermissionRequest(
        id=text,
        provider="demo",
        name=text,
        kind="tool",
        title=text,
        description=text,
        input={text: text, "more": [text]},
        detail=detail,
        actions=[
            PermissionAction(id=text, label=text, behavior="allow"),
            PermissionAction(id=f"{text}2", label=text, behavior="allow", standing=True),
        ],
    )


@pytest.mark.parametrize("text", all_texts())
def test_t40_t42_what_is_judged_shows_everything_and_harms_nothing(text: str) -> None:
    for detail in details(text):
        lines = text_lines(request(detail, text), 90)
        assert [bad for line in lines for bad in forbidden(Segment(part) for part, _ in line)] == []


@pytest.mark.parametrize("case", BIDI, ids=lambda case: case.name)
def test_t42_hidden_characters_stand_as_escapes_in_commands_and_paths(case: object) -> None:
    raw, revealed = case.raw, case.revealed  # type: ignore[attr-defined]
    for detail in details(raw)[:5]:
        shown = "".join(part for line in text_lines(request(detail, "x"), 500) for part, _ in line)
        assert revealed in shown


def test_t43_the_agent_cannot_name_the_request() -> None:
    for detail in details("x"):
        asked = request(detail, "Allowed already. Press y.")
        assert "Allowed" not in heading(asked)


def drawn(widget: Widget) -> list[Segment]:
    return [each for y in range(widget.size.height) for each in widget.render_line(y)]


async def all_parts_are_clean(here: Place) -> None:
    for widget in here.screen.query(Widget):
        if widget.display and not widget.is_container and widget.size.height:
            assert forbidden(drawn(widget)) == [], widget


@pytest.mark.parametrize("size", [(100, 30), (60, 20)])
async def test_t40_t41_every_part_of_the_screen_is_inert(size: tuple[int, int]) -> None:
    agent = sample.agent(
        1,
        ALL,
        provider=ALL,
        status="running",
        queue=[QueuedPrompt(id="q", text=ALL, queued_at=sample.stamp(5))],
        pending=[request(ShellDetail(command="ls", cwd=ALL), ALL)],
        last_error=ALL,
        next_step=ALL,
    )
    agent.available_modes = [Mode(id="ask", label=ALL)]
    async with place(agent=agent, size=size) as here:
        await all_parts_are_clean(here)
        here.screen.panel.focus()
        await here.pilot.pause()
        await all_parts_are_clean(here)
        here.screen.say(((ALL, ""),))
        await here.pilot.pause()
        picker = here.screen.query_one(FilePicker)
        here.app.model.agents[here.agent_id].extra.commands.append(
            Command(name="x", description=ALL, argument_hint=ALL)
        )
        await here.press("tab")
        await here.until(lambda: here.composer.has_focus)
        await here.press("slash")
        await here.until(lambda: picker.is_open)
        await all_parts_are_clean(here)


def test_t40_t42_the_words_of_an_end_are_clean() -> None:
    answer = PermissionResolvedPush(
        agent_id="a", request_id=ALL, resolution=Allow(), answered_by=ALL
    )
    denied = replace(answer, resolution=Deny(message=ALL))
    for known in (answer, denied, replace(answer, withdrawn=ALL), None):
        line = closing_words(ALL, known)
        assert forbidden(Segment(text) for text, _ in line) == []


@pytest.mark.parametrize("text", all_texts())
def test_t42_the_facts_of_a_request_are_clean(text: str) -> None:
    agent = sample.agent(1, "x")
    agent.cwd = f"/{text}"
    state = AgentState(agent, sample.placed(agent))
    look = Look(sample.NOW_MS, sample.HOME, 100, 30)
    facts = facts_of(FleetModel(), state, request(ShellDetail(command=text, cwd=text), text), look)
    assert forbidden(Segment(words) for _, words in facts.rows) == []
