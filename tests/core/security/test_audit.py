"""The audit chain: any edit, gap, swap or cut is found at its first entry (T49, T89)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sereno.core.security.audit import GENESIS, Link, digest, verify

Fields = tuple[int, str, str, str, str]

texts = st.text(max_size=20)
entries = st.tuples(st.integers(-(2**40), 2**50), texts, texts, texts, texts)


def chain(n: int, fields: Fields, previous: bytes) -> Link:
    return Link(n, *fields, previous, digest(n, *fields, previous))


def fields_of(link: Link) -> Fields:
    return link.at_ms, link.actor, link.action, link.subject, link.details


def links_of(found: list[Fields]) -> tuple[list[Link], tuple[int, bytes]]:
    links: list[Link] = []
    previous = GENESIS
    for number, entry in enumerate(found, 1):
        links.append(chain(number, entry, previous))
        previous = links[-1].hash
    return links, (len(links), previous)


@given(st.lists(entries, max_size=6))
def test_an_untouched_chain_holds(found: list[Fields]) -> None:
    links, head = links_of(found)
    verdict = verify(links, head)
    assert (verdict.ok, verdict.entries) == (True, len(found))


@given(st.lists(entries, min_size=1, max_size=6), entries, st.data())
def test_t89_a_changed_entry_is_found(
    found: list[Fields], other: Fields, data: st.DataObject
) -> None:
    links, head = links_of(found)
    place = data.draw(st.integers(0, len(links) - 1))
    if other == fields_of(links[place]):
        return
    at_ms, actor, action, subject, details = other
    links[place] = replace(
        links[place], at_ms=at_ms, actor=actor, action=action, subject=subject, details=details
    )
    assert verify(links, head).first_bad == place + 1


@given(st.lists(entries, min_size=1, max_size=6), st.data())
def test_t89_a_missing_entry_is_found(found: list[Fields], data: st.DataObject) -> None:
    links, head = links_of(found)
    place = data.draw(st.integers(0, len(links) - 1))
    del links[place]
    assert verify(links, head).first_bad == place + 1


@given(st.lists(entries, min_size=2, max_size=6), st.data())
def test_t89_swapped_entries_are_found(found: list[Fields], data: st.DataObject) -> None:
    links, head = links_of(found)
    place = data.draw(st.integers(0, len(links) - 2))
    links[place], links[place + 1] = links[place + 1], links[place]
    assert verify(links, head).first_bad == place + 1


@given(st.lists(entries, min_size=1, max_size=4), entries)
def test_t89_an_entry_added_behind_the_head_is_found(found: list[Fields], more: Fields) -> None:
    links, head = links_of(found)
    links.append(chain(len(links) + 1, more, links[-1].hash))
    assert verify(links, head).first_bad == len(links)


def test_t49_fields_cannot_flow_into_each_other() -> None:
    first = chain(1, (1, "ab", "c", "d", "e"), GENESIS)
    second = chain(1, (1, "a", "bc", "d", "e"), GENESIS)
    assert first.hash != second.hash
