"""Whose process is at the other end of a TCP connection (design section 7, C-39, T46).

The rows are those of real kernels; tests/core/security/test_sockets.py looks at this machine's own.
"""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.security.same_user import Owner, Sight, agent_behind, look_up

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  inode\n"
SERVER, CLIENT = ("127.0.0.1", 6767), ("127.0.0.1", 40000)
TAIL = "00000000:00000000 00:00000000 00000000"


def words(address: str) -> str:
    """The text of the kernel on this machine; written for little-endian ones and turned around."""
    if sys.byteorder == "little":
        return address
    return "".join(
        bytes.fromhex(address[at : at + 8])[::-1].hex().upper() for at in range(0, len(address), 8)
    )


LOOP4 = words("0100007F")
LOOP6 = words("00000000000000000000000001000000")
MAPPED = words("0000000000000000FFFF00000100007F")


def row(
    here: str, there: str, state: str = "01", uid: int = 1000, inode: int = 77, sl: int = 3
) -> str:
    return (
        f"{sl:4d}: {here} {there} {state} {TAIL} {uid:5d}        0 {inode} 1 0000000000000000 20\n"
    )


OURS4, THEIRS4 = f"{LOOP4}:1A6F", f"{LOOP4}:9C40"
TABLE4 = (
    HEAD
    + row(OURS4, f"{words('00000000')}:0000", "0A", 1000, 11)
    + row(OURS4, THEIRS4, "01", 1000, 22)
    + row(THEIRS4, OURS4, "01", 1001, 33)
    + row(f"{LOOP4}:9C41", OURS4, "01", 1002, 44)
)


def test_the_row_of_the_peer_s_end_counts_and_no_other() -> None:
    assert look_up([TABLE4, HEAD], CLIENT, SERVER) == Owner(1001, 33)
    assert look_up([TABLE4, HEAD], ("127.0.0.1", 40001), SERVER) == Owner(1002, 44)
    assert look_up([TABLE4, HEAD], SERVER, CLIENT) == Owner(1000, 22)


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        (("127.0.0.1", 40002), SERVER),
        (CLIENT, ("127.0.0.1", 6768)),
        (("127.0.0.2", 40000), SERVER),
        (CLIENT, ("::1", 6767)),
        (("nonsense", 40000), SERVER),
        (("127.0.0.1", 4000), SERVER),
    ],
)
def test_no_row_is_somebody_elsewhere(peer: tuple[str, int], local: tuple[str, int]) -> None:
    assert look_up([TABLE4, HEAD], peer, local) is Sight.ELSEWHERE
    assert look_up([], peer, local) is Sight.ELSEWHERE
    assert look_up(["", "garbage\n"], peer, local) is Sight.ELSEWHERE


@pytest.mark.parametrize(
    "state", ["02", "03", "04", "05", "06", "07", "08", "09", "0B", "0A", "0C"]
)
def test_c39_a_half_closed_end_is_nobody_s(state: str) -> None:
    """The kernel says uid 0 of one that its process gave up: root's, if one believed it."""
    for uid, inode in ((0, 0), (1000, 77)):
        table = HEAD + row(THEIRS4, OURS4, state, uid, inode)
        assert look_up([table], CLIENT, SERVER) is Sight.UNCLEAR


def test_an_established_end_without_a_number_is_nobody_s() -> None:
    assert look_up([HEAD + row(THEIRS4, OURS4, "01", 0, 0)], CLIENT, SERVER) is Sight.UNCLEAR


def test_ipv4_stands_in_either_table() -> None:
    table6 = HEAD + row(f"{MAPPED}:9C40", f"{MAPPED}:1A6F", "01", 1001, 33)
    for peer in ("127.0.0.1", "::ffff:127.0.0.1"):
        for local in ("127.0.0.1", "::ffff:127.0.0.1"):
            found = look_up([HEAD, table6], (peer, 40000), (local, 6767))
            assert found == Owner(1001, 33)
    assert look_up([HEAD, table6], ("::1", 40000), ("::1", 6767)) is Sight.ELSEWHERE


def test_ipv6_with_and_without_a_zone() -> None:
    table6 = HEAD + row(f"{LOOP6}:9C40", f"{LOOP6}:1A6F", "01", 1001, 33)
    assert look_up([HEAD, table6], ("::1", 40000), ("::1", 6767)) == Owner(1001, 33)
    assert look_up([HEAD, table6], ("::1%lo", 40000), ("::1", 6767)) == Owner(1001, 33)


def test_two_answers_are_none() -> None:
    """Seen in a table that changed while it was read."""
    twice = row(THEIRS4, OURS4, "01", 1001, 33)
    assert look_up([HEAD + twice + twice], CLIENT, SERVER) == Owner(1001, 33)
    other = row(THEIRS4, OURS4, "01", 1000, 34)
    assert look_up([HEAD + twice + other], CLIENT, SERVER) is Sight.UNCLEAR
    gone = row(THEIRS4, OURS4, "06", 0, 0)
    assert look_up([HEAD + twice + gone], CLIENT, SERVER) is Sight.UNCLEAR


def test_a_row_that_was_cut_off_is_nobody_s() -> None:
    whole = row(THEIRS4, OURS4, "01", 1000, 33)
    for end in range(whole.index(OURS4) + len(OURS4) + 1, whole.index(" 33 ")):
        assert look_up([HEAD + whole[:end]], CLIENT, SERVER) is Sight.UNCLEAR


def test_a_row_of_another_socket_whose_end_looks_alike_is_not_taken() -> None:
    longer = row(f"{words('FFFFFFFF')}{LOOP4}:9C40", OURS4, "01", 1000, 33)
    assert look_up([HEAD + longer], CLIENT, SERVER) is Sight.ELSEWHERE


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    assert look_up([text], CLIENT, SERVER) is Sight.ELSEWHERE


AGENTS = {10, 11}
STARTED_BY_ROOT = {1}


def behind(holders: dict[int, bool | None]) -> bool:
    return agent_behind(
        holders, holders.__getitem__, AGENTS.__contains__, STARTED_BY_ROOT.__contains__
    )


@pytest.mark.parametrize(
    ("holders", "agent"),
    [
        ({1: True, 10: False}, False),
        ({1: False, 10: True}, True),
        ({1: True, 10: True}, True),
        ({1: True, 10: None}, False),
        # Nobody readable has it: sshd of this user, or somebody who hides it.
        ({1: None, 2: False, 10: False}, False),
        ({1: None, 10: None}, True),
        # ssh-agent and the like can be looked into by nobody either, and call nobody.
        ({3: None, 10: False}, True),
        ({1: None, 3: None, 10: False}, False),
        ({1: False, 10: None}, True),
        ({1: False, 10: False}, True),
        ({}, True),
    ],
)
def test_t46_an_agent_behind_a_socket(holders: dict[int, bool | None], agent: bool) -> None:
    assert behind(holders) is agent
