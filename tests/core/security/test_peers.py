"""Who a peer is: its ancestry in made-up process tables and in this system's own (T46, T83)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.security import admission, peers
from sereno.core.security.admission import is_runner
from sereno.core.security.peers import Credentials, Process, process_table, runners_above
from sereno.core.security.roles import Role

RUNNER = ("python", "/x/core/runners/process/__main__.py")
NOBODY: frozenset[tuple[int, int]] = frozenset()


def table(*rows: Process) -> peers.Table:
    return {row.pid: row for row in rows}.get


def above(pid: int, look: peers.Table) -> frozenset[tuple[int, int]] | None:
    return runners_above(pid, is_runner, look)


CHAIN = (
    Process(1, 0, 0, ("init",)),
    Process(10, 1, 100, ("sereno",)),
    Process(20, 10, 200, RUNNER),
    Process(30, 20, 300, ("agent",)),
    Process(40, 30, 400, ("bash",)),
    Process(50, 1, 500, ("person",)),
    Process(60, 40, 600, ("something",), "sereno-runner"),
    Process(70, 60, 700, ("agent of an inner home",)),
)
OUTER = frozenset({(20, 200)})


@pytest.mark.parametrize(
    ("pid", "found"),
    [
        (20, OUTER),
        (30, OUTER),
        (40, OUTER),
        (10, NOBODY),
        (50, NOBODY),
        (99, None),
        (70, OUTER | {(60, 600)}),
    ],
)
def test_the_runners_above_in_a_plain_table(pid: int, found: frozenset[tuple[int, int]]) -> None:
    assert above(pid, table(*CHAIN)) == found


def test_t83_a_parent_that_started_after_its_child_is_a_stranger_with_its_pid() -> None:
    rows = [row for row in CHAIN if row.pid != 20]
    assert above(40, table(*rows, Process(20, 1, 999, ("innocent",)))) is None
    assert above(40, table(*rows, Process(20, 1, 999, RUNNER))) is None


def test_a_parent_that_ends_while_we_look_is_looked_for_again() -> None:
    """40 loses its parent 30 and gets 20, the subreaper above it."""
    moved = Process(40, 20, 400, ("bash",))
    looks: dict[int, list[Process | None]] = {
        40: [CHAIN[4], moved],
        30: [None],
        20: [CHAIN[2]],
        10: [CHAIN[1]],
        1: [CHAIN[0]],
    }

    def changing(pid: int) -> Process | None:
        return looks[pid].pop(0)

    assert above(40, changing) == OUTER


def test_a_circle_ends() -> None:
    assert above(2, table(Process(2, 3, 5), Process(3, 2, 5))) is None


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5)), min_size=1, max_size=12))
def test_any_table_gives_an_answer(rows: list[tuple[int, int]]) -> None:
    made = [Process(pid, parent, start) for pid, (parent, start) in enumerate(rows, 1)]
    for pid in range(14):
        assert above(pid, table(*made)) in (NOBODY, None)


def role(
    peer: Credentials, mark: str | None = None, known: frozenset[tuple[int, int]] = NOBODY
) -> Role | None:
    return admission.role_of(
        peer,
        uid=1000,
        above=known,
        is_ours=lambda agent_id: agent_id == "ours",
        table=table(*CHAIN),
        marker=lambda _: mark,
    )


@pytest.mark.parametrize(
    ("peer", "mark", "found"),
    [
        (Credentials(50, 1000), None, Role.OWNER),
        (Credentials(40, 1000), None, Role.AGENT),
        (Credentials(50, 1000), "ours", Role.AGENT),
        (Credentials(50, 1000), "of another home", Role.OWNER),
        (Credentials(0, 1000), None, Role.AGENT),
        (Credentials(99, 1000), None, Role.AGENT),
        (Credentials(50, 1001), None, None),
        (Credentials(50, 0), None, None),
    ],
)
def test_t46_roles_of_peers(peer: Credentials, mark: str | None, found: Role | None) -> None:
    assert role(peer, mark) is found


def test_t46_a_whole_sereno_inside_an_agent_of_another_one() -> None:
    """Its daemon has the outer runner above itself: so may its clients; its own agents may not."""
    assert role(Credentials(40, 1000), known=OUTER) is Role.OWNER
    assert role(Credentials(70, 1000), known=OUTER) is Role.AGENT


@pytest.mark.parametrize(
    ("folder", "mark", "found"),
    [
        ("agents/a1/1", None, True),
        ("agents-of-others/a1", None, False),
        (None, None, False),
        (None, "a1", True),
        (None, "a2", False),
        (None, "../agents", False),
    ],
)
def test_t46_inside_an_agent_of_this_home(
    tmp_path: Path, folder: str | None, mark: str | None, found: bool
) -> None:
    agents = tmp_path / "agents"
    (agents / "a1").mkdir(parents=True)
    where = None if folder is None else str(tmp_path / folder)
    rows = (Process(os.getpid(), 20, 900), *CHAIN)
    assert admission.own_runner_above(agents, mark, table(*rows), lambda _: where) is found


def test_the_runner_s_program_is_where_admission_looks_for_it() -> None:
    from sereno.core.runners.process import tree
    from sereno.core.runners.start import PROGRAM

    assert str(PROGRAM).endswith(admission.RUNNER_PROGRAM)
    assert PROGRAM.exists()
    assert tree.RUNNER_NAME == admission.RUNNER_NAME


def test_this_system_s_table_knows_us_and_our_child() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        found = process_table(child.pid)
        assert found is not None
        assert found.parent == os.getpid()
        me = process_table(os.getpid())
        assert me is not None
        assert me.start <= found.start
        below = runners_above(child.pid, lambda one: one.pid == os.getpid(), process_table)
        assert below == {(me.pid, me.start)}
        assert runners_above(me.pid, lambda one: one.pid == child.pid, process_table) == NOBODY
    finally:
        child.communicate(b"\n")
    assert process_table(child.pid) is None


def test_a_name_with_brackets_and_blanks_does_not_confuse(tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(program), "30"])
    try:
        found = process_table(child.pid)
        assert found is not None
        assert (found.parent, found.name) == (os.getpid(), program.name)
    finally:
        child.kill()
        child.wait()


def test_the_marker_is_read_from_the_environment_of_the_start() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "print('up', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={peers.MARKER: "agent-7"},
    )
    try:
        assert child.stdout is not None
        child.stdout.readline()  # before its first words there is no environment to be read
        assert peers.marker_of(child.pid) == "agent-7"
        assert peers.marker_of(os.getpid()) is None
    finally:
        child.communicate(b"\n")


def test_credentials_are_those_of_the_connecting_process() -> None:
    one, two = socket.socketpair()
    assert peers.credentials_of(one) == Credentials(os.getpid(), os.geteuid())
    one.close()
    two.close()


def test_a_peer_that_ended_cannot_be_told(tmp_path: Path) -> None:
    """It connected, gave its socket away and ended: its pid says nothing any more."""
    path = str(tmp_path / "s")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    script = (
        "import socket,sys,os\n"
        "s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "if os.fork(): os._exit(0)\n"
        "sys.stdin.read()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, path], stdin=subprocess.PIPE)
    connection, _ = listener.accept()
    child.wait()
    credentials = peers.credentials_of(connection)
    role = admission.role_of(credentials, uid=os.geteuid(), above=NOBODY, is_ours=lambda _: False)
    assert role is Role.AGENT
    assert child.stdin
    child.stdin.close()
    connection.close()
    listener.close()
