"""The relay over real sockets, spoken to as the wire reference says that peers do (section 2)."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import anyio
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from sereno.relay_server.limits import KIB, MIB, Limits, Timing
from sereno.relay_server.settings import RelayError, read_networks
from tests.certificates import made
from tests.relay_server.running import LIMIT_S, QUICK, Running, ended, heard, relay

UPGRADE = (
    "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
    "\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
)


async def joined(running: Running) -> tuple[ClientConnection, ClientConnection, ClientConnection]:
    """Control, client and data socket of a connection, as daemon and client open them."""
    control = await running.open("server")
    assert await heard(control) == {"type": "sync", "connectionIds": []}
    client = await running.open("client")
    told = await heard(control)
    assert told["type"] == "connected"
    assert re.fullmatch("conn_[0-9a-f]{16}", told["connectionId"])
    data = await running.open("server", told["connectionId"])
    return control, client, data


async def test_a_whole_session_of_version_2() -> None:
    async with relay() as running:
        control = await running.open("server")
        assert await heard(control) == {"type": "sync", "connectionIds": []}
        await control.send('{"type":"ping","ts":1}')
        answer = await heard(control)
        assert answer["type"] == "pong"
        assert isinstance(answer["ts"], int)
        client = await running.open("client")
        for frame in ("hello", b"\x00\xff", "again"):
            await client.send(frame)
        told = await heard(control)
        data = await running.open("server", told["connectionId"])
        assert [await heard(data) for _ in range(3)] == ["hello", b"\x00\xff", "again"]
        await data.send("ready")
        await data.send(b"\x01")
        assert [await heard(client), await heard(client)] == ["ready", b"\x01"]
        await client.close()
        assert await ended(data) == (1001, "Client disconnected")
        assert await heard(control) == {**told, "type": "disconnected"}
        assert await running.http("GET /health HTTP/1.1") == (200, '{"status":"ok"}')


async def test_version_1_is_what_a_query_without_version_means() -> None:
    async with relay() as running:
        server = await running.open("server", version=1)
        client = await running.open("client", version=1)
        await client.send("up")
        assert await heard(server) == "up"
        newer = await running.open("server", version=1)
        assert await ended(server) == (1008, "Replaced by new connection")
        await newer.send(b"down")
        assert await heard(client) == b"down"


async def test_the_daemon_s_end_is_told_to_the_client() -> None:
    async with relay() as running:
        control, client, data = await joined(running)
        await data.send("last words")
        await data.close()
        assert await heard(client) == "last words"
        assert await ended(client) == (1012, "Server disconnected")
        assert (await heard(control))["type"] == "disconnected"


async def test_a_client_that_is_cut_off_is_noticed() -> None:
    async with relay() as running:
        control, client, data = await joined(running)
        client.transport.abort()
        assert await ended(data) == (1001, "Client disconnected")
        assert (await heard(control))["type"] == "disconnected"


async def test_a_newer_control_socket_replaces_the_older() -> None:
    async with relay() as running:
        control, client, data = await joined(running)
        newer = await running.open("server")
        assert await ended(control) == (1008, "Replaced by new connection")
        assert len((await heard(newer))["connectionIds"]) == 1
        await client.send("still")
        assert await heard(data) == "still"


async def test_a_daemon_that_opens_no_data_socket_is_nudged_and_given_up() -> None:
    async with relay(timing=Timing(nudge=0.2, unresponsive=0.2, tick=0.02)) as running:
        control = await running.open("server")
        client = await running.open("client", "c")
        said = [await heard(control) for _ in range(3)]
        assert [message["type"] for message in said] == ["sync", "connected", "sync"]
        assert await ended(control) == (1011, "Control unresponsive")
        await client.send("kept")
        assert await heard(await running.open("server", "c")) == "kept"


async def test_limits_close_with_1013_and_leave_others_alone() -> None:
    async with relay(Limits(frames=3, clients=2, ids=2)) as running:
        _, client, data = await joined(running)
        greedy = await running.open("client", "greedy")
        for number in range(4):
            await greedy.send(str(number))
        assert await ended(greedy) == (1013, "Too much waits for the daemon")
        second = await running.open("client")
        assert (await ended(await running.open("client")))[0] == 1013
        await running.open("client", server_id="two")
        assert (await ended(await running.open("client", server_id="three")))[0] == 1013
        await client.send("unaffected")
        assert await heard(data) == "unaffected"
        await second.close()


async def test_large_and_split_messages_arrive_whole() -> None:
    async with relay() as running:
        _, client, data = await joined(running)
        large = "x" * (5 * MIB)
        await client.send(large)
        await client.send(iter(["in ", "three ", "parts"]))
        with anyio.fail_after(LIMIT_S):
            data.protocol.max_message_size = None
            assert await data.recv() == large
            assert await data.recv() == "in three parts"


async def test_a_message_over_the_limit_closes_its_socket_with_1009() -> None:
    async with relay(Limits(message=64 * KIB)) as running:
        _, client, data = await joined(running)
        await client.send("x" * 64 * KIB)
        assert await heard(data) == "x" * 64 * KIB
        await client.send("x" * (64 * KIB + 1))
        assert (await ended(client))[0] == 1009
        assert await ended(data) == (1001, "Client disconnected")


async def test_a_slow_reader_holds_its_writer_and_loses_nothing() -> None:
    """20 MiB through a relay that may keep 1: the writer waits, in the end all have arrived."""
    async with relay(Limits(waiting=1 * MIB)) as running:
        _, client, data = await joined(running)
        count, piece = 320, 64 * KIB

        async def write() -> None:
            for number in range(count):
                await data.send(f"{number:08}" + "x" * (piece - 8))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            with anyio.fail_after(LIMIT_S):
                while not any(link.held for link in running.server.hub.links()):
                    await anyio.sleep(0.01)
            assert running.server.hub.memory() < 2 * MIB
            with anyio.fail_after(30):
                for number in range(count):
                    assert int((await client.recv())[:8]) == number


async def test_a_reader_that_takes_nothing_is_given_up() -> None:
    async with relay(timing=Timing(stall=0.3, tick=0.02)) as running:
        control, client, data = await joined(running)
        client.transport.pause_reading()
        with pytest.raises(Exception, match="1001"):  # noqa: PT012
            while True:
                await data.send("x" * 256 * KIB)
        assert (await heard(control))["type"] == "disconnected"
        client.transport.abort()


async def test_the_silent_are_asked_and_the_dead_dropped() -> None:
    async with relay(timing=Timing(ping=0.2, dead=0.6, tick=0.02)) as running:
        control, client, data = await joined(running)
        client.transport.pause_reading()  # It answers no ping, as on a line that is cut.
        assert await ended(data) == (1001, "Client disconnected")
        assert (await heard(control))["type"] == "disconnected"
        await control.send('{"type":"ping"}')
        assert (await heard(control))["type"] == "pong"
        client.transport.abort()


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        ("GET /health HTTP/1.1", 200, '{"status":"ok"}'),
        ("POST /health?x HTTP/1.1", 200, '{"status":"ok"}'),
        ("HEAD /health HTTP/1.1", 200, ""),
        ("GET / HTTP/1.1", 404, "Not found"),
        ("GET /ws HTTP/1.1", 400, "Missing serverId parameter"),
        ("GET /ws?serverId=s&role=x HTTP/1.1", 400, "Missing or invalid role parameter"),
        ("GET /ws?serverId=s&role=client HTTP/1.1", 426, "Expected WebSocket upgrade"),
        ("POST /ws?serverId=s&role=client HTTP/1.1" + UPGRADE, 405, None),
        ("GET /ws?serverId=s HTTP/1.1" + UPGRADE, 400, "Missing or invalid role parameter"),
        ("GET /metrics HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1", 404, "Not found"),
    ],
)
async def test_http(request_: str, status: int, body: str | None) -> None:
    async with relay() as running:
        found = await running.http(request_)
        assert found[0] == status
        assert body is None or found[1] == body


async def test_nonsense_and_slow_requests_are_dropped() -> None:
    async with relay(timing=Timing(handshake=0.2, tick=0.02)) as running:
        with anyio.fail_after(LIMIT_S):
            for words in (b"", b"GET /health", b"x" * 40_000, b"\x16\x03\x01\r\n\r\n"):
                stream = await anyio.connect_tcp("127.0.0.1", running.port)
                async with stream:
                    if words:
                        await stream.send(words)
                    with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                        await stream.receive()
            while len(running.server.hub):
                await anyio.sleep(0.01)


async def test_an_address_that_asks_for_nothing_leaves_room_for_others() -> None:
    async with relay(Limits(address_sockets=1), proxies=read_networks(["127.0.0.2"])) as running:
        hub = running.server.hub
        idle = [await anyio.connect_tcp("127.0.0.1", running.port) for _ in range(257)]
        with anyio.fail_after(LIMIT_S):
            while len(hub) < 257:
                await anyio.sleep(0.01)
            async with await anyio.connect_tcp("127.0.0.1", running.port) as late:
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await late.receive()
        via = {"X-Forwarded-For": "198.51.100.1"}
        other = await running.open("server", local_addr=("127.0.0.2", 0), additional_headers=via)
        assert await heard(other) == {"type": "sync", "connectionIds": []}
        for stream in idle:
            await stream.aclose()
        with anyio.fail_after(LIMIT_S):
            while len(hub) > 1:
                await anyio.sleep(0.01)


async def test_metrics_count_and_name_nobody() -> None:
    async with relay() as running:
        _, client, data = await joined(running)
        await client.send("12345")
        assert await heard(data) == "12345"
        status, text = await running.http("GET /metrics HTTP/1.1")
        assert status == 200
        assert 'sereno_relay_sockets{kind="v2 control"} 1' in text
        assert "sereno_relay_ids 1" in text
        assert "srv_" not in text
        assert "127.0.0.1" not in text


async def test_behind_a_proxy_the_client_s_address_counts_and_metrics_are_closed() -> None:
    proxies = read_networks(["127.0.0.0/8"])
    async with relay(Limits(ids=1), proxies=proxies) as running:
        for number in range(3):
            via = {"X-Forwarded-For": f"evil, 198.51.100.{number}"}
            await running.open("client", server_id=f"s{number}", additional_headers=via)
        late = await running.open("client", server_id="s9", additional_headers=via)
        assert await ended(late) == (1013, "Too many ids of this address")
        assert (await running.http("GET /metrics HTTP/1.1"))[0] == 404


async def test_stopping_tells_everybody_and_waits_for_what_is_under_way() -> None:
    async with relay() as running:
        sockets = await joined(running)
        await sockets[1].send("under way")
        assert await heard(sockets[2]) == "under way"
        running.server.stop()
        for socket in sockets:
            assert await ended(socket) == (1012, "Relay stopping")


async def test_tls_with_a_new_certificate_while_it_runs(tmp_path: Path) -> None:
    old = made(tmp_path / "old", "IP:127.0.0.1")
    new = made(tmp_path / "new", "IP:127.0.0.1")
    async with relay(tls=(old.cert, old.key)) as running:
        trust_old = ssl.create_default_context(cafile=str(old.cert))
        client = await running.open("client", ssl=trust_old)
        await client.send("over TLS")
        data = await running.open("client", ssl=trust_old)
        assert data.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        old.cert.write_bytes(new.cert.read_bytes())
        with pytest.raises(RelayError):
            running.server.reload()
        old.key.write_bytes(new.key.read_bytes())
        running.server.reload()
        trust_new = ssl.create_default_context(cafile=str(new.cert))
        await running.open("client", ssl=trust_new)
        await client.send("and the old one goes on")


async def test_compression_is_not_taken_and_a_wrong_upgrade_refused() -> None:
    async with relay() as running:
        client = await running.open("client", compression="deflate")
        assert client.protocol.extensions == []
        with pytest.raises(InvalidStatus):
            await running.open("client", version=3)


async def test_an_address_in_use_is_refused_in_words() -> None:
    async with relay(timing=QUICK) as running:
        from sereno.relay_server.server import RelayServer
        from sereno.relay_server.settings import Settings, read_address

        taken = Settings(plain=(read_address(f"127.0.0.1:{running.port}"),))
        with pytest.raises(RelayError, match="Somebody else listens") as refused:
            await RelayServer(taken).start()
        assert refused.value.code == "port_in_use"
