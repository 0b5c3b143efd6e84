"""Version 1 (wire reference 2.2): two sockets that face each other."""

from __future__ import annotations

from tests.relay_server.board import Board


def test_frames_go_across_and_nothing_is_kept() -> None:
    board = Board()
    server = board.join("server", version=1)
    board.say(server, "lost")
    client = board.join("client", version=1)
    board.say(server, "a")
    board.say(client, "b")
    assert (board[client].take(), board[server].take()) == (["a"], ["b"])


def test_a_newer_socket_replaces_its_own_kind_only() -> None:
    board = Board()
    server = board.join("server", version=1)
    old, new = board.join("client", version=1), board.join("client", version=1)
    assert board[old].closed == (1008, "Replaced by new connection")
    board.say(server, "a")
    assert board[new].take() == ["a"]
    board.leave(old)
    board.leave(new)
    assert board[server].closed is None


def test_version_1_and_2_of_an_id_never_meet() -> None:
    board = Board()
    control = board.control()
    server = board.join("server", version=1)
    board[control].take()
    client = board.join("client", version=1)
    board.say(client, "v1")
    assert (board[control].take(), board[server].take()) == ([], ["v1"])


def test_a_slow_side_holds_the_other_and_lets_go_when_it_leaves() -> None:
    board = Board()
    server, client = (board.join(role, version=1) for role in ("server", "client"))
    board.do(board.board.behind(client))
    assert board[server].held
    newer = board.join("server", version=1)
    assert board[newer].held
    board.leave(client)
    assert not board[newer].held
