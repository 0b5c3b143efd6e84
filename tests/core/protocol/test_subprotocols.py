"""What our clients present can be read back, and nothing else is taken for it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.protocol.subprotocols import SERENO_BEARER64, bearer64, read_bearer64

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)


@given(SECRETS)
def test_every_secret_is_an_http_token_and_comes_back(secret: str) -> None:
    offered = bearer64(secret)
    assert TOKEN.fullmatch(offered)
    assert read_bearer64(offered) == secret


@given(st.text(max_size=60))
def test_anything_else_is_no_secret_or_exactly_one(text: str) -> None:
    secret = read_bearer64(SERENO_BEARER64 + text)
    assert secret is None or bearer64(secret) == SERENO_BEARER64 + text


@pytest.mark.parametrize(
    "offered",
    ["sereno.v1", "paseo.bearer.x", SERENO_BEARER64, SERENO_BEARER64 + "_w", "x" + bearer64("a")],
)
def test_no_secret(offered: str) -> None:
    assert read_bearer64(offered) is None
