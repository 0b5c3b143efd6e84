"""What one node notices of another: a word that is missing, even the last one, and silence."""

from __future__ import annotations

import pytest

from sereno.relay_server.acts import Frame
from sereno.relay_server.mesh_strand import Strand
from tests.relay_server.sim import TIMING, Network


def session(network: Network, *names: str) -> tuple[int, int, int]:
    """Control, client and data socket, each on the node of that name."""
    control = network.nodes[names[0]].join("server", None)
    network.flows()
    client = network.nodes[names[1]].join("client", "c")
    network.flows()
    data = network.nodes[names[2]].join("server", "c")
    network.flows()
    return control, client, data


@pytest.mark.parametrize("lost", [0, 1, 2])
@pytest.mark.parametrize("names", ["aba", "aab", "abc"])
def test_a_lost_word_closes_both_ends(names: str, lost: int) -> None:
    network = Network("a", "b", "c")
    _, client, data = session(network, *names)
    for number in range(3):
        network.nodes[names[1]].say(client, b"%d" % number)
    network.collect()
    way = (names[1], "a") if names[1] != "a" else ("a", names[2])
    del network.ways[way][lost]
    network.settles()
    one, two = network.nodes[names[1]].sockets[client], network.nodes[names[2]].sockets[data]
    assert one.closed is not None
    assert two.closed is not None
    assert {one.closed[0], two.closed[0]} == {1012}
    assert two.got == [b"0", b"1", b"2"][:lost]
    session(network, *names)
    assert [node.mesh.nodes for node in network.nodes.values()] == [2, 2, 2]


def test_a_node_that_is_silent_is_given_up_in_time() -> None:
    network = Network("a", "b")
    _, client, _ = session(network, "a", "b", "a")
    network.kill("a")
    network.passes(TIMING.lost - 0.1)
    socket = network.nodes["b"].sockets[client]
    assert socket.closed is None
    network.passes(0.2)
    assert socket.closed == (1012, "Node lost")
    assert network.nodes["b"].mesh.nodes == 0
    assert network.nodes["b"].board.rooms == 0


def test_a_client_that_waits_is_told_again_soon_after_a_node_went() -> None:
    network = Network("a", "b")
    control = network.nodes["a"].join("server", None)
    network.nodes["a"].join("client", "c")
    said = network.nodes["a"].sockets[control].got
    assert len(said) == 2
    network.kill("b")
    for _ in range(5):
        network.passes(1.0)
    assert said[2:] == [b'{"type":"sync","connectionIds":["c"]}']


def test_a_reader_that_is_behind_holds_a_writer_elsewhere_within_its_window() -> None:
    network = Network("a", "b")
    _, client, data = session(network, "a", "b", "a")
    near, far = network.nodes["b"], network.nodes["a"]
    far.behind(data, True)
    network.flows()
    said = 0
    while not near.sockets[client].held:
        near.say(client, bytes(10_000))
        network.flows()
        said += 1
        assert said < 100
    assert len(far.sockets[data].got) == said
    far.behind(data, False)
    network.flows()
    assert not near.sockets[client].held
    for _ in range(200):
        near.say(client, bytes(10_000))
        network.flows()
    assert len(far.sockets[data].got) == said + 200
    assert not near.sockets[client].held


def test_a_frame_is_cut_and_put_together() -> None:
    out, come = Strand(1, 1), Strand(1, -1)
    frame = Frame(bytes(range(256)) * 4096, True)
    out.put(frame)
    whole = None
    while whole is None:
        part = out.next()
        assert part is not None
        whole = come.came(part)
        out.taken(come.owes())
    assert whole == frame
    assert out.memory == come.memory == 0


def test_a_data_socket_that_came_before_its_owner_was_known_is_asked_for_again() -> None:
    network = Network("a", "b")
    control = network.nodes["a"].join("server", None)
    network.nodes["a"].join("client", "c")
    data = network.nodes["b"].join("server", "c")
    network.flows()
    assert network.nodes["b"].sockets[data].closed == (1012, "Served by another node")
    said = network.nodes["a"].sockets[control].got
    before = len(said)
    for _ in range(4):
        network.passes(0.5)
        network.flows()
    assert said[before:] == [b'{"type":"sync","connectionIds":["c"]}']
