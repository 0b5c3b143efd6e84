"""What is shown: exactly the forms of the documents, and nothing secret shown back (C-40)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.protocol.subprotocols import SERENO_V1, bearer64
from sereno.core.security.credentials import NOTHING, Presented, from_http, from_upgrade


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ([], None),
        (["Bearer abc"], "abc"),
        (["Bearer  abc "], "abc"),
        (["bearer abc"], None),
        (["BEARER abc"], None),
        (["Bearer"], None),
        (["Bearer "], None),
        (["Bearer a b"], None),
        (["Basic abc"], None),
        (["abc"], None),
        (["Bearer abc", "Bearer abc"], None),
        (["Bearer abc", ""], None),
    ],
)
def test_c40_bearer_on_plain_http(headers: list[str], secret: str | None) -> None:
    presented = from_http(headers)
    assert (presented.secret, presented.strict, presented.echo) == (secret, True, None)


@pytest.mark.parametrize(
    ("offered", "secret", "echo"),
    [
        ([], None, None),
        (["paseo.bearer.abc"], "abc", "paseo.bearer.abc"),
        (["paseo.bearer.a.b.c"], "a.b.c", "paseo.bearer.a.b.c"),
        (["chat", "paseo.bearer.x", "paseo.bearer.y"], "x", "paseo.bearer.x"),
        (["paseo.bearer."], "", "paseo.bearer."),
        (["paseo.bearer"], None, None),
        (["PASEO.bearer.abc"], None, None),
        (["chat"], None, None),
    ],
)
def test_c40_the_official_subprotocol(
    offered: list[str], secret: str | None, echo: str | None
) -> None:
    """Authorization beside it counts for nothing, as the official clients' daemon has it."""
    presented = from_upgrade(["Bearer other"], offered)
    assert (presented.secret, presented.echo, presented.strict) == (secret, echo, False)
    assert presented.first == (offered[0] if offered else None)


@pytest.mark.parametrize(
    ("authorization", "offered", "secret"),
    [
        ([], [SERENO_V1], None),
        ([], [SERENO_V1, bearer64("pä ss")], "pä ss"),
        ([], [bearer64("x"), SERENO_V1, bearer64("x")], "x"),
        ([], [SERENO_V1, bearer64("x"), bearer64("y")], None),
        (["Bearer y"], [SERENO_V1, bearer64("x")], "x"),
        (["Bearer y"], [SERENO_V1], "y"),
        (["Bearer y", "Bearer z"], [SERENO_V1], None),
        ([], [SERENO_V1, "paseo.bearer.x"], None),
        ([], [SERENO_V1, "sereno.bearer64.="], None),
        ([], [SERENO_V1, "sereno.bearer64."], None),
    ],
)
def test_c40_our_own_subprotocol(
    authorization: list[str], offered: list[str], secret: str | None
) -> None:
    presented = from_upgrade(authorization, offered)
    assert (presented.secret, presented.echo, presented.strict) == (secret, SERENO_V1, True)


def test_without_sereno_v1_nothing_comes_back() -> None:
    presented = from_upgrade([], [bearer64("x"), "paseo.bearer.y"])
    assert presented == Presented(secret="x", strict=True)


@given(st.text(min_size=1, max_size=80), st.lists(st.sampled_from(["chat", SERENO_V1]), max_size=3))
def test_any_secret_of_ours_arrives_and_is_not_echoed(secret: str, others: list[str]) -> None:
    try:
        shown = bearer64(secret)
    except UnicodeEncodeError:
        return
    presented = from_upgrade([], [*others, shown])
    assert presented.secret == secret
    assert presented.echo in (None, SERENO_V1)


def test_a_secret_is_not_in_what_a_log_would_print() -> None:
    assert "hunter2" not in repr(from_upgrade([], ["paseo.bearer.hunter2"]))
    assert "hunter2" not in repr(from_http(["Bearer hunter2"]))
    assert NOTHING.secret is None
