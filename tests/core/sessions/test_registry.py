"""Publishing: one encoding, one write a turn, order, and clients that do not read."""

from __future__ import annotations

import anyio

from sereno.core.protocol.agents import AgentExtra
from sereno.core.protocol.frames import encode_payload, encode_timeline_row
from sereno.core.protocol.messages import AgentStream, PermissionPush, Pong
from sereno.core.protocol.outgoing import Kind, Outgoing
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.sessions.outbox import LIMIT
from tests.core.sessions.house import AGENT, door, upsert, view


def row(seq: int, text: str = "hello", agent: str = "a1") -> Outgoing:
    item = b'{"type":"assistant_message","text":"' + text.encode() + b'"}'
    frame = encode_timeline_row(
        agent_id=agent,
        provider="demo",
        item=item,
        timestamp="2026-05-03T10:00:00.000Z",
        seq=seq,
        epoch="e",
    )
    return Outgoing(Kind.TIMELINE, agent, frame, agent_id=agent)


def big(seq: int, agent: str = "a1") -> Outgoing:
    return row(seq, "x" * 10_000, agent)


async def test_all_of_one_turn_goes_out_in_one_write_to_each_client() -> None:
    async with door() as house:
        sockets = [house.enter(f"c{number}") for number in range(3)]
        before = [socket.writes for socket in sockets]
        for seq in range(10):
            house.sessions.publish(row(seq))
        rows = await sockets[0].until(bool)
        assert [one.seq for one in rows if isinstance(one, AgentStream)] == list(range(10))
        assert [socket.writes for socket in sockets] == [count + 1 for count in before]
        assert sockets[1].frames == sockets[2].frames


async def test_a_reply_does_not_overtake_what_was_published_before_it() -> None:
    async with door() as house:
        socket = house.enter()
        house.sessions.publish(row(1))
        socket.ask("ping")
        house.sessions.publish(row(2))
        kinds = await socket.until(lambda frames: len(frames) == 3)
        assert [type(one) for one in kinds] == [AgentStream, Pong, AgentStream]


async def test_a_new_socket_gets_nothing_from_before_its_hello() -> None:
    async with door() as house:
        house.sessions.publish(row(1))
        socket = house.enter()
        assert socket.frames == []
        await anyio.sleep(0)
        assert socket.taken() == []


async def test_a_slow_client_loses_rows_only_and_gets_the_newest_when_it_reads_again() -> None:
    async with door() as house:
        slow = house.enter("slow", clientType="browser")
        quick = house.enter("quick", clientType="browser")
        slow.ask("fetch_agents_request", subscribe={})
        slow.taken()
        slow.connection.busy()
        for seq in range(1, 1001):
            house.sessions.publish(big(seq))
            if seq % 100 == 0:
                house.sessions.publish(upsert(view("a1", updated_ms=seq)))
                await anyio.sleep(0)
        assert slow.frames == []
        assert slow.connection.waiting <= 2 * LIMIT
        assert len(await quick.until(lambda frames: len(frames) >= 1000)) == 1000
        slow.connection.drained()
        seqs = [one.seq for one in slow.taken() if isinstance(one, AgentStream)]
        assert seqs[-1] == 1000, "the newest row is sent again, its seq jumps"
        assert seqs == sorted(set(seqs))  # type: ignore[type-var]
        assert 100 < len(seqs) < 1000
        assert slow.closed is None


async def test_a_slow_follower_on_the_command_line_is_closed() -> None:
    async with door() as house:
        slow = house.enter("slow")
        able = house.enter("able", capabilities={"timeline_jumps": True})
        for socket in (slow, able):
            socket.connection.busy()
        for seq in range(1000):
            house.sessions.publish(big(seq))
        await anyio.sleep(0)
        assert slow.closed == (1013, "Too slow")
        assert able.closed is None


async def test_a_client_that_does_not_read_its_replies_is_not_read_from() -> None:
    async with door() as house:
        for number in range(100):
            house.fleet.views[f"a{number}"] = view(f"a{number}", title="x" * 4000)
        socket = house.enter()
        socket.connection.busy()
        asked = 0
        while not socket.paused:
            asked += 1
            socket.ask("fetch_agents_request", f"r{asked}")
            assert asked < 100
        assert LIMIT < socket.connection.waiting < LIMIT + 1_000_000
        socket.connection.drained()
        assert not socket.paused
        assert len(socket.taken()) == asked


async def test_t46_t64_an_agent_s_child_that_only_listens_hears_nothing() -> None:
    """Pushes are guarded as the fetching of the same things is."""
    async with door() as house:
        secret = PermissionRequest(
            id="p", provider="demo", name="Bash", kind="tool", title="SECRET"
        )
        extra = AgentExtra(run=1, last_line="SECRET")
        shown = view("a1", pending_permissions=[secret], sereno=extra, last_error="SECRET")
        house.fleet.views["a1"] = shown
        spy, person = house.enter("spy", AGENT), house.enter("person")
        for socket in (spy, person):
            socket.ask("fetch_agents_request", subscribe={})
            socket.ask("fetch_agent_request", agentId="a1")
            socket.ask("fetch_agent_history_request")
        assert not any(b"SECRET" in frame for frame in spy.frames)
        assert len(spy.taken()) == 3
        assert all(b"SECRET" in frame for frame in person.frames)
        person.taken()
        house.sessions.publish(row(1, "SECRET"))
        house.sessions.publish(upsert(shown))
        house.sessions.tell(encode_payload(PermissionPush(agent_id="a1", request=secret)))
        assert len(await person.until(lambda frames: len(frames) == 3)) == 3
        assert spy.taken() == []


async def test_closing_tells_everybody_also_who_never_said_hello() -> None:
    async with door() as house:
        greeted, silent = house.enter(), house.knock()
        house.sessions.publish(row(1))
        house.sessions.close(1012, "The daemon changes hands")
        assert greeted.closed == silent.closed == (1012, "The daemon changes hands")
        assert len(greeted.frames) == 1
