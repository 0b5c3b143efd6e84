"""Several nodes over a real nats-server: whoever comes to any of them meets as on one node."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from websockets.asyncio.client import ClientConnection

from sereno.relay_server.limits import MIB, Limits
from tests.relay_server.nodes import Broker, Nodes, broker, nodes, until
from tests.relay_server.running import ended, heard

pytestmark = pytest.mark.nats


@pytest.fixture
async def nats() -> AsyncIterator[Broker]:
    with broker() as started:
        await started.answers()
        yield started


async def session(
    running: Nodes, control: str, client: str, data: str
) -> tuple[ClientConnection, ClientConnection, ClientConnection]:
    """A control socket, a client and its data socket, each on the node of that name."""
    first = await running[control].open("server")
    assert await heard(first) == {"type": "sync", "connectionIds": []}
    await until(lambda: all(running.knows_id(name) for name in running.up if name != control))
    second = await running[client].open("client", max_size=None)
    told = await heard(first)
    assert told["type"] == "connected"
    third = await running[data].open("server", told["connectionId"], max_size=None)
    return first, second, third


@pytest.mark.parametrize("places", ["aba", "aab", "abc", "bcc"])
async def test_a_client_on_one_node_reaches_a_daemon_on_another(nats: Broker, places: str) -> None:
    async with nodes(nats.url, "a", "b", "c") as running:
        control, client, data = await session(running, *places)
        for frame in ("hello", b"\x00\xff", "", b"x" * (3 * MIB)):
            await client.send(frame)
            assert await heard(data) == frame
            await data.send(frame)
            assert await heard(client) == frame
        await client.close()
        assert await ended(data) == (1001, "Client disconnected")
        assert (await heard(control))["type"] == "disconnected"


async def test_what_a_client_says_before_its_daemon_comes_waits_at_the_owner(nats: Broker) -> None:
    async with nodes(nats.url, "a", "b", "c") as running:
        first = await running["a"].open("client", "one")
        await until(lambda: running.knows_id("b"))
        second = await running["b"].open("client", "two")
        for number in range(5):
            await second.send(str(number))
        control = await running["c"].open("server")
        told = await heard(control)
        while set(told["connectionIds"]) != {"one", "two"}:
            told = {
                "connectionIds": [*told["connectionIds"], (await heard(control))["connectionId"]]
            }
        data = await running["c"].open("server", "two")
        assert [await heard(data) for _ in range(5)] == ["0", "1", "2", "3", "4"]
        await data.close()
        assert await ended(second) == (1012, "Server disconnected")
        await first.close()


async def test_a_newer_control_socket_on_another_node_replaces_the_older(nats: Broker) -> None:
    async with nodes(nats.url, "a", "b") as running:
        control, client, data = await session(running, "a", "b", "a")
        newer = await running["b"].open("server")
        assert await ended(control) == (1008, "Replaced by new connection")
        assert len((await heard(newer))["connectionIds"]) == 1
        await client.send("still")
        assert await heard(data) == "still"


async def test_version_1_crosses_nodes_too(nats: Broker) -> None:
    async with nodes(nats.url, "a", "b") as running:
        server = await running["a"].open("server", version=1)
        await until(lambda: running.knows_id("b"))
        await server.send("nobody hears this")
        client = await running["b"].open("client", version=1)
        await client.send("up")
        assert await heard(server) == "up"
        await server.send(b"down")
        assert await heard(client) == b"down"


async def test_a_slow_reader_on_another_node_holds_the_writer_and_loses_nothing(
    nats: Broker,
) -> None:
    async with nodes(nats.url, "a", "b", limits=Limits(waiting=MIB)) as running:
        _, client, data = await session(running, "a", "b", "a")
        sent = [bytes([number % 256]) * (64 * 1024) for number in range(400)]

        async def write() -> None:
            for frame in sent:
                await client.send(frame)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            await until(lambda: any(link.held for link in running["b"].server.hub.links()))
            for node in running.up.values():
                assert node.server.hub.memory() < 3 * MIB
            for frame in sent:
                assert await heard(data) == frame


async def test_a_limit_of_the_owner_closes_a_socket_of_another_node(nats: Broker) -> None:
    async with nodes(nats.url, "a", "b", limits=Limits(clients=1)) as running:
        _, client, data = await session(running, "a", "b", "b")
        assert await ended(await running["b"].open("client")) == (
            1013,
            "Too many clients of this id",
        )
        await client.send("unaffected")
        assert await heard(data) == "unaffected"


@pytest.mark.parametrize("gentle", [False, True])
async def test_a_node_that_ends_takes_only_what_ran_over_it(nats: Broker, gentle: bool) -> None:
    async with nodes(nats.url, "a", "b", "c") as running:
        control, client, data = await session(running, "a", "b", "c")
        near = await running["a"].open("client")
        told = await heard(control)
        its_data = await running["a"].open("server", told["connectionId"])
        await (running.stop("b") if gentle else running.kill("b"))
        assert await ended(data) == (1012, "Node lost")
        assert (await heard(control))["type"] == "disconnected"
        await near.send("goes on")
        assert await heard(its_data) == "goes on"
        again = await running["c"].open("client")
        assert (await heard(control))["type"] == "connected"
        await again.close()
        await client.wait_closed()


async def test_without_its_owner_an_id_finds_another(nats: Broker) -> None:
    async with nodes(nats.url, "a", "b", "c") as running:
        _, client, _ = await session(running, "a", "b", "c")
        await running.kill("a")
        assert await ended(client) == (1012, "Node lost")
        await running.met()
        _, client, data = await session(running, "b", "c", "c")
        await client.send("back")
        assert await heard(data) == "back"


async def test_without_a_broker_each_node_serves_alone_and_joins_again(nats: Broker) -> None:
    async with nodes(nats.url, "a", "b") as running:
        control, far, _ = await session(running, "a", "b", "a")
        near = await running["a"].open("client")
        data = await running["a"].open("server", (await heard(control))["connectionId"])
        nats.kill()
        assert await ended(far) == (1012, "Node lost")
        await near.send("goes on")
        assert await heard(data) == "goes on"
        await until(lambda: running.known("a") == 0)
        nats.start()
        await running.met()
        again = await running["b"].open("client")
        assert (await heard(control))["type"] == "disconnected"
        told = await heard(control)
        assert told["type"] == "connected"
        data = await running["b"].open("server", told["connectionId"])
        await again.send("back")
        assert await heard(data) == "back"


async def test_of_two_daemons_that_came_while_there_was_no_broker_the_newer_stays(
    nats: Broker,
) -> None:
    async with nodes(nats.url, "a", "b") as running:
        nats.kill()
        await until(lambda: running.known("a") == running.known("b") == 0)
        older = await running["a"].open("server")
        client = await running["a"].open("client")
        await anyio.sleep(0.01)  # Milliseconds decide who is newer.
        newer = await running["b"].open("server")
        assert await heard(newer) == {"type": "sync", "connectionIds": []}
        nats.start()
        assert await ended(older) == (1008, "Replaced by new connection")
        assert await ended(client) == (1012, "Served by another node")
        await running["a"].open("client", "again")
        assert await heard(newer) == {"type": "connected", "connectionId": "again"}
