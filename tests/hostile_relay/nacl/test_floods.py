"""What a relay can do by mass, and with keys of its own: nothing grows, nobody is let in, and who
is gone is gone (C-16; T03, T10, T39).
"""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import anyio
import pytest

from sereno.core.daemon.pairing_ledger import Live
from sereno.core.daemon.relay_channel import HIGH
from sereno.core.daemon.remote import _Bell
from sereno.core.protocol.frames import Hello
from sereno.core.protocol.outgoing import Kind, Outgoing
from sereno.core.security.roles import Role
from sereno.core.sessions.outbox import LIMIT
from sereno.relay_client.connector import MOST_SOCKETS
from sereno.relay_client.keypair import KeyPair
from sereno.relay_client.nacl import frames
from sereno.relay_client.nacl.client import ClientChannel
from sereno.relay_client.nacl.daemon import DaemonChannel
from sereno.relay_client.nacl.effects import Claim, Send
from tests.core.daemon.relayed import MemorySocket, Phone, connected
from tests.core.daemon.test_remote import Entry, Pairings
from tests.core.sessions.house import door, view
from tests.hostile_relay.nacl.judged import Line, Owner
from tests.hostile_relay.nacl.relay import until
from tests.hostile_relay.nacl.wired import Wired
from tests.relay_client.nacl.links import counting, texts
from tests.relay_client.vectors import LOW_ORDER

FAILED = (1011, "E2EE handshake failed")
FORGED = (1011, "Decryption failed")
OWN = KeyPair.of(bytes(range(32)))
"""The relay's."""


@pytest.fixture
def world() -> Iterator[Wired]:
    made = Wired()
    try:
        yield made
    finally:
        made.end()


def let_in(world: Wired) -> tuple[Owner, Line]:
    """An app that came through a relay that behaves, and has asked for something."""
    one, line = world.new_client(), world.new_connection()
    world.bring(line, one.recording[0])
    world.bring(one, line.recording[0])
    world.bring(line, one.recording[1])
    world.decide(line)
    world.command(one)
    world.bring(line, one.recording[2])
    assert world.done
    return one, line


def test_t10_a_greeting_with_a_point_of_low_order(world: Wired) -> None:
    for point in LOW_ORDER:
        line = world.new_connection()
        world.bring(line, frames.hello(point))
        assert line.tap.ended == FAILED
        assert line.recording == [], "it was answered"


def test_t03_keys_of_the_relays_own_on_both_sides(world: Wired) -> None:
    """To the daemon it is a client, to the app a daemon; neither takes a word of it."""
    one, line = world.new_client(), world.new_connection()
    world.bring(line, frames.hello(OWN.public))
    world.bring(one, frames.READY)
    world.bring(line, one.recording[1])
    assert line.tap.ended == FORGED
    daemon = DaemonChannel(OWN.secret, counting(), 0.0)
    daemon.receive(one.recording[0])
    assert not [it for it in daemon.receive(one.recording[1]) if isinstance(it, Claim)]
    [sealed] = texts(_as_daemon(one.public).send("a word"))
    world.bring(one, sealed)
    assert one.channel.ended
    assert one.phone.shown == []
    assert world.daemon.door.sessions.count == 0


def _as_daemon(client: bytes) -> DaemonChannel:
    """Open towards a client whose secret the relay does not have."""
    channel = DaemonChannel(OWN.secret, counting(), 0.0)
    channel.receive(frames.hello(client))
    own = ClientChannel(client, OWN.secret, counting(100))
    own.start(0.0)
    own.receive(frames.READY)
    [first] = [it.text for it in own.send("") if isinstance(it, Send)]
    assert channel.receive(first)  # One key for both directions: it seals to itself.
    channel.claimed(True)
    return channel


def test_t39_nothing_more_is_read_while_the_store_is_asked(world: Wired) -> None:
    one, line = world.new_client(), world.new_connection()
    world.bring(one, frames.READY)
    for frame in one.recording[:2]:
        world.bring(line, frame)
    assert line.claim is not None
    world.flood(line, "A" * 60_000, 60)
    assert line.end.received == 2
    world.decide(line)
    assert line.tap.ended == FORGED


def test_t39_names_without_end_take_no_more_than_their_places(world: Wired) -> None:
    most = 0

    def all_gone() -> bool:
        nonlocal most
        most = max(most, world.daemon.sockets)
        return len(world.daemon.every) >= MOST_SOCKETS and not world.daemon.sockets

    async def flood() -> None:
        await until(lambda: world.hands.control is not None, "the daemon is at the relay")
        await world.hands.announce("sync", connectionIds=[f"c{n}" for n in range(1_000)])
        await until(all_gone, "who says nothing is let go")

    with patch("sereno.relay_client.nacl.daemon.HANDSHAKE_S", 0.3):
        world.run(flood())
    assert most <= MOST_SOCKETS
    assert len(world.daemon.every) == MOST_SOCKETS
    let_in(world)


def test_t39_a_relay_that_takes_nothing_is_let_go(world: Wired) -> None:
    _, line = let_in(world)
    sessions = world.daemon.door.sessions

    async def talk() -> None:
        line.cut = True
        line.tap.stop_reading()
        for n in range(1_000):
            sessions.publish(Outgoing(Kind.STATE, f"k{n}", b'{"x":"' + b"y" * 65_536 + b'"}'))
            sessions.flush()
            assert sessions.waiting() <= LIMIT
            assert line.end.channel._size <= HIGH + 2 * 90_000
            if not sessions.peers:
                break
            await anyio.sleep(0)
        await until(lambda: not sessions._connections, "it is let go")
        await until(lambda: not world.daemon.sockets, "the socket is gone")
        assert sessions.waiting() == 0

    world.run(talk())


async def test_t39_who_asks_for_much_and_leaves_is_not_kept() -> None:
    """Answers that nobody takes must not hold up what still has to be read."""
    async with door() as house:
        house.fleet.views = {f"a{n}": view(f"a{n}", title="x" * 900) for n in range(150)}
        socket = MemorySocket()
        async with connected(house.sessions, socket=socket):
            phone = Phone(socket)
            phone.hello()
            await phone.until(bool)
            for _ in range(200):
                phone.ask("fetch_agents_request")
            socket.hang_up()
            with anyio.fail_after(20):
                while house.sessions._connections:
                    assert house.sessions.waiting() <= LIMIT
                    await anyio.sleep(0)
        assert house.sessions.peers == []


async def test_who_left_in_the_moment_of_the_yes_is_not_there() -> None:
    answered = anyio.Event()

    class Slow(Pairings):
        async def knock(self, server_id: str, *_: object) -> Entry:
            await answered.wait()
            return Entry("d1", Role.OPERATOR, server_id)

    book = Slow("srv_a")
    bell = _Bell(book, Live("srv_a", "app", "srv_a"), MemorySocket())  # type: ignore[arg-type]
    hello = Hello(client_id="cid_1", client_type="mobile", protocol_version=1)
    found: list[object] = []

    async def knock() -> None:
        found.append(await bell.knock(hello))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(knock)
        await anyio.wait_all_tasks_blocked()
        bell.left()
        answered.set()
    assert found == [None]
    assert book.here == []
