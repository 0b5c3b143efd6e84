"""Lists of agents: filters, sorts, pages, and what a subscription's filter does (wire 6.5)."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.protocol.agents import AgentStatus
from sereno.core.protocol.messages import (
    AgentRemoved,
    AgentUpserted,
    FetchAgentResult,
    FetchAgentsResult,
    RpcError,
)
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.requests import AgentFilter, Page, Sort
from sereno.core.protocol.values import iso
from sereno.core.sessions.directory import listing, matches
from tests.core.sessions.house import FakeSocket, door, snapshot, upsert, view

ASKED = PermissionRequest(id="p", provider="demo", name="Bash", kind="tool")


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({}, True),
        ({"labels": {"team": "x"}}, True),
        ({"labels": {"team": "y"}}, False),
        ({"statuses": ["idle"]}, True),
        ({"statuses": ["running"]}, False),
        ({"statuses": []}, False),
        ({"project_keys": ["/p"]}, True),
        ({"project_keys": ["/q"]}, False),
        ({"requires_attention": False}, True),
        ({"requires_attention": True}, False),
        ({"thinking_option_id": "high"}, True),
        ({"thinking_option_id": None}, False),
    ],
)
def test_each_part_of_a_filter(fields: dict[str, Any], passes: bool) -> None:
    agent = snapshot("a", labels={"team": "x", "b": "c"}, effective_thinking_option_id="high")
    assert matches(agent, "/p", AgentFilter(**fields)) is passes


def test_archived_agents_are_shown_when_wanted_only() -> None:
    agent = snapshot("a", archived_at=iso(1))
    assert not matches(agent, "/p", None)
    assert not matches(agent, "/p", AgentFilter())
    assert matches(agent, "/p", AgentFilter(include_archived=True))


def test_priority_puts_first_what_needs_the_person() -> None:
    views = [
        view("idle"),
        view("busy", status="running"),
        view("new", status="initializing"),
        view("bad", status="error"),
        view("asks", status="running", pending_permissions=[ASKED]),
    ]
    found = listing(
        views, wanted=None, sort=[Sort(key="status_priority", direction="asc")], page=None
    )
    assert [one.snapshot.id for one in found.views] == ["asks", "bad", "busy", "new", "idle"]


STATUSES: list[AgentStatus] = ["idle", "running", "error"]
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(STATUSES), st.sampled_from(["", "A", "b"])),
    max_size=25,
)
SORTS = st.lists(
    st.builds(
        Sort,
        key=st.sampled_from(["status_priority", "created_at", "updated_at", "title"]),
        direction=st.sampled_from(["asc", "desc"]),
    ),
    max_size=3,
)


@given(ROWS, SORTS, st.integers(1, 7))
def test_pages_together_are_the_whole_list_each_agent_once(
    rows: list[tuple[int, AgentStatus, str]], sort: list[Sort], limit: int
) -> None:
    views = [
        view(f"a{number:02}", updated_ms=updated, status=status, title=title or None)
        for number, (updated, status, title) in enumerate(rows)
    ]
    whole = listing(views, wanted=None, sort=sort, page=None)
    paged: list[str] = []
    page = Page(limit=limit)
    while True:
        found = listing(views, wanted=None, sort=sort, page=page)
        paged += [one.snapshot.id for one in found.views]
        if found.next_cursor is None:
            break
        page = Page(limit=limit, cursor=found.next_cursor)
    assert paged == [one.snapshot.id for one in whole.views]
    assert len(set(paged)) == len(rows)


async def ask(socket: FakeSocket, **fields: Any) -> Any:
    socket.ask("fetch_agents_request", **fields)
    return (await socket.until(bool))[0]


@pytest.mark.parametrize(
    "cursor", ["???", "e30=", "bm8=", "eyJzb3J0IjpbXSwidmFsdWVzIjpbXSwiaWQiOiIifQ=="]
)
async def test_a_bad_cursor_is_refused_by_its_code(cursor: str) -> None:
    async with door() as house:
        reply = await ask(house.enter(), page={"limit": 5, "cursor": cursor})
        assert isinstance(reply, RpcError)
        assert reply.code == "invalid_cursor"


@pytest.mark.parametrize("limit", [0, -1, 201])
async def test_a_bad_limit_is_a_failed_fetch(limit: int) -> None:
    async with door() as house:
        reply = await ask(house.enter(), page={"limit": limit})
        assert isinstance(reply, RpcError)
        assert reply.code == "fetch_agents_failed"


async def test_the_reply_names_the_subscription_only_when_there_is_one() -> None:
    async with door() as house:
        house.fleet.views["a"] = view("a", title='with "quotes" and ü')
        socket = house.enter()
        plain = await ask(socket)
        assert isinstance(plain, FetchAgentsResult)
        assert plain.entries[0].agent.title == 'with "quotes" and ü'
        socket.ask("fetch_agents_request")
        assert "subscriptionId" not in json.loads(socket.frames[0])["message"]["payload"]
        socket.taken()
        named = await ask(socket, subscribe={"subscriptionId": "mine"})
        assert named.subscription_id == "mine"
        assert (await ask(socket, subscribe={})).subscription_id


async def test_updates_go_to_subscribers_and_stream_goes_to_all() -> None:
    async with door() as house:
        subscribed, other = house.enter("one"), house.enter("two")
        await ask(subscribed, subscribe={})
        house.sessions.publish(upsert(view("a")))
        [update] = await subscribed.until(bool)
        assert isinstance(update, AgentUpserted)
        assert other.taken() == []


async def test_an_agent_outside_of_the_filter_is_reported_as_removed() -> None:
    async with door() as house:
        socket = house.enter()
        await ask(socket, subscribe={}, filter={"labels": {"team": "x"}}, page={"limit": 1})
        house.sessions.publish(upsert(view("in", labels={"team": "x"})))
        house.sessions.publish(upsert(view("out")))
        first, second = await socket.until(lambda frames: len(frames) == 2)
        assert isinstance(first, AgentUpserted)
        assert isinstance(second, AgentRemoved)
        assert second.agent_id == "out"


async def test_what_was_published_before_the_list_is_not_sent_after_it() -> None:
    async with door() as house:
        socket = house.enter()
        house.sessions.publish(upsert(view("a")))
        socket.ask("fetch_agents_request", subscribe={})
        await anyio.sleep(0)
        [reply] = socket.taken()
        assert isinstance(reply, FetchAgentsResult)


async def test_one_agent_by_identifier_or_why_not() -> None:
    async with door() as house:
        house.fleet.views["a"] = view("a")
        socket = house.enter()
        socket.ask("fetch_agent_request", agentId="a")
        socket.ask("fetch_agent_request", agentId="zz")
        found, missing = socket.taken()
        assert isinstance(found, FetchAgentResult)
        assert isinstance(missing, FetchAgentResult)
        assert found.agent
        assert found.project
        assert (missing.agent, missing.error) == (None, "Agent not found: zz")


async def test_a_hundred_agents_in_twenty_repositories_in_a_few_milliseconds() -> None:
    """The target is 3 ms with the socket (bench/requests.py); the list itself is far below."""
    import time

    async with door() as house:
        for number in range(100):
            shown = view(f"a{number}", project=f"/p{number % 20}", title="x" * 40)
            house.fleet.views[shown.snapshot.id] = shown
        socket = house.enter()
        times = []
        for _ in range(20):
            began = time.perf_counter()
            socket.ask("fetch_agents_request")
            times.append(time.perf_counter() - began)
        assert len(socket.taken()) == 20
        assert min(times) < 0.003, times
