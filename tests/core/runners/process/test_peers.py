"""Who is let in to a runner, by what is above a process in the tree."""

from __future__ import annotations

import os
import socket

import pytest

from sereno.core.runners.process import peers, tree
from sereno.core.runners.process.peers import Gate, credentials, runners_above
from sereno.core.runners.process.tree import RUNNER_NAME, Process


class Table:
    """A made-up process table: pid to (ppid, name). `dying` go away when they are looked at."""

    def __init__(self, rows: dict[int, tuple[int, str]], dying: dict[int, int] | None = None):
        self.rows = rows
        self.dying = dying or {}

    def look(self, pid: int) -> Process | None:
        if pid in self.dying:
            heir = self.dying.pop(pid)
            del self.rows[pid]
            for child, (ppid, name) in self.rows.items():
                if ppid == pid:
                    self.rows[child] = (heir, name)
        if pid not in self.rows:
            return None
        ppid, name = self.rows[pid]
        return Process(pid, ppid, 0, "", name)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Table:
    """init 1 - shell 10 - daemon 20; runner 30 - agent 40 - tool 50; runner 60 inside it."""
    table = Table(
        {
            1: (0, "init"),
            10: (1, "bash"),
            20: (10, "sereno"),
            30: (1, RUNNER_NAME),
            40: (30, "claude"),
            50: (40, "bash"),
            55: (50, "sereno"),
            60: (30, RUNNER_NAME),
            70: (60, "inner agent"),
        }
    )
    monkeypatch.setattr(tree, "look", table.look)
    return table


def test_what_is_above_a_process(rows: Table) -> None:
    assert runners_above(20) == set()
    assert runners_above(50) == runners_above(30) == {30}
    assert runners_above(70) == {30, 60}
    with pytest.raises(ProcessLookupError):
        runners_above(99)


def test_an_ancestor_that_ends_meanwhile_does_not_hide_the_runner(rows: Table) -> None:
    rows.dying = {40: 30}
    assert runners_above(50) == {30}
    rows.rows |= {80: (30, "a"), 81: (80, "b"), 82: (81, "c")}
    rows.dying = {80: 30, 81: 80}
    assert runners_above(82) == {30}


def test_ancestors_that_we_may_not_see_are_no_reason_to_refuse(rows: Table) -> None:
    del rows.rows[10]  # another user's shell, with /proc mounted hidepid=2
    assert runners_above(20) == set()


@pytest.mark.parametrize(
    ("above", "peer", "admitted"),
    [
        (set(), 20, True),
        (set(), 50, False),  # a tool of the agent of runner 30, at another runner
        ({30}, 55, True),  # the daemon inside agent 40, at the runner that it started
        ({30}, 70, False),  # the inner agent at its own runner
        ({30}, 20, True),  # the outer daemon may come in as well: it is the user
        (set(), 99, False),  # gone already
    ],
)
def test_who_is_let_in(
    rows: Table, monkeypatch: pytest.MonkeyPatch, above: set[int], peer: int, admitted: bool
) -> None:
    monkeypatch.setattr(peers, "credentials", lambda _: (os.geteuid(), peer))
    with socket.socket(socket.AF_UNIX) as sock:
        assert Gate(above).admits(sock) == admitted
        monkeypatch.setattr(peers, "credentials", lambda _: (os.geteuid() + 1, peer))
        assert not Gate(above).admits(sock)


def test_the_system_tells_uid_and_pid() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert credentials(ours) == (os.geteuid(), os.getpid())
