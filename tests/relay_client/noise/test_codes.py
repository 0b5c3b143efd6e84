"""The code to type: read as people write it, and wrong ones told in words that do not repeat it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client.noise.codes import Code, NotACode, draw_code
from sereno.relay_client.server_ids import is_server_id
from tests.relay_client.noise.links import counting

CODE = Code(48291, ("copper", "tuition", "anchor"))


@pytest.mark.parametrize(
    "text",
    [
        "48291-copper-tuition-anchor",
        " 48291 Copper  tuition-ANCHOR\n",
        "48291-copp-tuit-anch",
        "48291 - copper - tuitio - ancho",
    ],
)
def test_forms_that_are_taken(text: str) -> None:
    assert Code.parse(text) == CODE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "number"),
        ("copper-tuition-anchor", "number"),
        ("04829-copper-tuition-anchor", "number"),
        ("482910-copper-tuition-anchor", "number"),
        ("٤٨٢٩١-copper-tuition-anchor", "number"),
        ("48291-copper-tuition", "three words"),
        ("48291-copper-tuition-anchor-zoo", "three words"),
        ("48291-cop-tuition-anchor", "first word"),
        ("48291-copper-tulip-anchor", "second word"),
        ("48291-copper-tuition-anchors", "third word"),
    ],
)
def test_what_is_no_code_says_where(text: str, words: str) -> None:
    with pytest.raises(NotACode, match=words) as caught:
        Code.parse(text)
    assert "tulip" not in str(caught.value)


def test_a_code_that_is_drawn_comes_back() -> None:
    drawn = {draw_code(os.urandom).text for _ in range(50)}
    assert len(drawn) == 50
    for text in drawn:
        code = Code.parse(text)
        assert code.text == text
        assert is_server_id(code.place)
        assert code.words[1] not in repr(code)
    assert draw_code(counting()) == draw_code(counting())


def test_short_words_that_begin_longer_ones() -> None:
    """`act` is a word of its own, though `actor` begins so."""
    assert Code.parse("10000-act-add-age").words == ("act", "add", "age")


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    with pytest.raises(NotACode):
        Code.parse(text)
