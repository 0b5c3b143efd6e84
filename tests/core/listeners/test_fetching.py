"""GET /api/files/download: who gets a file by a token, in which form, and who does not."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from websockets.frames import Frame

from sereno.core.listeners import delivery
from sereno.core.listeners.tls import TlsContext
from sereno.core.security.roles import Role
from sereno.core.security.tickets import LASTS_S
from sereno.core.sessions.channel import Peer
from sereno.core.store.errors import StoreError
from tests.certificates import made
from tests.core.listeners.street import (
    PASSWORD,
    TOKEN,
    Street,
    ask,
    get,
    hang_up,
    hashed,
    settings,
    status_of,
    street,
    until,
)
from tests.core.sessions.house import OWNER, view

BEARER = f"Bearer {PASSWORD}"
DEVICE = Peer("password:operator", Role.OPERATOR, "tcp")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "p"
    root.mkdir()
    (root / "notes ü.txt").write_text("hello")
    return root


@asynccontextmanager
async def place(root: Path, rules: Any = None, **options: Any) -> AsyncIterator[Street]:
    async with street(rules, **options) as here:
        here.door.fleet.views["a1"] = view("a1", cwd=str(root))
        yield here


async def token(here: Street, root: Path, path: str = "notes ü.txt", peer: Peer = OWNER) -> str:
    return (await here.door.files.offer(peer, "test", str(root), path))[0]


def path_of(token: str) -> str:
    return f"/api/files/download?token={token}"


def split(answer: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    return {one[0]: one[1] for one in lines}, body


def refused(answer: bytes) -> tuple[int, str]:
    return status_of(answer), json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


NOT_GOOD = (403, "Invalid or expired token")


async def test_c78_a_file_is_fetched_once(root: Path) -> None:
    async with place(root) as here:
        given = await token(here, root)
        head, body = split(await ask(here.address, get(path_of(given)).replace("GET", "HEAD")))
        assert (head["Content-Length"], body) == ("5", b"")
        answer = await ask(here.address, get(path_of(given)))
        assert status_of(answer) == 200
        head, body = split(answer)
        assert body == b"hello"
        assert head["Content-Type"] == "text/plain; charset=utf-8"
        assert head["Content-Length"] == "5"
        assert head["Content-Disposition"] == (
            "attachment; filename=\"notes _.txt\"; filename*=UTF-8''notes%20%C3%BC.txt"
        )
        assert head["X-Content-Type-Options"] == "nosniff"
        assert head["Cache-Control"] == "no-store"
        assert refused(await ask(here.address, get(path_of(given)))) == NOT_GOOD
        assert [note[1] for note in here.door.notes] == ["file.offer", "file.fetch"]


async def test_c78_tokens_that_are_not_good_are_all_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Used, expired, unknown, somebody else's: nobody learns which."""
    rules = settings(password_hash=hashed())
    async with place(root, rules) as here:
        mine = await token(here, root, peer=DEVICE)
        late = await token(here, root, peer=DEVICE)
        ours = await token(here, root, peer=OWNER)
        proxied = {"Authorization": BEARER, "X_Forwarded_For": "192.0.2.1"}
        answers = [
            await ask(here.address, get(path_of(one), **proxied)) for one in (ours, "x", "x" * 43)
        ]
        assert status_of(await ask(here.address, get(path_of(mine), **proxied))) == 200
        answers.append(await ask(here.address, get(path_of(mine), **proxied)))
        now = here.door.files._clock()
        monkeypatch.setattr(here.door.files, "_clock", lambda: now + LASTS_S)
        answers.append(await ask(here.address, get(path_of(late), **proxied)))
        assert {refused(answer) for answer in answers} == {NOT_GOOD}
        assert len({split(answer)[1] for answer in answers}) == 1
        two = get(f"{path_of('a')}&token=b", **proxied)
        assert refused(await ask(here.address, two)) == (400, "Missing download token")


async def test_c41_c46_the_gate_comes_before_the_token(root: Path) -> None:
    """Host, Origin, credential, as for every route; a token that did not pass them stays good."""
    async with place(root, settings(password_hash=hashed())) as here:
        given = await token(here, root)
        for status, request in (
            (401, get(path_of(given))),
            (401, get(path_of(given), Authorization="Bearer wrong")),
            (403, get(path_of(given), host="rebound.example", Authorization=BEARER)),
            (403, get(path_of(given), Authorization=BEARER, Origin="https://evil.example")),
            (403, get(path_of(given), Authorization=BEARER, Sec_Fetch_Site="cross-site")),
            (405, get(path_of(given), Authorization=BEARER).replace("GET", "POST", 1)),
            (415, get(path_of(given), Authorization=BEARER, Content_Length="2") + "{}"),
        ):
            answer = await ask(here.address, request)
            assert status_of(answer) == status, request
            assert b"hello" not in answer
        assert (await ask(here.address, get(path_of(given), Authorization=BEARER))).endswith(
            b"hello"
        )


