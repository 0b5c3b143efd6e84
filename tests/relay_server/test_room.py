"""Version 2, row by row of the wire reference's table 2.4, without a socket."""

from __future__ import annotations

import pytest

from sereno.relay_server.acts import Frame
from sereno.relay_server.limits import Limits, Timing
from tests.relay_server.board import CLOCK_MS, Board


def test_a_control_socket_hears_at_once_who_is_there() -> None:
    board = Board()
    first = board.control()
    assert board[first].take() == ['{"type":"sync","connectionIds":[]}']
    board.join("client", "a")
    board.join("client", "b")
    second = board.control()
    assert board[first].closed == (1008, "Replaced by new connection")
    assert board[second].take() == ['{"type":"sync","connectionIds":["a","b"]}']


def test_a_client_gets_an_id_and_the_daemon_is_told() -> None:
    board = Board()
    control = board.control()
    client = board.join("client")
    assert board[control].take()[1:] == ['{"type":"connected","connectionId":"conn_1"}']
    board.leave(client)
    assert board[control].take() == ['{"type":"disconnected","connectionId":"conn_1"}']
    assert board[client].got == []


def test_c30_frames_wait_for_the_data_socket_in_order_and_untouched() -> None:
    board = Board()
    client = board.join("client", "c")
    board.say(client, "1", "2")
    board.do(board.board.received(client, Frame(b"\x00\xff", False), 0))
    data = board.join("server", "c")
    board.say(client, "4")
    assert [(frame.data, frame.text) for frame in board[data].frames] == [
        (b"1", True),
        (b"2", True),
        (b"\x00\xff", False),
        (b"4", True),
    ]


def test_the_daemon_s_frames_go_to_every_client_of_the_id_and_to_no_other() -> None:
    board = Board()
    board.control()
    one, two, other = (board.join("client", name) for name in ("c", "c", "d"))
    data = board.join("server", "c")
    board.say(data, "hello")
    assert (board[one].take(), board[two].take(), board[other].take()) == (["hello"], ["hello"], [])


def test_what_the_daemon_says_to_nobody_is_kept_for_nobody() -> None:
    board = Board()
    data = board.join("server", "c")
    board.say(data, "to nobody")
    client = board.join("client", "c")
    assert board[client].take() == []
    board.say(data, "to you")
    assert board[client].take() == ["to you"]


def test_only_the_last_client_of_an_id_takes_the_data_socket_along() -> None:
    board = Board()
    control = board.control()
    one, two = board.join("client", "c"), board.join("client", "c")
    data = board.join("server", "c")
    board[control].take()
    board.leave(one)
    assert board[data].closed is None
    assert board[control].take() == []
    board.leave(two)
    assert board[data].closed == (1001, "Client disconnected")
    assert board[control].take() == ['{"type":"disconnected","connectionId":"c"}']


def test_what_waited_is_dropped_with_the_last_client() -> None:
    board = Board()
    client = board.join("client", "c")
    board.say(client, "old")
    board.leave(client)
    board.join("client", "c")
    assert board[board.join("server", "c")].take() == []


def test_a_lost_data_socket_takes_its_clients_along() -> None:
    board = Board()
    control = board.control()
    one, two, other = (board.join("client", name) for name in ("c", "c", "d"))
    data = board.join("server", "c")
    board[control].take()
    board.leave(data)
    assert board[one].closed == board[two].closed == (1012, "Server disconnected")
    assert board[other].closed is None
    assert board[control].take() == ['{"type":"disconnected","connectionId":"c"}']


def test_a_second_data_socket_ends_the_connection() -> None:
    board = Board()
    client = board.join("client", "c")
    old = board.join("server", "c")
    new = board.join("server", "c")
    assert board[old].closed == (1008, "Replaced by new connection")
    assert board[client].closed == (1012, "Server disconnected")
    assert board[new].closed == (1001, "Client disconnected")


def test_a_second_data_socket_without_clients_just_replaces() -> None:
    board = Board()
    old, new = board.join("server", "c"), board.join("server", "c")
    assert board[old].closed == (1008, "Replaced by new connection")
    client = board.join("client", "c")
    board.say(new, "here")
    assert board[client].take() == ["here"]


def test_data_and_clients_outlive_the_control_socket() -> None:
    board = Board()
    control = board.control()
    client, data = board.join("client", "c"), board.join("server", "c")
    board.leave(control)
    board.say(client, "still")
    assert board[data].take() == ["still"]


@pytest.mark.parametrize("words", ['{"type":"ping"}', '{"type":"ping","ts":5}'])
def test_a_ping_is_answered_with_the_time(words: str) -> None:
    board = Board()
    control = board.control()
    board[control].take()
    board.say(control, words)
    assert board[control].take() == [f'{{"type":"pong","ts":{CLOCK_MS}}}']


