"""The same-user rule on this machine's own sockets: whole, half-closed, reused, of another uid.

Everything twice: with the kernel asked by netlink, and by its tables, where netlink is not there.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.security.gate import Admit, Facts, Gate, GateSettings, Refuse
from sereno.core.security.roles import Role
from sereno.core.security.same_user import Owner, Sight
from sereno.core.security.sockets import agent_behind, held_sockets, sight_of, sights_of

pytestmark = pytest.mark.linux

NOBODY = 65534
SO_BINDTOIFINDEX = 62
AS_ROOT = os.geteuid() == 0

# Connects to the port in argv[2], as the uid in argv[1] unless that is our own already.
CONNECT = """
import os, socket, sys
uid, port = int(sys.argv[1]), int(sys.argv[2])
if os.geteuid() != uid:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
connection = socket.socket()
connection.connect(("127.0.0.1", port))
sys.stdin.read()
"""


@pytest.fixture(autouse=True, params=["netlink", "tables"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "tables":
        without_netlink(monkeypatch)
    return str(request.param)


def without_netlink(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel knows no protocol of this number."""
    monkeypatch.setattr("sereno.core.security.inet_diag.PROTOCOL", 31)


@contextlib.contextmanager
def listening(address: str = "127.0.0.1", *, dual: bool = False) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    try:
        if dual:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((address, 0))
        listener.listen(8)
        listener.settimeout(10)
        yield listener
    finally:
        listener.close()


@contextlib.contextmanager
def joined(
    listener: socket.socket, address: str, source: tuple[str, int] | None = None
) -> Iterator[tuple[socket.socket, socket.socket]]:
    """The accepted end and the client's."""
    client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.settimeout(10)
    if source is not None:
        client.bind(source)
    client.connect((address, listener.getsockname()[1]))
    accepted = listener.accept()[0]
    try:
        yield accepted, client
    finally:
        accepted.close()
        client.close()


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize(
    ("bound", "dual", "address"),
    [
        ("127.0.0.1", False, "127.0.0.1"),
        ("127.0.0.1", False, "::ffff:127.0.0.1"),
        ("::", True, "127.0.0.1"),
        ("::", True, "::ffff:127.0.0.1"),
        ("::1", False, "::1"),
    ],
)
def test_this_process_is_seen_whatever_the_form_of_the_address(
    bound: str, dual: bool, address: str
) -> None:
    with listening(bound, dual=dual) as listener, joined(listener, address) as (accepted, client):
        inode = os.fstat(client.fileno()).st_ino
        assert sight_of(accepted) == Owner(os.geteuid(), inode)
        facts = Facts(
            "tcp", accepted.getsockname()[:2], accepted.getpeername()[:2], sight=sight_of(accepted)
        )
        verdict = Gate(GateSettings(uid=os.geteuid())).judge(facts, 0)
        assert verdict == Admit(Role.OWNER, "same-user:owner")


def test_c39_a_peer_that_closed_its_half_is_refused() -> None:
    with listening() as listener, joined(listener, "127.0.0.1") as (accepted, client):
        client.sendall(b"GET /ws HTTP/1.1\r\n")
        client.shutdown(socket.SHUT_WR)
        assert sight_of(accepted) is Sight.UNCLEAR


def test_a_peer_that_left_is_refused_though_its_words_can_still_be_read() -> None:
    """The kernel now shows a row of uid 0."""
    with listening() as listener, joined(listener, "127.0.0.1") as (accepted, client):
        client.sendall(b"GET /ws HTTP/1.1\r\n")
        client.close()
        assert sight_of(accepted) is Sight.UNCLEAR
        assert accepted.recv(99)


def test_a_socket_that_we_closed_ourselves_is_nobody_s() -> None:
    with listening() as listener, joined(listener, "127.0.0.1") as (accepted, _):
        accepted.close()
        assert sight_of(accepted) is Sight.UNCLEAR


def test_c39_a_port_that_somebody_else_uses_again_does_not_lend_its_owner() -> None:
    """The first peer is reset away, its words not yet read; another one gets the same port."""
    with listening() as listener, joined(listener, "127.0.0.1") as (first, client):
        client.sendall(b"whatever the first one said")
        source = client.getsockname()
        reset(client)
        with joined(listener, "127.0.0.1", source) as (second, other):
            assert second.getpeername() == source
            assert sight_of(first) is Sight.UNCLEAR
            assert sight_of(second) == Owner(os.geteuid(), os.fstat(other.fileno()).st_ino)


def test_c39_another_local_user_is_refused_without_a_credential() -> None:
    """As root with a second uid; else the child is ours, and has to be let in."""
    uid = NOBODY if AS_ROOT else os.geteuid()
    with listening() as listener:
        child = subprocess.Popen(
            [sys.executable, "-c", CONNECT, str(uid), str(listener.getsockname()[1])],
            stdin=subprocess.PIPE,
        )
        try:
            with listener.accept()[0] as accepted:
                sight = sight_of(accepted)
                assert isinstance(sight, Owner)
                assert sight.uid == uid
                local, peer = accepted.getsockname()[:2], accepted.getpeername()[:2]
                gate = Gate(GateSettings(uid=os.geteuid()))
                verdict = gate.judge(Facts("tcp", local, peer, sight=sight), 0)
                assert isinstance(verdict, Refuse if AS_ROOT else Admit)
                gate.use(GateSettings(uid=uid))
                assert isinstance(gate.judge(Facts("tcp", local, peer, sight=sight), 0), Admit)
                assert agent_behind(sight, lambda pid: pid == child.pid)
                assert not agent_behind(sight, lambda pid: pid != child.pid)
        finally:
            child.communicate()


