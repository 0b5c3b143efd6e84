"""Which bcrypt hashes config.toml may hold: those that some password can match, in fair time."""

from __future__ import annotations

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.core.config.checks import bcrypt_hash

GOOD = "$2b$12$" + "a" * 21 + "e" + "a" * 31


@pytest.mark.parametrize("start", ["$2a$04$", "$2b$12$", "$2y$10$", "$2b$16$"])
def test_the_forms_that_other_programs_write_are_accepted(start: str) -> None:
    assert bcrypt_hash(start + GOOD[7:]) == start + GOOD[7:]


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        "",
        12,
        None,
        GOOD + "a",
        GOOD[:-1],
        GOOD + "\n",
        "$2c$" + GOOD[4:],
        "$2b$٠٤$" + GOOD[7:],
        "$2b$03$" + GOOD[7:],
        "$2b$17$" + GOOD[7:],
        "$2b$31$" + GOOD[7:],
        "$2b$99$" + GOOD[7:],
        "$2b$12$" + "a" * 53,
    ],
)
def test_what_no_password_matches_or_takes_minutes_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="bcrypt hash"):
        bcrypt_hash(value)


@settings(max_examples=30)
@given(st.sampled_from([b"2a", b"2b"]))
def test_every_hash_that_bcrypt_makes_is_accepted(kind: bytes) -> None:
    made = bcrypt.hashpw(b"secret", bcrypt.gensalt(4, kind)).decode()
    assert bcrypt_hash(made) == made
