"""What the agent screen says: how a request ended, that no daemon runs, and for how long."""

from __future__ import annotations

import pytest

from sereno.core.protocol.messages import AgentRemoved, PermissionResolvedPush
from sereno.core.protocol.permissions import Deny
from sereno.core.protocol.timeline import ToolCall
from sereno.core.protocol.tools import ShellDetail
from sereno.tui.link_words import NO_DAEMON
from sereno.tui.model import Connection, Phase
from sereno.tui.pane_view import pane_lines
from sereno.tui.timeline import Row, Timeline
from tests.tui.agent_place import Place, place
from tests.tui.test_agent_screen import PSQL, TALK

READY = Connection(Phase.READY, "ready")
STOPPED = Connection(Phase.STOPPED, NO_DAEMON)


def resolved(here: Place, words: str = "", **more: str) -> PermissionResolvedPush:
    return PermissionResolvedPush(
        agent_id=here.agent_id, request_id=PSQL.id, resolution=Deny(message=words), **more
    )


async def connection(here: Place, now: Connection) -> None:
    here.app.model.connected(now)
    here.screen.model_changed(here.app.model.take_changes())
    await here.pilot.pause()


async def test_a_request_of_a_stopped_turn_was_withdrawn_and_not_denied() -> None:
    async with place(TALK, status="running", pending=[PSQL]) as here:
        push = resolved(here, "Interrupted", withdrawn="the turn was stopped")
        here.app.model.apply(push)
        await here.update(pending=[], status="idle")
        assert "Request request-1 was withdrawn: the turn was stopped." in here.hint()
        assert "denied" not in here.hint()


async def test_a_denial_from_elsewhere_comes_with_its_words() -> None:
    async with place(TALK, status="running", pending=[PSQL]) as here:
        here.app.model.apply(resolved(here, "use the fixture", answered_by="phone"))
        await here.update(pending=[])
        assert "Request request-1 was denied by phone: use the fixture" in here.hint()


def denied(words: str, status: str = "failed") -> ToolCall:
    return ToolCall(
        call_id="d", name="Bash", status=status, error="rejected",  # type: ignore[arg-type]
        detail=ShellDetail(command="rm -r build"),
        metadata={"sereno": {"denied": {"by": "this terminal", "words": words}}},
    )  # fmt: skip


@pytest.mark.parametrize("status", ["failed", "canceled"])
async def test_a_denied_call_did_not_fail(status: str) -> None:
    words = "use the fixture in tests/conftest.py, it is there for exactly this"
    async with place([denied(words, status)]) as here:
        row = here.talk.text()
        assert "denied: use the fixture in tests/conftest.py" in row
        assert "failed" not in row
        await here.press("escape", "enter")
        opened = " ".join(here.talk.text().replace("│", " ").split())
        assert f"denied by this terminal: {words}" in opened
        assert "rejected" not in opened


async def test_a_denial_does_not_pretend_that_its_words_were_heard() -> None:
    call = denied("use the fixture")
    ours = {"by": "this terminal", "words": "use the fixture", "told": False}
    call.metadata = {"sereno": {"denied": ours}}
    async with place([call]) as here:
        assert "denied (your words did not reach the agent)" in here.talk.text()
        assert "use the fixture" not in here.talk.text()
        await here.press("escape", "enter")
        opened = " ".join(here.talk.text().replace("│", " ").split())
        assert "denied by this terminal (your words did not reach the agent): use the" in opened


def test_a_pane_says_denied_too() -> None:
    timeline = Timeline()
    timeline.take(Row(denied(""), 1, 1, 0), "e")
    (line,) = pane_lines(timeline.blocks, 40, 5)
    assert "".join(text for text, _ in line).endswith("denied")


async def test_a_deleted_agent_is_not_called_archived() -> None:
    async with place(TALK) as here:
        here.app.model.apply(AgentRemoved(agent_id=here.agent_id, reason="deleted"))
        await here.settle()
        assert "deleted" in here.words("#head")
        assert "archived" not in here.words("#head")


async def test_cleared_text_is_spoken_of_until_the_next_key() -> None:
    async with place(TALK) as here:
        await here.type("draft")
        await here.press("ctrl+c")
        assert "Cleared; up brings it back." in here.hint()
        await here.press("up")
        assert here.composer.text == "draft"
        assert "Cleared" not in here.hint()


@pytest.mark.parametrize("width", [60, 80, 100])
async def test_the_state_stands_whole_in_the_head_without_a_daemon(width: int) -> None:
    async with place(TALK, size=(width, 24)) as here:
        await connection(here, STOPPED)
        head = here.words("#head").splitlines()[0]
        assert "idle 1 min" in head
        assert "no daemon" in head.lower()
        assert "…" not in head
        await connection(here, READY)
        assert "no daemon" not in here.words("#head")


async def test_words_about_a_missing_daemon_go_when_it_is_back() -> None:
    async with place(TALK, size=(60, 24)) as here:
        await connection(here, STOPPED)
        here.link.refusal = NO_DAEMON
        await here.type("hello")
        await here.press("enter")
        await here.until(lambda: "daemon" in here.hint())
        words = " ".join(here.hint().split())
        assert NO_DAEMON in words, "whole"
        await connection(here, READY)
        assert here.hint().strip() == ""
