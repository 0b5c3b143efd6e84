"""The limits of addresses and of the whole relay, and that a relay forgets."""

from __future__ import annotations

import pytest

from sereno.relay_server.ledger import account_of
from sereno.relay_server.limits import Limits
from tests.relay_server.board import Board


def test_an_address_has_256_ids_and_others_are_unaffected() -> None:
    board = Board()
    for number in range(256):
        board.join("server", server_id=f"s{number}")
    late = board.join("server", server_id="one more")
    assert board[late].closed == (1013, "Too many ids of this address")
    assert board[board.join("client", server_id="s7")].closed is None
    assert board[board.join("server", server_id="x", address="192.0.2.2")].closed is None
    board.leave(1)
    assert board[board.join("server", server_id="one more")].closed is None


def test_sockets_of_an_address_and_in_all_are_bounded() -> None:
    board = Board(Limits(address_sockets=2, sockets=3))
    for number in range(2):
        board.join("client", f"c{number}")
    assert board[board.join("client")].closed == (1013, "Too many sockets of this address")
    board.join("client", address="192.0.2.2")
    assert board[board.join("client", address="192.0.2.3")].closed == (1013, "The relay is full")


def test_memory_of_an_address_is_bounded_over_all_its_sockets() -> None:
    board = Board(Limits(address_memory=100))
    one, two = board.join("client", "a"), board.join("client", "b")
    other = board.join("client", "c", address="192.0.2.2")
    board.say(one, "x" * 40)
    for peer, memory in ((one, 20), (other, 90), (two, 39)):
        board.do(board.board.weigh(peer, memory, 0))
    assert board.board.ledger.memory == 40 + 20 + 90 + 39
    assert board[two].closed is None
    board.do(board.board.weigh(two, 41, 0))
    assert board[two].closed == (1013, "Too much is held for this address")
    assert board[one].closed is board[other].closed is None
    assert board.board.ledger.memory == 40 + 20 + 90


def test_a_control_socket_that_takes_nothing_ends_as_the_wire_says() -> None:
    board = Board()
    control, client = board.control(), board.join("client")
    board.do(board.board.expel(control, "Too slow", 0))
    assert board[control].closed == (1011, "Control send failed")
    board.do(board.board.expel(client, "Too slow", 0))
    assert board[client].closed == (1013, "Too slow")


def test_t11_a_thousand_clients_of_one_id_take_no_more_than_64() -> None:
    board = Board()
    control = board.control()
    client, data = board.join("client", "mine"), board.join("server", "mine")
    for number in range(1000):
        board.join("client", address=f"198.51.100.{number % 250}")
    assert sum(socket.closed is None for socket in board.sockets.values()) == 64 + 2
    assert len(board.board.ledger) == 64 + 2
    board.say(client, "works")
    assert board[data].take() == ["works"]
    assert board[control].closed is None


def test_nothing_stays_when_all_have_left() -> None:
    board = Board()
    peers = [board.control(), board.join("client", "c"), board.join("server", "c")]
    peers += [board.join("client"), board.join("server", version=1)]
    board.say(peers[3], "kept")
    board.do(board.board.weigh(peers[3], 10, 0))
    for peer in reversed(peers):
        board.leave(peer)
        board.leave(peer)
    assert (board.board.rooms, len(board.board.ledger)) == (0, 0)
    assert (board.board.ledger.memory, board.board.ledger.addresses) == (0, 0)


@pytest.mark.parametrize(
    ("address", "account"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address: str, account: str) -> None:
    assert account_of(address) == account
