"""What one daemon hands to the next, and its text in the next one's command."""

from __future__ import annotations

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.daemon.descriptors import Descriptors

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.integers(0), st.integers(0), st.lists(st.tuples(NAMES, st.integers(0))))
def test_the_text_says_it_all(lock: int, unix: int, doors: list[tuple[str, int]]) -> None:
    held = Descriptors(lock, unix, tuple(doors))
    assert Descriptors.parse(held.text) == held


@pytest.mark.parametrize(
    "text", ["", "lock:4", "lock:4,unix:x", "lock:4,unix:5,lock:6", "lock:4,unix:5,pipe:6", "²"]
)
def test_what_does_not_name_lock_and_socket_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Descriptors.parse(text)


def test_duplicates_stand_for_the_same_and_are_our_own() -> None:
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        held = Descriptors(one.fileno(), two.fileno(), (("a", three.fileno()),))
        copy = held.duplicate()
        assert set(copy.all).isdisjoint(held.all)
        assert copy.same_as(held)
        assert not any(os.get_inheritable(fd) for fd in copy.all)
        other = Descriptors(one.fileno(), two.fileno(), (("a", one.fileno()),))
        assert not other.same_as(held)
        assert not Descriptors(one.fileno(), two.fileno()).same_as(held)
        copy.close()
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(copy.lock)


def test_one_that_is_closed_leaves_no_duplicate_behind() -> None:
    nothing = 1_000_000
    with socket.socket() as one:
        free = os.dup(one.fileno())
        os.close(free)
        with pytest.raises(OSError, match="Bad file"):
            Descriptors(one.fileno(), one.fileno(), (("a", nothing),)).duplicate()
        again = os.dup(one.fileno())
        os.close(again)
        assert again == free
