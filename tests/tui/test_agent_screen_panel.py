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
