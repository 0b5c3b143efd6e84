"""Every key that a footer or the leader names does something where it is named."""

from __future__ import annotations

import pytest

from sereno.tui.lines import plain
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.help.screen import groups_of
from sereno.tui.screens.help.view import help_lines, key_words
from sereno.tui.widgets.footer import Footer
from tests.tui.scenes import SCENES, play, settle

NAMES = {"space": "space", "esc": "escape", ":": "colon", "/": "slash", "?": "question_mark"}
WITH_FOOTER = [name for name in SCENES if not name.startswith(("confirm", "rename", "leader"))]


def pressed(shown: str) -> list[str]:
    """`n N` and `1-4` are several keys; `ctrl+x s` is the leader and what follows."""
    if shown == "1-4":
        return list("1234")
    if shown.startswith("ctrl+x "):
        return ["ctrl+x", shown]
    return [
        NAMES.get(each, each.lower() if each.startswith("F") else each) for each in shown.split()
    ]


@pytest.mark.parametrize("size", [(100, 30), (60, 20)], ids=str)
@pytest.mark.parametrize("name", WITH_FOOTER)
async def test_no_footer_promises_a_key_that_does_nothing(name: str, size: tuple[int, int]) -> None:
    app = SCENES[name].app()
    async with app.run_test(size=size) as pilot:
        await play(pilot, SCENES[name].keys)
        screen = app.screen
        assert isinstance(screen, SerenoScreen)
        bound = set(screen.active_bindings)
        followers = {f"ctrl+x {each.key}" for each in screen.FOLLOWERS}
        assert screen.query(Footer)
        for shown, words in screen.query_one(Footer).keys:
            for each in pressed(shown):
                assert each in bound | followers, f"{shown} {words}: nothing is bound to {each}"


@pytest.mark.parametrize("size", [(100, 30), (60, 20)], ids=str)
@pytest.mark.parametrize("name", ["fleet", "first_run", "new_agent", "log"])
async def test_no_words_of_the_help_are_cut(name: str, size: tuple[int, int]) -> None:
    app = SCENES[name].app()
    async with app.run_test(size=size) as pilot:
        await play(pilot, SCENES[name].keys)
        groups = groups_of(app.screen)
    lines = [plain(line) for line in help_lines(groups, size[0] - 1)]
    assert len(lines) > 10
    assert not [line for line in lines if "…" in line]


def test_names_of_keys_are_the_helps() -> None:
    for shown, name in NAMES.items():
        assert key_words([name]) == shown


async def test_panes_alone_are_moved_through_and_opened() -> None:
    app = SCENES["fleet_panes"].app()
    async with app.run_test(size=(100, 30)) as pilot:
        await play(pilot, SCENES["fleet_panes"].keys)
        await pilot.press("j", "enter")
        await settle(pilot)
        assert isinstance(app.screen, AgentScreen)
        assert app.model.agents[app.screen.agent_id].title == "Repair links in the docs"