async def test_c37_a_page_that_is_allowed_may_read_it(root: Path) -> None:
    allowed = settings(origins=frozenset({"https://app.example"}))
    async with place(root, allowed) as here:
        request = get(path_of(await token(here, root)), Origin="https://app.example")
        head, body = split(await ask(here.address, request))
        assert body == b"hello"
        assert head["Access-Control-Allow-Origin"] == "https://app.example"


async def test_t46_an_agents_connection_fetches_nothing_whatever_it_shows(root: Path) -> None:
    async with place(root, is_agent=lambda _: True) as here:
        given = await token(here, root)
        for more in ({}, {"Authorization": f"Bearer {TOKEN}"}):
            answer = await ask(here.address, get(path_of(given), **more))
            assert refused(answer) == (403, "Forbidden")
        assert [note[1] for note in here.door.notes] == ["file.offer"]
        async with here.door.files.fetch(given, OWNER, look=True) as file:
            assert file is not None, "it has not used the token up either"


async def test_c78_t72_what_is_no_longer_that_file_is_not_found(root: Path) -> None:
    async with place(root) as here:
        name = root / "notes ü.txt"
        for change in ("gone", "fifo", "other", "link out"):
            name.unlink(missing_ok=True)
            name.write_text("hello")
            given = await token(here, root)
            (root / "other").write_text("CANARY")  # now, so that it has a number of its own
            name.unlink()
            if change == "fifo":
                os.mkfifo(name)
            elif change == "other":
                (root / "other").rename(name)
            elif change == "link out":
                (root.parent / "secret").write_text("CANARY")
                name.symlink_to("../secret")
            answer = await ask(here.address, get(path_of(given)))
            assert refused(answer) == (404, "File not found"), change
            assert b"CANARY" not in answer


async def test_a_fault_refuses_this_one_and_nobody_else(root: Path) -> None:
    async with place(root) as here:
        given = await token(here, root)
        here.door.refuse_notes = StoreError("disk_full", "The disk is full.", "Free some.")
        answer = await ask(here.address, get(path_of(given)))
        assert refused(answer) == (500, "Internal Server Error")
        here.door.refuse_notes = None
        again = await token(here, root)
        assert (await ask(here.address, get(path_of(again)))).endswith(b"hello")


