"""The query of /ws, with the words of the official relay (wire reference 2.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_server.place import BadPlace, Place, Role, read_place, split_target


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("serverId=s&role=server", Place(1, "s", Role.SERVER)),
        ("serverId=s&role=client&v=", Place(1, "s", Role.CLIENT)),
        ("serverId=s&role=client&v=1&connectionId=c", Place(1, "s", Role.CLIENT)),
        ("serverId=s&role=server&v=2", Place(2, "s", Role.SERVER)),
        ("serverId=s&role=server&v=2&connectionId=c", Place(2, "s", Role.SERVER, "c")),
        ("serverId=s&role=client&v=2&connectionId=%20c%20", Place(2, "s", Role.CLIENT, "c")),
        ("serverId=s&role=server&v=2&connectionId=%20", Place(2, "s", Role.SERVER)),
        ("serverId=a+b%C3%A4&role=client&v=2", Place(2, "a bä", Role.CLIENT)),
        ("serverId=s&serverId=t&role=client&role=server&v=2", Place(2, "s", Role.CLIENT)),
        ("serverId=s&role=client&v=2&more=1", Place(2, "s", Role.CLIENT)),
    ],
)
def test_a_query_says_where_to(query: str, place: Place) -> None:
    assert read_place(query) == place


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "Missing serverId parameter"),
        ("serverId=&role=no&v=3", "Missing serverId parameter"),
        ("serverId=s&role=no&v=3", "Invalid v parameter (expected 1 or 2)"),
        ("serverId=s&v=2", "Missing or invalid role parameter"),
        ("serverId=s&v=2&role=Server", "Missing or invalid role parameter"),
        (f"serverId={'s' * 257}&v=2&role=client", "The serverId parameter is too long"),
        ("serverId=s&v=2&role=client&connectionId=" + "c" * 257, "The connectionId parameter"),
        ("&".join(["a=1"] * 33), "Too many parameters"),
    ],
)
def test_what_is_wrong_is_said_in_the_order_of_the_wire(query: str, words: str) -> None:
    with pytest.raises(BadPlace, match=words.replace("(", r"\(").replace(")", r"\)")):
        read_place(query)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=300))
def test_any_target_is_read_or_refused(target: str) -> None:
    _, query = split_target(target)
    try:
        place = read_place(query)
    except BadPlace:
        return
    assert place.server_id
    assert place.version == 2 or place.connection is None
