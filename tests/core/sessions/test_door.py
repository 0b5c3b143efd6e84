"""A hello that somebody has to judge first: held, let in, refused, too late (design section 7)."""

from __future__ import annotations

import anyio
import pytest

from sereno.core.protocol.frames import Hello, WirePong, encode_frame
from sereno.core.protocol.messages import Pong, RpcError, ServerInfo
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Admitted, Peer
from sereno.core.sessions.connection import HELD_MESSAGES
from tests.core.sessions.house import FakeSocket, door

STRANGER = Peer("pairing:srv_phone", Role.AGENT, "relay")
PHONE = Peer("device:d1", Role.OPERATOR, "relay")
YES = Admitted(PHONE, "srv_phone")
NEWS = encode_frame(WirePong())
"""What everybody hears who is in."""


class Judge:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.given_up = 0
        self.broken: Exception | None = None
        self._answer: Admitted | None = None
        self._ready = anyio.Event()

    def answer(self, admitted: Admitted | None) -> None:
        self._answer = admitted
        self._ready.set()

    async def knock(self, hello: Hello) -> Admitted | None:
        self.heard.append(hello.client_id)
        try:
            await self._ready.wait()
        except anyio.get_cancelled_exc_class():
            self.given_up += 1
            raise
        if self.broken is not None:
            raise self.broken
        return self._answer


async def until_heard(judge: Judge) -> None:
    with anyio.fail_after(5):
        while not judge.heard:
            await anyio.sleep(0)


async def until_closed(socket: FakeSocket) -> tuple[int, str]:
    with anyio.fail_after(5):
        while socket.closed is None:
            await anyio.sleep(0.001)
    return socket.closed


async def test_nothing_is_said_before_the_door_opened_and_all_of_it_afterwards() -> None:
    async with door() as house:
        judge = Judge()
        socket = house.knock(STRANGER, judge)
        socket.hello("phone")
        socket.ask("ping", "early")
        house.sessions.tell(NEWS)
        await until_heard(judge)
        house.sessions.flush()
        assert socket.taken() == []
        assert house.sessions.peers == [], "who waits is no guest yet"
        judge.answer(YES)
        info, pong = await socket.until(lambda frames: len(frames) >= 2)
        assert isinstance(info, ServerInfo)
        assert info.server_id == "srv_phone", "the app drops a host that calls itself otherwise"
        assert isinstance(pong, Pong)
        assert pong.request_id == "early"
        assert house.sessions.peers == [PHONE]


async def test_the_session_is_that_of_the_credential_the_door_gave() -> None:
    async with door() as house:
        own = house.enter("same", PHONE)
        judge = Judge()
        judge.answer(YES)
        socket = house.knock(STRANGER, judge)
        socket.hello("same")
        await socket.until(lambda frames: len(frames) >= 1)
        assert house.sessions.count == 1
        socket.ask("ping", "shared")
        assert [one.request_id for one in await own.until(bool) if isinstance(one, Pong)] == [
            "shared"
        ]


async def test_a_no_closes_and_opens_nothing() -> None:
    async with door() as house:
        judge = Judge()
        socket = house.knock(STRANGER, judge)
        socket.hello()
        judge.answer(None)
        assert await until_closed(socket) == (4401, "Not let in")
        assert (house.sessions.count, socket.taken()) == (0, [])


async def test_who_is_not_confirmed_in_time_is_told_so_and_the_question_is_given_up() -> None:
    async with door(door_s=0.05) as house:
        judge = Judge()
        socket = house.knock(STRANGER, judge)
        socket.hello()
        assert await until_closed(socket) == (4001, "Not confirmed yet")
        assert judge.given_up == 1
        assert house.sessions.count == 0


async def test_a_client_that_leaves_takes_its_knocking_with_it() -> None:
    async with door() as house:
        judge = Judge()
        socket = house.knock(STRANGER, judge)
        socket.hello()
        await until_heard(judge)
        socket.connection.lost()
        with anyio.fail_after(5):
            while not judge.given_up:
                await anyio.sleep(0)
        assert house.sessions.count == 0


async def test_a_door_that_breaks_stays_shut_and_harms_nobody_else() -> None:
    async with door() as house:
        judge = Judge()
        judge.broken = RuntimeError("no disk")
        judge.answer(YES)
        socket = house.knock(STRANGER, judge)
        socket.hello()
        assert await until_closed(socket) == (1011, "Internal error")
        house.enter("another")


@pytest.mark.parametrize("large", [False, True])
async def test_who_says_too_much_before_the_greeting_is_let_go(large: bool) -> None:
    async with door() as house:
        socket = house.knock(STRANGER, Judge())
        socket.hello()
        for _ in range(1 if large else HELD_MESSAGES + 1):
            socket.say(" " * (300_000 if large else 1))
        assert socket.closed == (1013, "Too much before the greeting")


async def test_a_credential_can_be_dropped_whole_and_alone() -> None:
    async with door() as house:
        phone, laptop = house.enter("p", PHONE), house.enter("l")
        assert house.sessions.drop(PHONE.credential, 4401, "Revoked") == 1
        assert phone.closed == (4401, "Revoked")
        assert laptop.closed is None
        assert house.sessions.count == 1, "its session ends too, and whoever is paired anew is new"


async def test_a_dropped_device_finds_nothing_of_before_when_it_comes_again() -> None:
    """Neither what it was allowed nor what it asked for lives on in the time that a session waits
    for its client."""
    viewer = Peer(PHONE.credential, Role.VIEWER, "relay")
    async with door() as house:
        away = house.enter("p", PHONE)
        away.connection.lost()
        assert house.sessions.count == 1, "it waits"
        assert house.sessions.drop(PHONE.credential, 1012, "Other rights") == 0
        assert house.sessions.count == 0
        again = house.enter("p", viewer)
        again.ask("cancel_agent_request", "r1", agentId="a1")
        [refused] = again.taken()
        assert isinstance(refused, RpcError)
        assert refused.code == "forbidden"
        assert house.fleet.acts == []


async def test_a_dropped_device_hears_and_says_nothing_more_while_its_socket_goes() -> None:
    async with door() as house:
        phone = house.enter("p", PHONE)
        phone.taken()
        phone.connection.busy()
        house.sessions.tell(NEWS)
        house.sessions.flush()
        assert phone.connection.waiting > 0
        house.sessions.drop(PHONE.credential, 4401, "Revoked")
        phone.connection.drained()
        house.sessions.tell(NEWS)
        house.sessions.flush()
        phone.ask("cancel_agent_request", "r1", agentId="a1")
        await anyio.wait_all_tasks_blocked()
        assert phone.frames == []
        assert house.fleet.acts == []
