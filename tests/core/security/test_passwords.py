"""What may be a password, its hash, and how long a proof of it is remembered (C-40, C-42)."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.config.checks import bcrypt_hash
from sereno.core.security import passwords
from sereno.core.security.passwords import PasswordRefused, Proven, check_new, hash_new, matches

TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters


@pytest.mark.parametrize(
    "password", ["a", "correct-horse-battery", TOKEN_CHARACTERS[:72], "x" * 72]
)
def test_c40_what_clients_can_send_may_be_set(password: str) -> None:
    check_new(password)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "empty"),
        ("x" * 73, "72 bytes"),
        ("ä" * 37, "72 bytes"),
        ("two words", "a blank"),
        ("tab\there", "U+0009"),
        ("nul\0", "U+0000"),
        ("line\n", "U+000A"),
        ("pässwort", "U+00E4"),
        ('quo"te', "U+0022"),
        ("a,b", "U+002C"),
        ("a/b", "U+002F"),
        ("a@b", "U+0040"),
        ("a=b", "U+003D"),
        ("\ud800", "U+D800"),
    ],
)
def test_c42_what_cannot_is_refused_with_the_reason(password: str, why: str) -> None:
    with pytest.raises(PasswordRefused) as refused:
        check_new(password)
    assert why in refused.value.message
    assert refused.value.next_step
    assert password == "" or password not in str(refused.value)


@given(st.text(max_size=80))
def test_c40_what_may_be_set_is_an_http_token_of_72_bytes_at_most(password: str) -> None:
    fits = 0 < len(password) <= 72 and all(one in TOKEN_CHARACTERS for one in password)
    try:
        check_new(password)
    except PasswordRefused:
        assert not fits
    else:
        assert fits


def test_t27_a_short_password_is_doubted_and_not_refused() -> None:
    assert "11 characters" in passwords.doubts("x" * 11)[0]
    assert passwords.doubts("x" * 12) == ()


def test_c42_the_hash_is_bcrypt_with_cost_12_and_salted() -> None:
    one, two = hash_new("correct-horse"), hash_new("correct-horse")
    assert one.startswith("$2b$12$")
    assert one != two
    assert bcrypt_hash(one) == one
    assert matches("correct-horse", one)
    assert not matches("correct-horsf", one)


def test_a_password_that_cannot_be_set_cannot_be_right() -> None:
    kept = hash_new("x" * 72, cost=4)
    assert matches("x" * 72, kept)
    for wrong in ("x" * 73, "x" * 71, "", "x" * 72 + "\0", "\ud800"):
        assert not matches(wrong, kept)
    assert not matches("x", "no hash at all")
    assert not matches("x", "$2b$12$" + "a" * 53)


@pytest.mark.parametrize("kind", ["$2a$", "$2b$", "$2y$"])
def test_hashes_of_other_programs_are_understood(kind: str) -> None:
    kept = hash_new("correct-horse", cost=4)
    assert matches("correct-horse", kind + kept[4:])


def test_the_variable_wins_trimmed_and_is_never_silently_something_else() -> None:
    kept = passwords.hash_of_variable({"SERENO_PASSWORD": "  correct-horse\n"})
    assert kept is not None
    assert matches("correct-horse", kept)
    assert passwords.hash_of_variable({}) is None
    assert passwords.hash_of_variable({"SERENO_PASSWORD": " "}) is None
    with pytest.raises(PasswordRefused) as refused:
        passwords.hash_of_variable({"SERENO_PASSWORD": "two words"})
    assert "SERENO_PASSWORD" in refused.value.message
    assert "two words" not in str(refused.value)


def test_a_proof_holds_five_minutes_for_one_device_password_and_hash() -> None:
    proven = Proven(b"k" * 32)
    mark = proven.mark("10.0.0.1", "right", "hash")
    assert not proven.holds(mark, 0)
    proven.add(mark, 0)
    assert proven.holds(mark, 299.9)
    assert not proven.holds(mark, 300)
    for other in (("10.0.0.2", "right", "hash"), ("10.0.0.1", "wrong", "hash")):
        assert not proven.holds(proven.mark(*other), 1)
    assert not proven.holds(proven.mark("10.0.0.1", "right", "hash2"), 1)
    assert not proven.holds(proven.mark("10.0.0.1r", "ight", "hash"), 1)
    assert Proven(b"l" * 32).mark("10.0.0.1", "right", "hash") != mark
    proven.clear()
    assert not proven.holds(mark, 1)


def test_proofs_are_bounded_and_the_oldest_goes_first() -> None:
    proven = Proven()
    marks = [proven.mark(str(number), "right", "hash") for number in range(1025)]
    for mark in marks:
        proven.add(mark, 0)
    assert not proven.holds(marks[0], 1)
    assert all(proven.holds(mark, 1) for mark in marks[1:])
