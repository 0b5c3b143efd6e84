"""The model: order by need, requests oldest first, what changed."""

from __future__ import annotations

import pytest

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import (
    AgentRemoved,
    AgentUpserted,
    PermissionResolvedPush,
    ProvidersSnapshot,
)
from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.timeline import AssistantMessage
from sereno.core.protocol.tools import ShellDetail
from sereno.tui.model import Connection, FleetModel, Need, Phase
from tests.tui import sample


def filled(*agents: AgentSnapshot) -> FleetModel:
    model = FleetModel()
    model.apply(sample.listing(agents or sample.fleet()))
    model.take_changes()
    return model


def titles(model: FleetModel, words: str = "") -> list[str]:
    return [state.title for state in model.ordered(words)]


def test_order_is_by_need_then_by_who_waits_longest() -> None:
    assert titles(filled()) == [
        "Fix the tax rounding",
        "Repair links in the docs",
        "Upgrade the framework",
        "Vouchers at checkout",
        "Pagination by cursor",
        "Dark mode",
        "Notes",
    ]


@pytest.mark.parametrize(
    ("more", "need"),
    [
        ({"status": "running"}, Need.BUSY),
        ({"status": "initializing"}, Need.STARTING),
        ({"status": "error"}, Need.FAILED),
        ({"status": "closed"}, Need.STOPPED),
        ({"status": "idle"}, Need.IDLE),
        ({"requires_attention": True, "attention_reason": "finished"}, Need.DONE),
        ({"requires_attention": True, "attention_reason": "error"}, Need.FAILED),
        ({"requires_attention": False, "attention_reason": None}, Need.IDLE),
        (
            {"status": "running", "pending": [sample.request(1, ShellDetail(command="ls"), 3)]},
            Need.ASKS,
        ),
    ],
)
def test_need(more: dict[str, object], need: Need) -> None:
    model = filled(sample.agent(1, "a", **more))  # type: ignore[arg-type]
    (state,) = model.ordered()
    assert state.need is need


def test_every_need_has_a_letter_and_a_word() -> None:
    assert {need.letter for need in Need} == set("?x>+-=")
    assert len({need.word for need in Need}) == len(Need)


def test_since_is_when_it_asked_or_began() -> None:
    model = filled()
    asks, _, _, busy, *_ = model.ordered()
    assert asks.since_ms == sample.NOW_MS - 41_000
    assert busy.since_ms == sample.NOW_MS - 190_000


@pytest.mark.parametrize(
    ("words", "found"),
    [("tax", 1), ("CLAUDE", 3), ("api failed", 1), ("asks", 2), ("nothing like it", 0), ("  ", 7)],
)
def test_filter(words: str, found: int) -> None:
    assert len(titles(filled(), words)) == found


def test_requests_are_oldest_first_over_all_agents() -> None:
    model = filled()
    assert [each.request.id for each in model.requests] == ["request-1", "request-2"]
    (mine,) = model.requests_of(model.requests[1].agent_id)
    assert mine.request.id == "request-2"


def test_an_answered_request_goes_and_says_who_answered() -> None:
    model = filled()
    oldest = model.requests[0]
    snapshot = sample.agent(
        1, "Fix the tax rounding", status="running", since=190, updated=1, pending=[]
    )
    model.apply(AgentUpserted(agent=snapshot))
    push = PermissionResolvedPush(
        agent_id=oldest.agent_id,
        request_id=oldest.request.id,
        resolution=Allow(),
        answered_by="Pixel 9",
    )
    model.apply(push)
    changes = model.take_changes()
    assert changes.requests
    assert [each.request.id for each in model.requests] == ["request-2"]
    assert model.answers["request-1"].answered_by == "Pixel 9"


def test_only_the_latest_answers_are_remembered() -> None:
    model = filled()
    for number in range(80):
        model.apply(
            PermissionResolvedPush(agent_id="a", request_id=f"r{number}", resolution=Allow())
        )
    assert len(model.answers) == 50
    assert "r79" in model.answers


def test_an_older_snapshot_changes_nothing() -> None:
    model = filled()
    stale = sample.agent(3, "Old name", status="idle", since=100, updated=9999)
    model.apply(AgentUpserted(agent=stale))
    assert not model.take_changes()
    assert "Vouchers at checkout" in titles(model)


def test_archived_and_removed_agents_go() -> None:
    model = filled()
    model.apply(AgentUpserted(agent=sample.agent(7, "Notes", archived_at=sample.stamp(0))))
    model.apply(AgentRemoved(agent_id=sample.fleet()[5].id))
    changes = model.take_changes()
    assert len(changes.agents) == 2
    assert "Notes" not in titles(model)
    assert "Dark mode" not in titles(model)


def test_why_an_agent_went_is_known_until_it_comes_back() -> None:
    model = filled()
    first, second = (sample.fleet()[place].id for place in (0, 1))
    model.apply(AgentRemoved(agent_id=first, reason="deleted"))
    model.apply(AgentRemoved(agent_id=second))
    assert model.gone == {first: "deleted", second: "archived"}
    model.apply(AgentUpserted(agent=sample.fleet()[1]))
    assert model.gone == {first: "deleted"}
    for number in range(60):
        model.apply(AgentUpserted(agent=sample.agent(number, "One of many")))
        model.apply(AgentRemoved(agent_id=sample.agent(number, "").id))
    assert len(model.gone) == 50, "only the latest are remembered"


def test_a_row_changes_its_timeline_only() -> None:
    model = filled()
    agent_id = sample.fleet()[2].id
    model.apply(sample.row(agent_id, 1, AssistantMessage(text="hi")))
    changes = model.take_changes()
    assert changes.timelines == {agent_id}
    assert not changes.agents
    assert changes.touches(agent_id)
    assert not changes.touches("another")
    assert not model.take_changes(), "reading forgets"


def test_a_row_of_an_unknown_agent_is_let_go() -> None:
    model = filled()
    assert model.apply(sample.row("nobody", 1, AssistantMessage(text="hi"))) is None
    assert not model.take_changes()


def test_a_new_list_keeps_timelines_and_newer_snapshots() -> None:
    model = filled()
    agent_id = sample.fleet()[2].id
    model.apply(sample.row(agent_id, 1, AssistantMessage(text="hi")))
    renamed = sample.agent(3, "New name", status="running", since=190, updated=1)
    model.apply(AgentUpserted(agent=renamed))
    model.apply(sample.listing(sample.fleet()[:4]))
    assert len(model.agents) == 4
    assert model.agents[agent_id].title == "New name"
    assert model.agents[agent_id].timeline.blocks[0].text == "hi"
    assert model.take_changes().everything


def test_providers_and_connection() -> None:
    model = filled()
    assert model.provider_label("claude") == "claude"
    model.apply(ProvidersSnapshot(request_id="p", entries=sample.providers(), generated_at="now"))
    assert model.provider_label("claude") == "Claude Code"
    assert model.take_changes().providers
    model.connected(Connection(Phase.LOST, "gone"))
    assert model.take_changes().connection
    model.connected(Connection(Phase.LOST, "gone"))
    assert not model.take_changes()


def test_counts() -> None:
    counts = filled().counts()
    assert (counts.agents, counts.asks, counts.failed, counts.busy) == (7, 2, 1, 2)
    assert (counts.done, counts.idle, counts.stopped) == (1, 1, 0)
