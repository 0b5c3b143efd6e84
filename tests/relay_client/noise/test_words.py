"""The three words: a list that can be told apart, and both ends say the same."""

from __future__ import annotations

from sereno.relay_client.noise.words import WORDS, all_words, to_compare, words_of
from tests.relay_client.noise.test_handshake import client, daemon, opened


def test_the_list() -> None:
    words = all_words()
    assert len(words) == len({word[:4] for word in words}) == WORDS
    assert list(words) == sorted(words)
    assert all(word.isascii() and word.islower() and 3 <= len(word) <= 8 for word in words)


def test_the_bits_that_make_them() -> None:
    assert words_of(bytes(5)) == ("abandon", "abandon", "abandon")
    assert words_of(b"\xff" * 5) == ("zoo", "zoo", "zoo")
    bits = (1 << 22 | 2 << 11 | 3) << 7
    assert words_of(bits.to_bytes(5, "big")) == ("ability", "able", "about")


def test_both_ends_say_the_same_and_another_handshake_something_else() -> None:
    ours, theirs = opened()
    assert to_compare(ours) == to_compare(theirs)
    others = client(ephemeral=b"z" * 32), daemon()
    others[1].read(others[0].write())
    others[0].read(others[1].write())
    others[1].read(others[0].write())
    assert to_compare(others[0]) == to_compare(others[1]) != to_compare(ours)
