"""The request panel on the agent screen: what the footer offers, and what is seen of a request."""

from __future__ import annotations

import pytest

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.tools import ShellDetail
from tests.tui import sample
from tests.tui.agent_place import Place, place
from tests.tui.test_agent_screen import PSQL, TALK

LONG = sample.request(1, ShellDetail(command="\n".join(f"echo {n}" for n in range(60))), 41)


def footer(here: Place) -> dict[str, str]:
    return dict(here.screen.query_one("#footer")._keys)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("request_", "offered"), [(PSQL, True), (LONG, False)], ids=["whole", "end_not_seen"]
)
async def test_the_footer_offers_y_only_when_it_works(
    request_: PermissionRequest, offered: bool
) -> None:
    async with place(TALK, status="running", pending=[request_]) as here:
        await here.press("ctrl+g")
        await here.until(lambda: here.screen.panel.has_focus)
        assert ("y" in footer(here)) is offered
        assert ("space" in footer(here)) is not offered
        here.screen.panel.end_seen()
        await here.pilot.pause()
        assert "y" in footer(here)
        assert "space" not in footer(here)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (60, 20)], ids=["80x24", "100x30", "60x20"])
async def test_eight_rows_of_a_long_text_are_seen(size: tuple[int, int]) -> None:
    """Rule 5: the talk above and the facts beside yield to what is judged."""
    async with place(TALK, size=size, status="running", pending=[LONG]) as here:
        await here.press("ctrl+g")
        panel = here.screen.panel
        await here.until(lambda: panel.has_focus)
        await here.pilot.pause()
        region = panel.region
        assert region.height == len(panel.sheet.lines)
        footer_top = here.screen.query_one("#footer").region.y
        assert region.bottom <= here.composer.region.y < footer_top
        if size[1] > 20:
            assert here.screen.query_one("#hint").region.bottom <= footer_top
        shown = "\n".join(strip.text for strip in here.screen._compositor.render_strips())
        for number in range(8):
            assert f"┃ echo {number}" in shown
        assert "branch main" in shown


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])
async def test_the_talk_comes_back_when_the_request_goes(size: tuple[int, int]) -> None:
    async with place(TALK, size=size, status="running", pending=[LONG]) as here:
        await here.press("ctrl+g")
        await here.until(lambda: here.screen.panel.has_focus)
        await here.update(pending=[])
        assert here.talk.following
        shown = [here.talk.render_line(y).text for y in range(here.talk.size.height)]
        assert "kept Decimal" in " ".join(" ".join(shown).split())


@pytest.mark.parametrize("size", [(100, 30), (60, 20)], ids=["100x30", "60x20"])
async def test_requests_of_all_agents_are_counted_and_one_key_goes_to_the_next(
    size: tuple[int, int],
) -> None:
    """Ids may be the same: each agent counts its own."""
    other = sample.request(1, ShellDetail(command="rm -r build"), 12)
    second = sample.agent(2, "Other", status="running", pending=[other])
    async with place(TALK, size=size, status="running", pending=[PSQL]) as here:
        here.app.model.apply(sample.listing([here.link.agents[0], second]))
        await here.press("ctrl+g")
        await here.until(lambda: here.screen.panel.has_focus)
        await here.settle()
        assert "request 1 of 2" in here.words("#head")
        shown = "\n".join(strip.text for strip in here.screen._compositor.render_strips())
        assert "1 of 2   since 0:41" in shown
        assert "ctrl+g next" in shown.splitlines()[-1] + shown.splitlines()[-2]
        await here.press("ctrl+g")
        await here.until(lambda: here.screen.agent_id == second.id)
        await here.until(lambda: here.screen.panel.has_focus)
        await here.settle()
        assert "request 2 of 2" in here.words("#head")
        await here.press("ctrl+g")
        await here.until(lambda: here.screen.agent_id == here.agent_id)
