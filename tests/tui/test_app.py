"""Keys of the shell with a real app: moving, acting, and what must not happen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from sereno.core.protocol.messages import AgentCreated, AgentUpserted
from sereno.core.protocol.tools import ShellDetail
from sereno.tui.app import SerenoApp
from sereno.tui.messages import (
    ArchiveAgent,
    CreateAgent,
    EndAgent,
    Rename,
    Seen,
    Unarchive,
)
from sereno.tui.model import Connection, Phase
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.screens.confirm.screen import Confirm
from sereno.tui.screens.first_run.screen import FirstRunScreen
from sereno.tui.screens.fleet.screen import FleetScreen
from sereno.tui.screens.help.screen import HelpScreen
from sereno.tui.screens.leader.screen import LeaderScreen
from sereno.tui.screens.log.screen import LogScreen
from sereno.tui.screens.new_agent.screen import NewAgentScreen
from sereno.tui.widgets.pane import PaneBox
from sereno.tui.widgets.rows import RowList
from tests.tui import sample
from tests.tui.idle import until
from tests.tui.scenes import NARROW, WIDE, alive, settle, shown


def cursor(app: SerenoApp) -> str:
    key = app.screen.query_one("#agents", RowList).cursor_key
    return app.model.agents[key].title if key else ""


async def test_lists_move_like_vim_and_less() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        assert cursor(app) == "Fix the tax rounding"
        for keys, title in [
            ("j", "Repair links in the docs"),
            ("down", "Upgrade the framework"),
            ("k", "Repair links in the docs"),
            ("G", "Notes"),
            ("g", "Fix the tax rounding"),
            ("end", "Notes"),
            ("home", "Fix the tax rounding"),
        ]:
            await pilot.press(keys)
            assert cursor(app) == title, keys


async def test_the_cursor_stays_with_its_agent_when_the_order_changes() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("G")
        assert cursor(app) == "Notes"
        asks = sample.request(9, ShellDetail(command="ls"), 400)
        new = sample.agent(7, "Notes", status="running", pending=[asks], updated=0)
        app.model.apply(AgentUpserted(agent=new))
        await settle(pilot)
        assert cursor(app) == "Notes"
        assert app.model.ordered()[0].title == "Notes"


async def test_panes_show_the_selected_agent_first_and_then_the_pinned() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("G", "space", "g")
        await settle(pilot)
        boxes = [box for box in app.screen.query(PaneBox) if not box.has_class("-off")]
        titles = [app.model.agents[box.agent_id].title for box in boxes]
        assert titles == ["Fix the tax rounding", "Notes"]


async def test_layouts_cycle() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        seen = []
        for _ in range(3):
            left = app.screen.query_one("#left").display
            right = app.screen.query_one("#right").display
            seen.append((left, right))
            await pilot.press("v")
            await settle(pilot)
        assert seen == [(True, True), (True, False), (False, True)]
        before = cursor(app)
        await pilot.press("j")
        assert cursor(app) != before, "a list that was away takes keys again"


async def test_a_window_that_grows_names_its_list() -> None:
    app = sample.app()
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        assert "─ Agents ─" not in shown(app)
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: "─ Agents ─" in shown(app))  # Textual takes its time for that


async def test_panes_disappear_under_80_columns() -> None:
    app = sample.app()
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        assert not app.screen.query_one("#right").display
        assert "wants to run: psql -c 'create database scratch'" in shown(app)


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("enter", AgentScreen),
        ("o", AgentScreen),
        ("n", NewAgentScreen),
        ("l", LogScreen),
        ("L", LogScreen),
        ("question_mark", HelpScreen),
        ("f1", HelpScreen),
        ("3", AgentScreen),
        ("ctrl+g", AgentScreen),
    ],
)
async def test_keys_of_places_and_esc_back(key: str, place: type) -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await settle(pilot)
        assert isinstance(app.screen, place)
        if key == "ctrl+g":
            return  # The request's own keys are dead at first: test_request_panel.py has them.
        for _ in range(3):  # Out of the text, to the view, to the fleet.
            if not isinstance(app.screen, FleetScreen):
                await pilot.press("escape")
                await settle(pilot)
        assert isinstance(app.screen, FleetScreen)


async def test_the_filter_narrows_and_esc_clears_it() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"api", "enter")
        rows = app.screen.query_one("#agents", RowList)
        assert rows.has_focus
        assert len(rows._rows) == 2
        await pilot.press("escape")
        assert len(rows._rows) == 7
        await pilot.press("slash", *"zzz")
        await settle(pilot)
        assert "nothing matches" in shown(app)


async def test_letters_are_text_in_the_filter() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"qxXn?:")
        assert isinstance(app.screen, FleetScreen)
        assert app.focused is not None
        assert app.focused.value == "qxXn?:"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("key", "act"), [("x", EndAgent), ("X", ArchiveAgent)])
async def test_ending_is_confirmed_and_never_by_enter(key: str, act: type) -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link, times=replace(sample.PATIENT, dead=3600))
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press(key)
        assert isinstance(app.screen, Confirm)
        await pilot.press("y")
        assert isinstance(app.screen, Confirm), "keys are dead at first"
        app.screen._enliven()
        await pilot.press("enter")
        assert isinstance(app.screen, Confirm)
        await pilot.press("y")
        await settle(pilot)
        assert [type(each) for each in link.acts] == [act]
        assert link.acts[0].agent_id == sample.fleet()[0].id


async def test_no_is_always_taken_and_does_nothing() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        for back in ("n", "escape", "q"):
            await pilot.press("x", back)
            assert isinstance(app.screen, FleetScreen)
        assert not link.acts


async def test_undo_brings_back_what_was_archived_here() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("u")
        assert not link.acts
        await pilot.press("X")
        await alive(app)
        await pilot.press("y")
        await settle(pilot)
        await pilot.press("u")
        await settle(pilot)
        assert [type(each) for each in link.acts] == [ArchiveAgent, Unarchive]


async def test_rename_asks_with_the_old_name_and_keeps_it_when_left() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("r", "escape")
        await pilot.press("r", "enter")
        assert not link.acts
        await pilot.press("r", *" bug", "enter")
        await settle(pilot)
        assert link.acts == [Rename(sample.fleet()[0].id, "Fix the tax rounding bug")]


async def test_a_refused_act_is_said_in_words() -> None:
    link = sample.StillLink(sample.fleet())
    link.refusal = "The name is taken."
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("r", *"x", "enter")
        await settle(pilot)
        assert "The name is taken. Try again." in shown(app)


async def test_opening_clears_the_mark_of_attention() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        app.open_agent(sample.fleet()[5].id)
        await settle(pilot)
        assert Seen(sample.fleet()[5].id) in link.acts


async def test_first_run_starts_the_task_with_enter_alone() -> None:
    link = sample.StillLink(virgin=True)
    made = sample.fleet()[2]
    link.reply = AgentCreated(request_id="c", agent_id=made.id, agent=made)
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, FirstRunScreen)
        app.model.apply(AgentUpserted(agent=made))
        await pilot.press("enter")
        await settle(pilot)
        (act,) = [each for each in link.acts if isinstance(each, CreateAgent)]
        assert act.provider == "claude", "the first that is ready"
        assert act.folder == "/home/ada/src/shop"
        assert act.mode_id == "ask"
        assert act.task.startswith("Explain this repository")
        assert isinstance(app.screen, AgentScreen)
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert isinstance(app.screen, FleetScreen), "it is shown once"


async def test_first_run_says_why_a_start_failed_and_keeps_the_task() -> None:
    link = sample.StillLink(virgin=True)
    link.refusal = "claude-code-acp was not found."
    app = sample.app(link)
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        await pilot.press(*"hi", "enter")
        await settle(pilot)
        assert isinstance(app.screen, FirstRunScreen)
        assert "claude-code-acp was not found. Try" in shown(app).replace("\n", " ")
        await pilot.press("enter")
        await settle(pilot)
        assert [each.task for each in link.acts if isinstance(each, CreateAgent)] == ["hi", "hi"]


async def test_a_new_agents_draft_outlives_its_screen() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("n", *"do it", "escape")
        assert isinstance(app.screen, FleetScreen)
        await pilot.press("n")
        await settle(pilot)
        assert "do it" in shown(app)
        assert "claude-code-acp   in   ~/src/shop" in shown(app)


async def test_another_agent_changes_modes_and_command() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("n")
        app.screen.query_one("#agent").focus()
        await pilot.press("right")
        await settle(pilot)
        assert "codex-acp   in" in shown(app)
        await pilot.press("ctrl+x")
        assert isinstance(app.screen, LeaderScreen)
        await pilot.press("s")
        await settle(pilot)
        (act,) = [each for each in link.acts if isinstance(each, CreateAgent)]
        assert (act.provider, act.mode_id, act.model_id) == ("codex", "ask", None)


async def test_the_palette_goes_where_its_words_say() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"Notes")
        await until(pilot, lambda: "open this agent" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AgentScreen))
        assert isinstance(app.screen, AgentScreen)
        assert app.model.agents[app.screen.agent_id].title == "Notes"


async def test_the_leader_opens_agents_by_number_and_forgets_other_keys() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+x", "z")
        assert isinstance(app.screen, FleetScreen)
        await pilot.press("ctrl+x", "2")
        await settle(pilot)
        assert isinstance(app.screen, AgentScreen)
        assert app.model.agents[app.screen.agent_id].title == "Repair links in the docs"


async def test_ctrl_g_without_requests_says_so() -> None:
    app = sample.app(sample.StillLink(sample.fleet()[2:3]))
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+g")
        assert "No request is open." in shown(app)


async def leader_words(app: SerenoApp, pilot: Pilot[str]) -> str:
    await pilot.press("ctrl+x")
    await settle(pilot)
    said = shown(app)
    await pilot.press("escape")
    await settle(pilot)
    return said


async def test_the_leader_names_what_is_possible_now_and_breaks_no_words() -> None:
    app = sample.app()
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        said = await leader_words(app, pilot)
        assert "run a daemon" not in said
        assert "w who wants in: pair" in said
        app.model.connected(Connection(Phase.STOPPED))
        assert "r run a daemon" in await leader_words(app, pilot)
        app.model.connected(Connection(Phase.LOST, remote="box:6767"))
        assert "r call it again now" in await leader_words(app, pilot)
