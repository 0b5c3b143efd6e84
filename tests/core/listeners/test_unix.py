"""The unix socket: private, put in place whole, same user only; and what WebSocket asks of it."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path

import anyio
import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from sereno.core.home import HomeError
from sereno.core.listeners import unix
from sereno.core.protocol.frames import decode_daemon_frame
from sereno.core.protocol.messages import Pong, ServerInfo
from sereno.core.security.peers import Credentials
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from tests.core.listeners.house import HELLO, PING, RawClient, gate, owner


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "daemon.sock"


async def test_hello_and_ping_through_a_real_socket(path: Path) -> None:
    async with gate(path):
        client = RawClient(path)
        await client.upgrade()
        await client.say(HELLO % (b"c1", b"cli"))
        assert isinstance(decode_daemon_frame(await client.next()), ServerInfo)
        await client.say(PING)
        assert isinstance(decode_daemon_frame(await client.next()), Pong)
        client.close()


async def test_c32_t34_the_socket_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        listener = unix.bind(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    listener.close()


@pytest.mark.parametrize("stale", ["socket", "file", "link"])
async def test_whatever_was_left_at_the_name_is_replaced(path: Path, stale: str) -> None:
    if stale == "socket":
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(str(path))
        dead.close()
    elif stale == "file":
        path.write_text("x")
    else:
        path.symlink_to("/nonexistent")
    async with gate(path):
        assert path.is_socket()
        assert not path.is_symlink()
        client = RawClient(path)
        await client.enter()
        client.close()


async def test_paths_far_too_long_for_a_socket_work(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30) / ("er" * 40)
    folder.mkdir(parents=True)
    async with gate(folder / "daemon.sock") as place:
        client = RawClient(place.path)
        await client.enter()
        client.close()


async def test_a_folder_that_is_missing_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(HomeError) as caught:
        unix.bind(tmp_path / "no" / "daemon.sock")
    assert caught.value.next_step


async def test_a_descriptor_is_adopted_and_whoever_waits_in_its_queue_is_served(
    path: Path,
) -> None:
    first = unix.bind(path)
    waiting = RawClient(path)
    handed = os.dup(first.fileno())
    first.close()
    adopted = unix.adopt(handed, path)
    assert not os.get_inheritable(adopted.fileno())
    async with gate(path.with_name("other.sock")) as place:
        listener = unix.UnixListener(adopted, place.door.sessions, owner)
        listener.start()
        await waiting.enter()
        waiting.close()
        listener.close()


@pytest.mark.parametrize("wrong", ["closed", "pipe", "connected", "unlinked"])
async def test_t35_a_descriptor_that_is_not_ours_is_not_trusted(path: Path, wrong: str) -> None:
    reading, writing = os.pipe()
    one, two = socket.socketpair()
    lost = unix.bind(path)
    path.unlink()
    fd = {
        "closed": 9999,
        "pipe": os.dup(reading),
        "connected": os.dup(one.fileno()),
        "unlinked": os.dup(lost.fileno()),
    }[wrong]
    listener = unix.adopt(fd, path)
    assert path.is_socket()
    assert listener.getsockname() != ""
    for thing in (one, two, lost, listener):
        thing.close()
    os.close(reading)
    os.close(writing)


async def test_t34_another_uid_is_turned_away_before_the_upgrade(path: Path) -> None:
    def judge(peer: Credentials) -> None:
        assert (peer.pid, peer.uid) == (os.getpid(), os.getuid())

    async with gate(path, judge):
        client = RawClient(path)
        await client.upgrade()
        assert "403" in str(client.protocol.handshake_exc)
        client.close()


async def test_more_connections_than_allowed_are_told_so(path: Path) -> None:
    async with gate(path, most=3) as place:
        clients = [RawClient(path) for _ in range(3)]
        for number, client in enumerate(clients):
            await client.enter(f"c{number}")
        extra = RawClient(path)
        await extra.upgrade()
        assert "503" in str(extra.protocol.handshake_exc)
        clients[0].close()
        with anyio.fail_after(5):
            while len(place.listener._channels) == 3:
                await anyio.sleep(0.005)
        again = RawClient(path)
        await again.enter("again")
        for client in (*clients[1:], extra, again):
            client.close()


async def test_t46_agents_processes_cannot_shut_the_person_out(path: Path) -> None:
    roles = [Role.AGENT] * 100

    def judge(_: Credentials) -> Peer:
        role = roles.pop() if roles else Role.OWNER
        return Peer(f"unix:{role.value}", role, "unix")

    async with gate(path, judge, most=40):
        many = [RawClient(path) for _ in range(100)]
        for client in many:
            await client.upgrade()
        refused = [one for one in many if one.protocol.handshake_exc is not None]
        assert len(refused) == 100 - unix.MOST_OF_AGENTS
        person = RawClient(path)
        await person.enter()
        for client in (*many, person):
            client.close()


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("ws://localhost/", {}, "400"),
        ("ws://localhost/ws/", {}, "400"),
        ("ws://localhost/ws", {"Origin": "https://evil.example"}, "403"),
        ("ws://localhost/ws?x=1", {}, ""),
    ],
)
async def test_what_is_checked_before_the_101(
    path: Path, target: str, headers: dict[str, str], status: str
) -> None:
    async with gate(path):
        client = RawClient(path, target)
        await client.upgrade(headers)
        found = client.protocol.handshake_exc
        assert status in str(found) if status else found is None
        client.close()


async def test_no_upgrade_at_all_ends_with_the_hello_deadline(path: Path) -> None:
    async with gate(path, hello_s=0.05):
        silent = RawClient(path)
        await silent.read()
        assert silent.ended
        silent.close()
        late = RawClient(path)
        await late.upgrade()
        assert await late.closed() == (4001, "Hello timeout")
        late.close()


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["paseo.bearer.secret"], "paseo.bearer.secret"),
        (["sereno.bearer.secret"], None),
        ([], None),
    ],
)
async def test_a_subprotocol_is_echoed_and_ours_never(
    path: Path, offered: list[str], chosen: str | None
) -> None:
    async with gate(path):
        client = RawClient(path, subprotocols=offered or None)
        await client.upgrade()
        assert client.protocol.handshake_exc is None
        assert client.protocol.subprotocol == chosen
        client.close()


async def test_t33_compression_is_never_agreed(path: Path) -> None:
    async with gate(path):
        client = RawClient(path, extensions=[ClientPerMessageDeflateFactory()])
        await client.upgrade()
        assert client.protocol.handshake_exc is None
        assert client.protocol.extensions == []
        client.close()


async def test_fragments_and_binary_frames_are_messages_too(path: Path) -> None:
    async with gate(path):
        client = RawClient(path)
        await client.upgrade()
        hello = HELLO % (b"c1", b"cli")
        client.protocol.send_text(hello[:10], fin=False)
        client.protocol.send_continuation(hello[10:20], fin=False)
        client.protocol.send_ping(b"between")
        client.protocol.send_continuation(hello[20:], fin=True)
        await client.flush()
        assert b"server_info" in await client.next()
        client.protocol.send_binary(PING)
        await client.flush()
        assert b"pong" in await client.next()
        client.close()


async def test_a_message_of_many_megabytes_passes_and_one_over_the_limit_closes(
    path: Path,
) -> None:
    async with gate(path) as place:
        client = RawClient(path)
        await client.enter()
        text = b"x" * (20 << 20)
        await client.say(
            b'{"type":"session","message":{"type":"fetch_agent_request","requestId":"r",'
            b'"agentId":"' + text + b'"}}'
        )
        assert b"Agent not found" in await client.next()
        assert place.door.sessions.count == 1
        # Only the header: 101 MiB are announced, and refused before they come.
        size = (101 << 20).to_bytes(8, "big")
        await asyncio.get_running_loop().sock_sendall(
            client.socket, bytes((0x81, 0xFF)) + size + b"mask"
        )
        assert (await client.closed())[0] == 1009
        client.close()


async def test_a_client_s_goodbye_is_answered(path: Path) -> None:
    async with gate(path):
        client = RawClient(path)
        await client.enter()
        client.protocol.send_close(1000, "Client closed")
        await client.flush()
        assert await client.closed() == (1000, "Client closed")
        client.close()


async def test_a_close_in_the_handshake_leaves_nothing_behind(path: Path) -> None:
    async with gate(path) as place:
        for _ in range(50):
            client = RawClient(path)
            await asyncio.get_running_loop().sock_sendall(client.socket, b"GET /ws HT")
            client.close()
        with anyio.fail_after(5):
            while place.listener._channels:
                await anyio.sleep(0.005)
        assert not place.door.sessions._connections


async def test_garbage_instead_of_http_is_refused(path: Path) -> None:
    async with gate(path):
        client = RawClient(path)
        await asyncio.get_running_loop().sock_sendall(client.socket, os.urandom(64) + b"\r\n\r\n")
        await client.read()
        client.close()


async def test_answers_sent_right_before_the_end_are_all_taken(path: Path) -> None:
    """Wire reference, appendix A 12, the hard way: no close frame, nothing read, replies lost."""
    answer = (
        b'{"type":"session","message":{"type":"agent_permission_response","agentId":"a1",'
        b'"requestId":"p%d","response":{"behavior":"allow"}}}'
    )
    async with gate(path) as place:
        for round_ in range(20):
            client = RawClient(path)
            await client.enter(f"c{round_}")
            for number in range(5):
                client.protocol.send_text(answer % (round_ * 5 + number))
                for data in client.protocol.data_to_send():
                    client.socket.send(data)
                await asyncio.sleep(0)
            client.close()
        with anyio.fail_after(10):
            while len(place.door.fleet.acts) < 100:
                await anyio.sleep(0.005)
        assert [act[2] for act in place.door.fleet.acts] == [f"p{n}" for n in range(100)]
