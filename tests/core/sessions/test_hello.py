"""Hello, each row of the wire reference's section 5.2, and sessions that sockets share (5.4)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from sereno.core.protocol.frames import WirePong
from sereno.core.protocol.messages import (
    AgentUpserted,
    Pong,
    RpcError,
    ServerInfo,
    StatusError,
)
from tests.core.sessions.house import AGENT, OWNER, door, upsert, view

HELLO = {"type": "hello", "clientId": "c1", "clientType": "cli", "protocolVersion": 1}


async def test_hello_is_answered_by_server_info_to_that_socket_only() -> None:
    async with door() as house:
        first = house.enter("same")
        second = house.knock()
        second.hello("same")
        [info] = second.taken()
        assert isinstance(info, ServerInfo)
        assert info.server_id == "srv_test"
        assert info.features
        assert info.features.providers_snapshot is True
        assert info.features.sereno == 1
        assert first.taken() == []


@pytest.mark.parametrize(
    ("frame", "closed"),
    [
        ("not json", (4002, "Invalid hello")),
        ({"type": "what"}, (4002, "Invalid hello")),
        ({**HELLO, "clientType": "toaster"}, (4002, "Invalid hello")),
        ({**HELLO, "clientId": "  "}, (4002, "Invalid hello")),
        ({**HELLO, "clientId": 7}, (4002, "Invalid hello")),
        ({**HELLO, "protocolVersion": 2}, (4003, "Incompatible protocol version")),
        (
            {"type": "session", "message": {"type": "ping", "requestId": "r"}},
            (4002, "Session message before hello"),
        ),
        ({**HELLO, "clientId": "x" * 70_000}, (4002, "Invalid hello")),
    ],
)
async def test_c45_what_is_no_hello_closes(frame: Any, closed: tuple[int, str]) -> None:
    async with door() as house:
        socket = house.knock()
        socket.say(frame)
        assert socket.closed == closed
        assert socket.taken() == []
        socket.say(HELLO)
        assert socket.taken() == [], "a closed socket is not greeted"


async def test_a_terminal_frame_before_hello_closes() -> None:
    async with door() as house:
        socket = house.knock()
        socket.connection.receive(b"\x01abc", binary=True)
        assert socket.closed == (4002, "Session message before hello")


async def test_ping_and_recording_state_before_hello_are_no_offence() -> None:
    async with door() as house:
        socket = house.knock()
        socket.say({"type": "ping"})
        socket.say({"type": "recording_state", "isRecording": True})
        assert socket.taken() == [WirePong()]
        assert socket.closed is None
        socket.say(HELLO)
        assert isinstance(socket.taken()[0], ServerInfo)


async def test_no_hello_in_time_closes() -> None:
    async with door(hello_s=0.02) as house:
        silent, spoken = house.knock(), house.enter()
        with anyio.fail_after(5):
            while silent.closed is None:
                await anyio.sleep(0.005)
        assert silent.closed == (4001, "Hello timeout")
        assert spoken.closed is None


async def test_a_second_hello_closes() -> None:
    async with door() as house:
        socket = house.enter()
        socket.say(HELLO)
        assert socket.closed == (4002, "Unexpected hello")


async def test_hello_in_a_binary_frame_counts() -> None:
    async with door() as house:
        socket = house.knock()
        socket.connection.receive(b' {"type":"ping"}', binary=True)
        assert socket.taken() == [WirePong()]


async def test_replies_go_to_all_sockets_of_a_session_and_wire_pongs_to_one() -> None:
    async with door() as house:
        first, second, other = house.enter("same"), house.enter(" same "), house.enter("other")
        first.ask("ping", "r7", clientSentAt=5)
        for socket in (first, second):
            [pong] = socket.taken()
            assert isinstance(pong, Pong)
            assert (pong.request_id, pong.client_sent_at) == ("r7", 5)
        assert other.taken() == []
        first.say({"type": "ping"})
        assert (first.taken(), second.taken()) == ([WirePong()], [])


async def test_errors_of_section_7_go_to_the_sending_socket_only() -> None:
    async with door() as house:
        first, second = house.enter("same"), house.enter("same")
        first.ask("frobnicate_request", "r9")
        assert first.taken() == [
            RpcError(
                request_id="r9",
                request_type="frobnicate_request",
                error="Sereno does not serve frobnicate_request",
                code="unknown_schema",
            )
        ]
        first.ask("fetch_agent_request", "r10")  # without agentId
        [error] = first.taken()
        assert isinstance(error, RpcError)
        assert error.code == "unknown_schema"
        assert error.error.startswith("Invalid fetch_agent_request: ")
        assert "agentId" in error.error
        first.ask("sereno.of_tomorrow", "r12")  # our own clients know these words
        [error] = first.taken()
        assert isinstance(error, RpcError)
        assert error.error == "Unknown request schema"
        first.say({"requestId": "r11", "type": "nonsense"})
        [error] = first.taken()
        assert isinstance(error, RpcError)
        assert (error.request_id, error.code, error.error) == (
            "r11",
            "invalid_message",
            "Invalid message",
        )
        for bad in ("}", "[1]", '{"type":"nonsense"}', "\x00"):
            first.say(bad)
            [status] = first.taken()
            assert isinstance(status, StatusError)
            assert status.message.startswith("Invalid message: ")
        assert second.taken() == []
        assert first.closed is None


async def test_a_client_id_does_not_open_the_session_of_another_role() -> None:
    async with door() as house:
        owner, agent = house.enter("same", OWNER), house.enter("same", AGENT)
        owner.ask("ping")
        assert agent.taken() == []
        assert house.sessions.count == 2


async def test_a_session_survives_its_socket_for_a_while() -> None:
    async with door(linger_s=30) as house:
        shown = view("a1")
        house.fleet.views["a1"] = shown
        first = house.enter("same")
        first.ask("fetch_agents_request", subscribe={})
        first.taken()
        first.connection.lost()
        house.sessions.publish(upsert(shown))
        await anyio.sleep(0)
        again = house.enter("same")
        assert again.taken() == [], "what was emitted meanwhile is lost"
        house.sessions.publish(upsert(shown))
        [update] = await again.until(bool)
        assert isinstance(update, AgentUpserted), "the subscription is still there"


async def test_a_session_ends_after_that_while_and_its_requests_with_it() -> None:
    async with door(linger_s=0.02) as house:
        house.fleet.views["a1"] = view("a1")
        house.fleet.blocked = anyio.Event()
        socket = house.enter("same")
        socket.ask("cancel_agent_request", agentId="a1")
        with anyio.fail_after(5):
            while not house.fleet.acts:
                await anyio.sleep(0.001)
        session = socket.connection.session
        assert session is not None
        socket.connection.lost()
        with anyio.fail_after(5):
            while house.sessions.count or session.calls:
                await anyio.sleep(0.005)


async def test_t32_sessions_of_agents_end_with_their_sockets() -> None:
    """An agent may call itself a thousand names a second."""
    async with door(linger_s=30) as house:
        first, second = house.enter("same", AGENT), house.enter("same", AGENT)
        first.connection.lost()
        assert house.sessions.count == 1
        second.connection.lost()
        assert house.sessions.count == 0


async def test_t32_of_too_many_that_are_away_the_longest_gone_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sereno.core.sessions.registry.MOST_AWAY", 3)
    async with door(linger_s=30) as house:
        sockets = [house.enter(f"c{number}") for number in range(5)]
        sessions = [one.connection.session for one in sockets]
        for one in sockets[:3]:
            one.connection.lost()
        assert house.enter("c0").connection.session is sessions[0], "it came back"
        for one in sockets[3:]:
            one.connection.lost()
        assert house.sessions.count == 4
        assert house.enter("c1").connection.session is not sessions[1]
        assert house.enter("c2").connection.session is sessions[2]