def test_t46_a_socket_that_is_hidden_from_the_process_table_counts_as_an_agent_s() -> None:
    """It travels in a message that nobody has read yet, so no process has it open."""
    one, two = socket.socketpair()
    with listening() as listener, one, two, joined(listener, "127.0.0.1") as (accepted, client):
        owner = sight_of(accepted)
        assert isinstance(owner, Owner)
        assert not agent_behind(owner, lambda _: False)
        socket.send_fds(one, [b"x"], [client.fileno()])
        client.close()
        assert sight_of(accepted) == owner
        unreadable = any(_is_unreadable(pid) for pid in os.listdir("/proc") if pid.isdigit())
        # Where a process of ours cannot be read, it may be the one that has it, as sshd.
        assert agent_behind(owner, lambda _: False) or unreadable
        assert agent_behind(owner, lambda _: True)


def _is_unreadable(pid: str) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        if f"\nUid:\t{os.geteuid()}\t{os.geteuid()}" in status:
            os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def test_one_scan_answers_for_all_connections_before_it() -> None:
    with listening() as listener, joined(listener, "127.0.0.1") as (accepted, client):
        held = held_sockets(os.geteuid())
        mine = held[os.getpid()]
        assert mine is not None
        assert {os.fstat(one.fileno()).st_ino for one in (listener, accepted, client)} <= mine
        owner = sight_of(accepted)
        assert isinstance(owner, Owner)
        assert agent_behind(owner, lambda pid: pid == os.getpid(), held)
        assert not agent_behind(owner, lambda pid: pid != os.getpid(), held)


def test_other_users_processes_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4_000_000)
    assert held_sockets(0) == {}
    assert not agent_behind(Owner(0, 1), lambda _: True)


def test_many_are_seen_with_one_reading() -> None:
    with (
        listening() as listener,
        joined(listener, "127.0.0.1") as (one, client),
        joined(listener, "127.0.0.1") as (half, other),
    ):
        other.shutdown(socket.SHUT_WR)
        mine = Owner(os.geteuid(), os.fstat(client.fileno()).st_ino)
        assert sights_of([one, half, one]) == [mine, Sight.UNCLEAR, mine]
        assert sights_of([]) == []


def test_where_nothing_is_told_nothing_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sereno.core.security.sockets._TABLES", ("/proc/no/such/table",))
    with listening() as listener, joined(listener, "127.0.0.1") as (accepted, _):
        assert sight_of(accepted) is Sight.UNTOLD


def without_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: str) -> str:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr("sereno.core.security.sockets._read", read)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_whole_socket_of_this_machine_costs_no_reading_of_tables(
    address: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_tables(monkeypatch)
    bound = "::" if ":" in address else "127.0.0.1"
    with (
        listening(bound, dual=":" in bound) as listener,
        joined(listener, address) as (accepted, client),
    ):
        if way == "tables":
            with pytest.raises(AssertionError, match="/proc/net/tcp was read"):
                sight_of(accepted)
            return
        assert sight_of(accepted) == Owner(os.geteuid(), os.fstat(client.fileno()).st_ino)
        client.shutdown(socket.SHUT_WR)
        assert sight_of(accepted) is Sight.UNCLEAR


def test_a_caller_of_another_machine_costs_no_reading_of_tables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """192.0.2.0/24 is nobody's (RFC 5737)."""
    without_tables(monkeypatch)
    with listening() as listener, joined(listener, "127.0.0.1") as (accepted, _):
        assert sights_of([Far(accepted)]) == [Sight.ELSEWHERE]  # type: ignore[list-item]


class Far:
    """A connection whose other end is somewhere else."""

    def __init__(self, real: socket.socket) -> None:
        self._real = real
        self.family = real.family
        self.getsockname = real.getsockname
        self.getsockopt = real.getsockopt

    def getpeername(self) -> tuple[str, int]:
        return "192.0.2.7", 40_000


@pytest.mark.parametrize("device", ["lo", "nowhere"])
def test_t46_a_socket_that_is_bound_to_an_interface_is_still_seen(device: str) -> None:
    """The kernel's answer to "whose is it" is then: there is none. An agent could bind its socket
    after it sent its words, and pass for somebody from elsewhere."""
    with listening() as listener, joined(listener, "127.0.0.1") as (accepted, client):
        number = socket.if_nametoindex("lo") if device == "lo" else 99_999
        client.setsockopt(socket.SOL_SOCKET, SO_BINDTOIFINDEX, number)
        assert sight_of(accepted) == Owner(os.geteuid(), os.fstat(client.fileno()).st_ino)


@pytest.mark.parametrize("bound", ["127.0.0.1", "::1"])
def test_whatever_becomes_of_a_peer_both_ways_say_the_same(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(bound) as listener:
        for end in (None, "shut", "left", "reset", "ours"):
            with joined(listener, bound) as (accepted, client):
                if end == "shut":
                    client.shutdown(socket.SHUT_WR)
                elif end == "left":
                    client.sendall(b"unread")
                    client.close()
                elif end == "reset":
                    reset(client)
                elif end == "ours":
                    accepted.shutdown(socket.SHUT_WR)
                first = sight_of(accepted)
                with monkeypatch.context() as patched:
                    without_netlink(patched)
                    assert sight_of(accepted) == first, end
                assert isinstance(first, Owner) is (end is None), end
