"""The sanitiser against the hostile corpus, in one piece and cut anywhere."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.security.sanitise import (
    LINE_LIMIT,
    MARK_LIMIT,
    SEQUENCE_LIMIT,
    Sanitiser,
    mixed_scripts,
    reveal,
    reveal_value,
    sanitise,
    sanitise_line,
    sanitise_value,
)
from tests.corpus.hostile import BIDI, ESCAPES, MARKUP, Hostile, all_texts

ALL = (*ESCAPES, *MARKUP, *BIDI)


def feed(*chunks: str) -> str:
    sanitiser = Sanitiser()
    return "".join(sanitiser.feed(chunk) for chunk in chunks)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name[:40])
def test_t40_corpus_in_one_piece(case: Hostile) -> None:
    assert sanitise(case.raw) == case.clean


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name[:40])
def test_t40_corpus_split_at_each_character(case: Hostile) -> None:
    for cut in range(len(case.raw) + 1):
        assert feed(case.raw[:cut], case.raw[cut:]) == case.clean, cut
    assert feed(*case.raw) == case.clean


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name[:40])
def test_t40_state_survives_a_restart_at_each_character(case: Hostile) -> None:
    if "marks" in case.name:
        return  # the number of marks so far is not worth storing
    for cut in range(len(case.raw) + 1):
        first = Sanitiser()
        head = first.feed(case.raw[:cut])
        assert head + Sanitiser(first.state).feed(case.raw[cut:]) == case.clean, cut


@pytest.mark.parametrize("case", BIDI, ids=lambda case: case.name)
def test_t42_reveal_shows_what_is_hidden(case: Hostile) -> None:
    assert case.revealed in reveal(case.raw)


@pytest.mark.parametrize("raw", all_texts())
def test_t42_reveal_leaves_nothing_invisible(raw: str) -> None:
    shown = reveal(raw)
    assert all(character in "\n\t" or character.isprintable() for character in shown)


PIECES = "\x1b|\x1b[|\x1b]|\x1bP|\x1b\\|\x9b|\x9d|\x9c|\x84|\x07|\x18|\r|\n|[|]|;|m|31|\\| |a"
IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u200b\u200d\u200f\u202a"
    "\u2060\u2064\u2065\u2066\u206f\u3164\ufe00\ufe0f\ufeff\uffa0\ufff0\ufff8\U0001bca0\U0001d173"
    "\U000e0000\U000e0001\U000e0020\U000e007f\U000e0100\U000e01ef\U000e0fff"
)


@pytest.mark.parametrize("character", IGNORABLE, ids=lambda c: f"U+{ord(c):04X}")
def test_t42_no_default_ignorable_character_stays_hidden(character: str) -> None:
    assert reveal(f"a{character}b") not in ("ab", f"a{character}b")


@pytest.mark.parametrize("mark", ["\u0301", "\u0e31", "\u0651", "\u05b0", "\u0941", "\U0001e8d0"])
def test_t42_marks_of_any_script_are_capped(mark: str) -> None:
    shown = reveal("a" + mark * 40 + "b")
    assert shown.count(mark) == MARK_LIMIT
    assert shown.endswith("b")
    assert f"{ord(mark):04x}" in shown


DANGEROUS = st.sampled_from([*PIECES.split("|"), "\u202e", "\u0301", "\u2028", "é", "日", "\x00"])


@given(st.lists(DANGEROUS, max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_t40_chunks_do_not_matter(parts: list[str], one: int, two: int) -> None:
    text = "".join(parts)
    low, high = sorted((min(one, len(text)), min(two, len(text))))
    assert feed(text[:low], text[low:high], text[high:]) == feed(text)


@given(st.text(max_size=200))
def test_t40_nothing_dangerous_is_left(text: str) -> None:
    clean = sanitise(text)
    assert not any(
        (ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066"
        for c in clean
    )
    clean.encode()


@given(
    st.text(
        alphabet=st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=100
    )
)
def test_plain_text_is_the_same_object(text: str) -> None:
    assert Sanitiser().feed(text) is text


def test_t40_long_lines_are_broken_and_lose_nothing() -> None:
    text = "x" * (3 * LINE_LIMIT + 5)
    for chunks in ([text], [text[i : i + 1000] for i in range(0, len(text), 1000)]):
        clean = feed(*chunks)
        assert clean.replace("\n", "") == text
        assert max(map(len, clean.split("\n"))) <= LINE_LIMIT
        assert clean.count("\n") == 3
    assert sanitise("y" * LINE_LIMIT + "\n") == "y" * LINE_LIMIT + "\n"


def test_t40_marks_are_capped_over_chunks() -> None:
    assert feed("Z", *["\u0301"] * 30, "a\u0301") == "Z" + "\u0301" * MARK_LIMIT + "a\u0301"


def test_t40_endless_string_becomes_text_again() -> None:
    body = "a" * (SEQUENCE_LIMIT + 500)
    assert sanitise(f"\x1b]0;{body} tail").endswith("a tail")
    sanitiser = Sanitiser()
    out = "".join(sanitiser.feed(body[i : i + 100]) for i in range(0, len(body), 100))
    assert out == body
    out = sanitiser.feed("\x1b]") + "".join(sanitiser.feed("b" * 100) for _ in range(60))
    assert len(out) > 0
    assert len(sanitiser.state[0]) <= SEQUENCE_LIMIT


def test_reset_forgets_an_unfinished_sequence() -> None:
    sanitiser = Sanitiser()
    assert sanitiser.feed("a\x1b]0;") == "a"
    sanitiser.reset()
    assert sanitiser.feed("text") == "text"


@pytest.mark.parametrize(
    "bad", ["\x9d", "\x1b[", "\x1b]a", "\x9b1", "\x1b]aaaa\x9d", "\u0301", "\r"]
)
def test_t40_hostile_repetition_costs_linear_time(bad: str) -> None:
    def cost(count: int) -> float:
        text = bad * count + "\n"
        start = time.process_time()
        sanitise(text)
        return time.process_time() - start

    cost(1000)
    assert cost(200_000) < max(20 * cost(20_000), 0.5)


def test_t40_long_lines_cost_no_more_than_short_ones() -> None:
    """Lines that are just not broken: minified code, say."""

    def cost(length: int) -> float:
        text = ("a" * length + "\n") * (2_000_000 // length)
        start = time.process_time()
        sanitise(text)
        return time.process_time() - start

    cost(100)
    assert cost(16_000) < max(20 * cost(100), 0.5)


def test_lines_and_values() -> None:
    assert sanitise_line("a\n\tb\x1b[31m  c") == "a b c"
    assert sanitise_line("x" * 600) == "x" * 499 + "…"
    data = {"cmd\x07": ["\x1b[1mls", {"n": 1, "none": None}], "f": 1.5, "t": True}
    assert sanitise_value(data) == {"cmd": ["ls", {"n": 1, "none": None}], "f": 1.5, "t": True}
    assert reveal_value({"c": "a\u202eb"}) == {"c": "a\\u202eb"}
    deep: object = "x"
    for _ in range(50):
        deep = [deep]
    assert "…" in str(sanitise_value(deep))


def test_t42_mixed_scripts() -> None:
    assert mixed_scripts("cat раypal.txt README") == ("раypal",)
    assert mixed_scripts("echo привет мир; naïve café Straße") == ()
    assert mixed_scripts("ｒｍ -rf") == ("ｒｍ",)
    assert mixed_scripts("plain ascii") == ()
