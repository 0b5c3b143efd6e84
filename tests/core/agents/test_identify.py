"""Which agent is meant: id, prefix, title, and the wire's texts for the rest (6.2.1)."""

from __future__ import annotations

import pytest

from sereno.core.agents.errors import AmbiguousAgent, UnknownAgent
from sereno.core.agents.identify import identify

TITLES = {
    "aaaa1111-0": "fix",
    "aaaa2222-0": "build",
    "bbbb3333-0": "build",
    "cccc4444-0": None,
    "aaaa": "short id",
}


@pytest.mark.parametrize(
    ("identifier", "found"),
    [
        ("aaaa1111-0", "aaaa1111-0"),
        (" aaaa1 ", "aaaa1111-0"),
        ("b", "bbbb3333-0"),
        ("fix", "aaaa1111-0"),
        ("aaaa", "aaaa"),
    ],
)
def test_what_is_found(identifier: str, found: str) -> None:
    assert identify(identifier, TITLES) == found


def test_texts_of_refusals() -> None:
    with pytest.raises(UnknownAgent) as unknown:
        identify(" zz ", TITLES)
    assert unknown.value.message == "Agent not found: zz"
    with pytest.raises(UnknownAgent) as empty:
        identify("  ", TITLES)
    assert empty.value.message == "Agent identifier cannot be empty"
    with pytest.raises(AmbiguousAgent) as prefix:
        identify("aaa", {f"aaa{n}-long-id": None for n in range(7)})
    assert prefix.value.message == (
        'Agent identifier "aaa" is ambiguous (aaa0-lon, aaa1-lon, aaa2-lon, aaa3-lon, aaa4-lon, …)'
    )
    with pytest.raises(AmbiguousAgent) as title:
        identify("build", TITLES)
    assert title.value.message == 'Agent title "build" is ambiguous (aaaa2222, bbbb3333)'