async def test_t74_a_token_is_in_no_log(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with place(root) as here:
        given = await token(here, root)
        await ask(here.address, get(path_of(given)))
        await ask(here.address, get(path_of(given)))
        await ask(here.address, get(path_of(given), host="rebound.example"))
        assert not [one for one in caplog.records if given in one.getMessage()]
        assert given not in repr(here.door.notes)


def slow(here: Street, path: str) -> socket.socket:
    """A client that has asked and takes next to nothing by itself."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect(here.address)
    client.setblocking(False)
    client.send(get(path).encode())
    return client


def pumped(here: Street) -> int:
    """Bytes that wait in this process for clients that fetch."""
    return sum(one._wire._size for one in here.listener._deliveries)  # type: ignore[attr-defined]


async def everything(client: socket.socket) -> bytes:
    loop, found = asyncio.get_running_loop(), bytearray()
    with anyio.fail_after(20):
        while piece := await loop.sock_recv(client, 2**20):
            found += piece
    return bytes(found)


async def test_a_large_file_goes_out_no_faster_than_it_is_taken(root: Path) -> None:
    data = os.urandom(12 * 2**20)
    (root / "big").write_bytes(data)
    async with place(root) as here:
        client = slow(here, path_of(await token(here, root, "big")))
        await until(lambda: pumped(here) > delivery.PIECE)
        for _ in range(200):
            await asyncio.sleep(0)
        assert pumped(here) <= 3 * delivery.PIECE
        assert status_of(await ask(here.address, get())) == 200, "others are served meanwhile"
        answer = await everything(client)
        assert split(answer)[1] == data
        client.close()
        await until(lambda: not here.listener._deliveries)


async def test_who_leaves_in_the_middle_leaves_nothing_open(root: Path) -> None:
    (root / "big").write_bytes(b"x" * 8 * 2**20)
    async with place(root) as here:
        client = slow(here, path_of(await token(here, root, "big")))
        await until(lambda: pumped(here) > delivery.PIECE)
        assert f"{root}/big" in opened()
        client.close()
        await until(lambda: not here.listener._deliveries)
        await until(lambda: f"{root}/big" not in opened())


def opened() -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return found


async def test_who_takes_nothing_is_let_go(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "STALL_S", 0.1)
    (root / "big").write_bytes(b"x" * 8 * 2**20)
    async with place(root) as here:
        client = slow(here, path_of(await token(here, root, "big")))
        await until(lambda: here.listener._deliveries)
        await until(lambda: not here.listener._deliveries)
        with anyio.fail_after(5):
            with suppress(ConnectionResetError):
                assert len(await everything(client)) < 8 * 2**20
        client.close()


async def test_a_file_that_shrinks_meanwhile_is_cut_and_not_padded(root: Path) -> None:
    (root / "big").write_bytes(b"x" * 8 * 2**20)
    async with place(root) as here:
        client = slow(here, path_of(await token(here, root, "big")))
        await until(lambda: pumped(here) > delivery.PIECE)
        os.truncate(root / "big", 1_000)
        with suppress(ConnectionResetError):
            assert len(await everything(client)) < 8 * 2**20
        client.close()
        await until(lambda: not here.listener._deliveries)


async def test_t39_who_loses_access_gets_no_more_of_it(root: Path) -> None:
    (root / "big").write_bytes(b"x" * 8 * 2**20)
    async with place(root) as here:
        client = slow(here, path_of(await token(here, root, "big")))
        await until(lambda: pumped(here) > delivery.PIECE)
        (one,) = here.listener._deliveries
        here.listener.drop({"somebody:else"})
        assert here.listener._deliveries
        here.listener.drop({one.peer.credential})
        assert not here.listener._deliveries
        client.close()


async def test_a_stop_ends_what_is_under_way(root: Path) -> None:
    """As the daemon's end does: a moment to finish, then every task is cancelled."""
    (root / "big").write_bytes(b"x" * 8 * 2**20)
    with anyio.CancelScope() as scope:
        async with place(root) as here:
            client = slow(here, path_of(await token(here, root, "big")))
            await until(lambda: pumped(here) > delivery.PIECE)
            here.listener.stop()
            await here.listener.wait_closed(0.05)
            assert here.listener._deliveries, "what is under way may go on for a moment"
            scope.cancel()
    assert not here.listener._deliveries
    assert f"{root}/big" not in opened()
    client.close()


async def test_there_is_room_for_so_many(root: Path) -> None:
    async with place(root, most=0) as here:
        given = await token(here, root)
        assert status_of(await ask(here.address, get(path_of(given)))) == 503


async def test_pieces_of_a_file_are_binary_messages_and_everything_else_is_text(root: Path) -> None:
    """Wire reference 4.2: clients in browsers tell them apart by that."""
    data = os.urandom(300_000)
    (root / "big").write_bytes(data)
    async with place(root) as here:
        client = here.client()
        await client.enter()
        kinds: list[str] = []
        events = client.protocol.events_received

        def seen() -> list[Any]:
            found = events()
            kinds.extend(one.opcode.name for one in found if isinstance(one, Frame))
            return found

        client.protocol.events_received = seen  # type: ignore[method-assign]
        message = {"type": "file_explorer_request", "requestId": "r", "cwd": str(root)}
        more = {"path": "big", "mode": "file", "acceptBinary": True}
        await client.say(json.dumps({"type": "session", "message": message | more}).encode())
        frames = [await client.next()]
        while frames[-1][0] != 0x12:
            frames.append(await client.next())
        assert b"".join(frame[3:] for frame in frames[1:-1]) == data
        assert set(kinds) == {"BINARY"}
        await client.say(json.dumps({"type": "ping"}).encode())
        assert await client.next() == b'{"type":"pong"}'
        assert kinds[-1] == "TEXT"
        client.close()


async def test_a_large_file_comes_whole_over_tls(root: Path, tmp_path: Path) -> None:
    files = made(tmp_path / "c", "DNS:localhost")
    data = os.urandom(3 * 2**20)
    (root / "big").write_bytes(data)
    async with place(root, tls=TlsContext(files.cert, files.key)) as here:
        given = await token(here, root, "big")
        context = ssl.create_default_context(cafile=files.cert)
        reader, writer = await asyncio.open_connection(
            *here.address, ssl=context, server_hostname="localhost"
        )
        writer.write(get(path_of(given)).encode())
        with anyio.fail_after(20):
            answer = await reader.read()
        assert split(answer)[1] == data
        await hang_up(writer)
        await until(lambda: not here.listener._deliveries)