@pytest.mark.parametrize(
    "frame",
    [
        Frame(b'{"type":"ping"}', False),
        Frame(b'{"type":"sync"}', True),
        Frame(b"[1]", True),
        Frame(b"ping", True),
        Frame(b"\xff", True),
        Frame(b"[" * 4000, True),
        Frame(b'{"type":"ping","pad":"' + b"x" * 5000 + b'"}', True),
    ],
)
def test_anything_else_on_control_is_ignored(frame: Frame) -> None:
    board = Board()
    control = board.control()
    board[control].take()
    board.do(board.board.received(control, frame, 0))
    assert board[control].take() == []
    assert board[control].closed is None


def test_a_daemon_that_does_not_come_is_nudged_then_given_up() -> None:
    board = Board()
    control = board.control()
    client = board.join("client", "c")
    board[control].take()
    board.pass_time(9.9)
    assert board[control].take() == []
    board.pass_time(0.2)
    assert board[control].take() == ['{"type":"sync","connectionIds":["c"]}']
    board.pass_time(4.8)
    assert board[control].closed is None
    board.pass_time(0.3)
    assert board[control].closed == (1011, "Control unresponsive")
    assert board[client].closed is None
    again = board.control()
    assert board[again].take() == ['{"type":"sync","connectionIds":["c"]}']
    board.pass_time(60)
    assert board[again].closed is None


def test_with_several_nodes_it_is_nudged_each_second_and_given_up_at_the_same_time() -> None:
    """What it dialled may have been a node that did not know of the id yet."""
    board = Board(timing=Timing().of_nodes)
    control = board.control()
    board.join("client", "c")
    board[control].take()
    for second in range(10):
        board.pass_time(0.99)
        assert board[control].take() == [], second
        board.pass_time(0.01)
        assert board[control].take() == ['{"type":"sync","connectionIds":["c"]}'], second
    board.pass_time(4.9)
    assert board[control].take() == []
    assert board[control].closed is None
    board.pass_time(0.2)
    assert board[control].closed == (1011, "Control unresponsive")


@pytest.mark.parametrize("after", [5.0, 12.0])
def test_a_daemon_that_comes_is_left_alone(after: float) -> None:
    board = Board()
    control = board.control()
    board.join("client", "c")
    board.pass_time(after)
    board.join("server", "c")
    board[control].take()
    board.pass_time(30)
    board.pass_time(30)
    assert board[control].closed is None
    assert board[control].take() == []


def test_a_client_that_left_is_waited_for_by_nobody() -> None:
    board = Board()
    control = board.control()
    board.leave(board.join("client", "c"))
    board[control].take()
    board.pass_time(11)
    board.pass_time(11)
    assert board[control].take() == []


def test_200_frames_wait_and_the_next_closes_its_sender_without_losing_one() -> None:
    board = Board()
    control = board.control()
    full, other = board.join("client", "c"), board.join("client", "d")
    board.say(full, *map(str, range(200)))
    assert board[full].closed is None
    board.say(full, "one too many")
    assert board[full].closed == (1013, "Too much waits for the daemon")
    assert '{"type":"disconnected","connectionId":"c"}' in board[control].take()
    board.say(other, "unaffected")
    assert board[board.join("server", "d")].take() == ["unaffected"]


def test_bytes_that_wait_are_bounded_too() -> None:
    board = Board(Limits(waiting=100))
    client = board.join("client", "c")
    board.say(client, "x" * 60, "y" * 40)
    assert board[client].closed is None
    board.say(client, "z")
    assert board[client].closed == (1013, "Too much waits for the daemon")


def test_64_clients_of_an_id_and_the_next_is_turned_away() -> None:
    board = Board(Limits(clients=3))
    clients = [board.join("client", "c") for _ in range(3)]
    late = board.join("client", "d")
    assert board[late].closed == (1013, "Too many clients of this id")
    assert [board[client].closed for client in clients] == [None] * 3
    board.leave(clients[0])
    assert board[board.join("client", "d")].closed is None


def test_data_sockets_of_an_id_are_bounded_as_well() -> None:
    board = Board(Limits(clients=2))
    for name in "ab":
        board.join("server", name)
    assert board[board.join("server", "c")].closed == (1013, "Too many data sockets of this id")


def test_a_slow_client_holds_the_daemon_s_data_socket_only() -> None:
    board = Board()
    client, other = board.join("client", "c"), board.join("client", "d")
    data, data_of_other = board.join("server", "c"), board.join("server", "d")
    board.do(board.board.behind(client))
    assert board[data].held
    assert not board[data_of_other].held
    board.do(board.board.behind(other))
    board.do(board.board.caught_up(client))
    assert not board[data].held
    assert board[data_of_other].held


def test_one_slow_client_of_several_does_not_hold_what_the_others_get() -> None:
    board = Board()
    slow = board.join("client", "c")
    data = board.join("server", "c")
    board.do(board.board.behind(slow))
    assert board[data].held
    quick = board.join("client", "c")
    assert not board[data].held
    board.leave(quick)
    assert board[data].held


def test_a_slow_daemon_holds_its_clients() -> None:
    board = Board()
    client = board.join("client", "c")
    data = board.join("server", "c")
    board.do(board.board.behind(data))
    late = board.join("client", "c")
    assert board[client].held
    assert board[late].held
    board.do(board.board.caught_up(data))
    assert not board[client].held
    assert not board[late].held
