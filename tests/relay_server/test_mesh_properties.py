"""Whatever the broker loses or delays and whichever node dies: what arrives on a connection arrives
whole and in order, and one that is still open when all is quiet has lost nothing."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from sereno.relay_server.limits import KIB
from tests.relay_server.sim import Network, Socket

NAMES = ("a", "b", "c")
NODE = st.sampled_from(NAMES)
WAY = st.sampled_from([(one, two) for one in NAMES for two in NAMES if one != two])
ROLE = st.sampled_from(["client", "server"])


class Meshed(RuleBasedStateMachine):
    """Each connection has one client and one data socket; both number what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Network(*NAMES)
        self.count = 0
        self.ends: dict[tuple[str, str], tuple[str, int, Socket]] = {}
        self.said: dict[tuple[str, str], list[bytes]] = {}

    def _open(self, end: tuple[str, str]) -> tuple[str, int, Socket] | None:
        found = self.ends.get(end)
        if found is None or found[2].closed is not None:
            return None
        node = self.network.nodes.get(found[0])
        return found if node is not None and node.sockets.get(found[1]) is found[2] else None

    def _join(self, name: str, role: str, connection: str) -> None:
        node = self.network.nodes.get(name)
        if node is not None:
            peer = node.join(role, connection)
            self.ends[role, connection] = (name, peer, node.sockets[peer])
            self.said[role, connection] = []

    @rule(name=NODE)
    def control(self, name: str) -> None:
        if name in self.network.nodes:
            self.network.nodes[name].join("server", None)

    @rule(name=NODE)
    def client(self, name: str) -> None:
        self.count += 1
        self._join(name, "client", f"c{self.count}")

    @rule(name=NODE, which=st.integers(0, 2))
    def data(self, name: str, which: int) -> None:
        connection = f"c{self.count - which}"
        if self._open(("client", connection)) and ("server", connection) not in self.ends:
            self._join(name, "server", connection)

    @rule(
        role=ROLE,
        which=st.integers(0, 2),
        pad=st.sampled_from([0, 0, 10, 150 * KIB, 300 * KIB]),
        times=st.integers(1, 3),
    )
    def speaks(self, role: str, which: int, pad: int, times: int) -> None:
        end = (role, f"c{self.count - which}")
        for _ in range(times):
            found = self._open(end)
            if found is None or found[2].held:
                return
            if role == "client" and len(self.said[end]) > 10:
                return
            words = f"{end}:{len(self.said[end])}:".encode() + b"x" * pad
            self.said[end].append(words)
            self.network.nodes[found[0]].say(found[1], words)

    @rule(role=ROLE, at=st.integers(0, 2), then_quiet=st.booleans())
    def a_word_of_many_is_lost(self, role: str, at: int, then_quiet: bool) -> None:
        """On its way from one socket of the newest session to the other; the last one, too."""
        found = self._open((role, f"c{self.count}"))
        if found is None:
            return
        self.network.flows()
        self.speaks(role, 0, 0, 3)
        self.network.collect()
        for way, words in self.network.ways.items():
            if way[0] == found[0] and len(words) > at:
                del words[at]
        if then_quiet:
            self._quiet()

    @rule(role=ROLE, which=st.integers(0, 2))
    def leaves(self, role: str, which: int) -> None:
        found = self._open((role, f"c{self.count - which}"))
        if found is not None:
            found[2].closed = (1000, "")
            self.network.nodes[found[0]].leave(found[1])

    @rule(role=ROLE, which=st.integers(0, 2), so=st.booleans())
    def is_slow(self, role: str, which: int, so: bool) -> None:
        found = self._open((role, f"c{self.count - which}"))
        if found is not None:
            self.network.nodes[found[0]].behind(found[1], so)

    @rule(way=WAY, most=st.integers(1, 30))
    def some_arrives(self, way: tuple[str, str], most: int) -> None:
        self.network.deliver(way, most)

    @rule()
    def all_arrives(self) -> None:
        self.network.flows()

    @rule(names=st.tuples(NODE, NODE, NODE))
    def session(self, names: tuple[str, str, str]) -> None:
        """A whole one, as daemon and client come to it."""
        for step, name in zip((self.control, self.client), names, strict=False):
            step(name)
            self.network.flows()
        self.data(names[2], 0)
        self.network.flows()

    @rule(way=WAY, most=st.integers(1, 3))
    def something_is_lost(self, way: tuple[str, str], most: int) -> None:
        for _ in range(most):
            self.network.lose(way)

    @rule(seconds=st.sampled_from([0.5, 0.5, 2.0, 4.0]))
    def time_passes(self, seconds: float) -> None:
        self.network.passes(seconds)

    @rule(name=NODE)
    def dies_or_comes(self, name: str) -> None:
        if name in self.network.nodes:
            self.network.kill(name)
        else:
            self.network.start(name)

    @rule()
    def all_is_quiet(self) -> None:
        self._quiet()

    def _quiet(self) -> None:
        for node in self.network.nodes.values():
            for peer, socket in node.sockets.items():
                if socket.closed is None:
                    node.behind(peer, False)
        self.network.settles()
        self._nothing_is_lost()
        self._all_agree()

    def _nothing_is_lost(self) -> None:
        for (role, connection), found in self.ends.items():
            other = ("server" if role == "client" else "client", connection)
            said = self.said.get(other, [])
            assert found[2].got == said[: len(found[2].got)], "lost, doubled or moved"
            if self._open((role, connection)):
                assert not found[2].held, "held for nothing"
                if self._open(other):
                    assert found[2].got == said, "an open connection lost something"

    def _all_agree(self) -> None:
        nodes = self.network.nodes.values()
        assert sum(bool(node.mesh._rooms) for node in nodes) <= 1, "two own one id"
        for node in nodes:
            assert node.mesh.nodes == len(nodes) - 1
            for neighbour in node.mesh.neighbours.values():
                assert neighbour.trunk.on_the_way == 0 or neighbour.trunk.up
                assert all(strand.memory == 0 for strand in neighbour.strands.values())
            is_open = sum(socket.closed is None for socket in node.sockets.values())
            far = sum(peer < 0 for peer in node.mesh._at)
            assert len(node.board.ledger) == is_open + far
        controls = [peer for node in nodes for peer in node.board._key_of if self._is(node, peer)]
        assert len(controls) <= 1, "two daemons own one id"

    @staticmethod
    def _is(node: object, peer: int) -> bool:
        board = node.board  # type: ignore[attr-defined]
        room = board._rooms[board._key_of[peer]]
        return peer > 0 and bool(room.is_control(peer))

    def teardown(self) -> None:
        self._quiet()


TestMeshed = Meshed.TestCase
TestMeshed.settings = settings(max_examples=40, stateful_step_count=40)
