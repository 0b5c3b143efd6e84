"""Handlers: order, concurrency, each way to fail, and the audit of what was refused."""

from __future__ import annotations

import anyio

from sereno.core.agents.errors import NotPossible
from sereno.core.protocol.messages import (
    ActivityLog,
    CancelResult,
    Pong,
    RestartRequested,
    RpcError,
    ShutdownRequested,
)
from sereno.core.store.errors import StoreError
from tests.core.sessions.house import AGENT, Door, FakeSocket, door, view


async def blocked(house: Door) -> FakeSocket:
    """A client whose request waits in its handler."""
    house.fleet.views["a1"] = view("a1")
    house.fleet.blocked = anyio.Event()
    socket = house.enter()
    socket.ask("cancel_agent_request", "slow", agentId="a1")
    with anyio.fail_after(5):
        while not house.fleet.acts:
            await anyio.sleep(0.001)
    return socket


async def test_a_long_request_does_not_delay_later_ones() -> None:
    async with door() as house:
        socket = await blocked(house)
        socket.ask("ping", "quick")
        [pong] = socket.taken()
        assert isinstance(pong, Pong)
        assert house.fleet.blocked
        house.fleet.blocked.set()
        [reply] = await socket.until(bool)
        assert isinstance(reply, CancelResult)
        assert reply.request_id == "slow"


async def test_requests_begin_in_the_order_in_which_they_came() -> None:
    async with door() as house:
        for number in range(20):
            house.fleet.views[f"a{number}"] = view(f"a{number}")
        socket = house.enter()
        for number in range(20):
            socket.ask("cancel_agent_request", f"r{number}", agentId=f"a{number}")
            socket.ask("ping", f"p{number}")
        replies = await socket.until(lambda frames: len(frames) == 40)
        assert [act[1] for act in house.fleet.acts] == [f"a{number}" for number in range(20)]
        first_pong = next(i for i, one in enumerate(replies) if isinstance(one, Pong))
        assert first_pong > 0, "a ping that came later does not begin before a request"


async def test_a_refusal_of_the_fleet_is_an_rpc_error_with_cause_and_next_step() -> None:
    async with door() as house:
        house.fleet.views["a1"] = view("a1")
        house.fleet.error = NotPossible("busy", "It is busy.", "Wait for it.")
        socket, same = house.enter("same"), house.enter("same")
        socket.ask("cancel_agent_request", "r5", agentId="a1")
        error, activity = await socket.until(lambda frames: len(frames) == 2)
        assert error == RpcError(
            request_id="r5",
            request_type="cancel_agent_request",
            error="Request failed: It is busy.",
            code="handler_error",
            next_step="Wait for it.",
        )
        assert isinstance(activity, ActivityLog)
        assert activity.type == "error"
        assert len(same.taken()) == 2, "told to the whole session"


async def test_without_a_request_id_only_the_activity_tells() -> None:
    async with door() as house:
        house.fleet.error = NotPossible("busy", "It is busy.")
        house.fleet.views["a1"] = view("a1")
        socket = house.enter()
        socket.say(
            {"type": "session", "message": {"type": "cancel_agent_request", "agentId": "a1"}}
        )
        [activity] = await socket.until(bool)
        assert isinstance(activity, ActivityLog)


async def test_a_mistake_of_ours_ends_neither_the_session_nor_the_others() -> None:
    async with door() as house:
        house.fleet.views["a1"] = view("a1")
        house.fleet.error = ZeroDivisionError("oops")
        socket = house.enter()
        socket.ask("cancel_agent_request", "r6", agentId="a1")
        error, _ = await socket.until(lambda frames: len(frames) == 2)
        assert isinstance(error, RpcError)
        assert error.error == "Request failed: ZeroDivisionError: oops"
        socket.ask("ping")
        assert isinstance(socket.taken()[0], Pong)


async def test_an_answer_that_fails_carries_the_permission_s_id() -> None:
    async with door() as house:
        socket = house.enter()
        socket.ask(
            "agent_permission_response", "perm-1", agentId="a1", response={"behavior": "allow"}
        )
        error, _ = await socket.until(lambda frames: len(frames) == 2)
        assert isinstance(error, RpcError)
        assert (error.request_id, error.code) == ("perm-1", "handler_error")


async def test_t46_an_agent_s_answer_is_refused_and_written_into_the_audit() -> None:
    async with door() as house:
        socket = house.enter("evil", AGENT)
        socket.ask(
            "agent_permission_response", "perm-1", agentId="a1", response={"behavior": "allow"}
        )
        [error] = socket.taken()
        assert isinstance(error, RpcError)
        assert error.code == "forbidden"
        with anyio.fail_after(5):
            while not house.notes:
                await anyio.sleep(0.001)
        assert house.notes == [("agent (cli)", "request.refused", "agent_permission_response")]
        assert house.fleet.acts == []


async def test_heartbeat_and_push_token_are_accepted_in_silence() -> None:
    async with door() as house:
        socket = house.enter()
        beat = {
            "type": "client_heartbeat",
            "deviceType": "mobile",
            "focusedAgentId": None,
            "lastActivityAt": "2026-05-03T10:00:00.000Z",
            "appVisible": True,
        }
        socket.say({"type": "session", "message": beat})
        socket.say({"type": "session", "message": {"type": "register_push_token", "token": "t"}})
        await anyio.sleep(0)
        assert socket.taken() == []


async def test_a_stop_is_noted_answered_and_then_done() -> None:
    async with door() as house:
        socket = house.enter("me")
        socket.ask("shutdown_server_request", "bye")
        [reply] = await socket.until(bool)
        assert reply == ShutdownRequested(client_id="me", request_id="bye")
        assert house.daemon.stops == [("stop", "owner (cli)")]
        assert house.notes == [("owner (cli)", "daemon.stop", "")]


async def test_the_daemon_stops_also_when_the_audit_cannot_be_written() -> None:
    async with door() as house:
        house.refuse_notes = StoreError("disk_full", "The disk is full.", "Free some space.")
        socket = house.enter("me")
        for kind in ("shutdown_server_request", "restart_server_request"):
            socket.ask(kind, "bye")
            [reply] = await socket.until(bool)
            assert isinstance(reply, ShutdownRequested | RestartRequested)
        assert [reason for reason, _ in house.daemon.stops] == ["stop", "restart"]
        agent = house.enter("evil", AGENT)
        agent.ask("shutdown_server_request")
        assert isinstance((await agent.until(bool))[0], RpcError)


async def test_what_a_client_sent_before_it_closed_is_done() -> None:
    """Wire reference, appendix A 12: `permit allow` closes at once."""
    async with door() as house:
        socket = house.enter()
        socket.ask("agent_permission_response", "p1", agentId="a1", response={"behavior": "allow"})
        socket.connection.lost()
        with anyio.fail_after(5):
            while not house.fleet.acts:
                await anyio.sleep(0.001)
        assert house.fleet.acts == [("answer", "a1", "p1", "owner (cli)")]
