"""Whatever happens in whatever order: no frame of an open connection is lost, doubled or moved, and
no bound is passed. Hypothesis plays daemon, clients and strangers against the rules."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sereno.relay_server.limits import Limits
from tests.relay_server.board import Board

NAMES = st.sampled_from(["a", "b", "c"])
LIMITS = Limits(
    frames=4, waiting=60, clients=4, ids=2, address_sockets=9, sockets=12, address_memory=200
)


class Relay(RuleBasedStateMachine):
    """Each client and data socket numbers what it says; its partner checks what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.board = Board(LIMITS)
        self.kind: dict[int, tuple[str, str]] = {}
        self.said: Counter[int] = Counter()
        self.waiting: dict[str, list[str]] = {}

    def _open(self, kind: str, name: str = "") -> list[int]:
        return [
            peer
            for peer, found in self.kind.items()
            if found[0] == kind
            and (not name or found[1] == name)
            and self.board[peer].closed is None
        ]

    def _came(self, peer: int, kind: str, name: str = "") -> None:
        if self.board[peer].closed is None:
            self.kind[peer] = (kind, name)

    @rule(address=st.sampled_from(["192.0.2.1", "192.0.2.2"]))
    def control(self, address: str) -> None:
        self._came(self.board.join("server", address=address), "control")

    @rule(name=NAMES, address=st.sampled_from(["192.0.2.1", "192.0.2.2"]))
    def client(self, name: str, address: str) -> None:
        self._came(self.board.join("client", name, address=address), "client", name)

    @rule(name=NAMES)
    def data(self, name: str) -> None:
        peer = self.board.join("server", name)
        self._came(peer, "data", name)
        if self.board[peer].closed is None:
            # Everything that its clients said since the line began is for it, in order.
            assert self.board[peer].got == self.waiting.pop(name, [])

    @rule(name=NAMES, pad=st.integers(0, 30))
    def client_speaks(self, name: str, pad: int) -> None:
        for peer in self._open("client", name)[:1]:
            self._speak(peer, name, pad)

    @rule(name=NAMES, pad=st.integers(0, 30))
    def daemon_speaks(self, name: str, pad: int) -> None:
        for peer in self._open("data", name):
            self._speak(peer, name, pad)

    def _speak(self, peer: int, name: str, pad: int) -> None:
        self.said[peer] += 1
        words = f"{peer}:{self.said[peer]}:{'x' * pad}"
        is_client = self.kind[peer][0] == "client"
        listeners = self._open("data" if is_client else "client", name)
        before = {number: list(socket.got) for number, socket in self.board.sockets.items()}
        self.board.say(peer, words)
        for number, got in before.items():
            if self.kind.get(number, ("control",))[0] != "control":
                expected = [*got, words] if number in listeners else got
                assert self.board[number].got == expected
        if is_client and not listeners and self.board[peer].closed is None:
            self.waiting.setdefault(name, []).append(words)

    @rule(name=NAMES)
    def client_leaves(self, name: str) -> None:
        for peer in self._open("client", name)[:1]:
            self._leave(peer)

    @rule(name=NAMES)
    def data_leaves(self, name: str) -> None:
        for peer in self._open("data", name):
            self._leave(peer)

    @rule()
    def control_leaves(self) -> None:
        for peer in self._open("control"):
            self._leave(peer)

    def _leave(self, peer: int) -> None:
        self.kind.pop(peer)
        self.board.leave(peer)

    @rule(name=NAMES, kind=st.sampled_from(["client", "data"]))
    def falls_behind(self, name: str, kind: str) -> None:
        for peer in self._open(kind, name):
            self.board.do(self.board.board.behind(peer))

    @rule(name=NAMES, kind=st.sampled_from(["client", "data"]))
    def catches_up(self, name: str, kind: str) -> None:
        for peer in self._open(kind, name):
            self.board.do(self.board.board.caught_up(peer))

    @rule(memory=st.integers(0, 300), name=NAMES)
    def grows(self, memory: int, name: str) -> None:
        for peer in self._open("client", name)[:1]:
            self.board.do(self.board.board.weigh(peer, memory, self.board.now))

    @rule(seconds=st.floats(0.1, 20))
    def time_passes(self, seconds: float) -> None:
        self.board.pass_time(seconds)

    @invariant()
    def what_nobody_waits_for_is_forgotten(self) -> None:
        for name in list(self.waiting):
            if not self._open("client", name):
                del self.waiting[name]

    @invariant()
    def bounds_hold(self) -> None:
        ledger = self.board.board.ledger
        open_now = [peer for peer in self.kind if self.board[peer].closed is None]
        assert len(ledger) == len(open_now) <= LIMITS.sockets
        assert len(self._open("control")) <= 1
        assert len(self._open("client")) <= LIMITS.clients
        assert len(self._open("data")) <= LIMITS.clients
        assert self.board.board.rooms <= 1
        for words in self.waiting.values():
            assert len(words) <= LIMITS.frames
            assert sum(map(len, words)) <= LIMITS.waiting

    @invariant()
    def nobody_is_held_for_nothing(self) -> None:
        for name in "abc":
            assert len(self._open("data", name)) <= 1
            if not self._open("data", name):
                assert not [peer for peer in self._open("client", name) if self.board[peer].held]
            if len(self._open("client", name)) != 1:
                assert not [peer for peer in self._open("data", name) if self.board[peer].held]

    @invariant()
    def a_client_lives_as_long_as_the_data_socket_that_it_had(self) -> None:
        for peer, (kind, _) in self.kind.items():
            socket = self.board[peer]
            if socket.closed is not None and kind == "client":
                assert socket.closed[0] in (1012, 1013)
            if socket.closed is not None and kind == "data":
                assert socket.closed[0] in (1001, 1008)


TestRelay = Relay.TestCase
TestRelay.settings = settings(max_examples=40, stateful_step_count=40)
