"""A growing message: settled paragraphs, fences, limits; nothing is ever lost."""

from __future__ import annotations

from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from sereno.tui.widgets.blocks_palette import PLAIN
from sereno.tui.widgets.markdown import draw_code, draw_markdown, draw_plain
from sereno.tui.widgets.markdown_stream import StreamedText, draw_message, settled_end


def lines(strips: object) -> list[str]:
    return [strip.text.rstrip() for strip in strips]  # type: ignore[attr-defined]


def test_a_blank_line_ends_a_paragraph() -> None:
    assert settled_end("a\nb", 0) == 0
    assert settled_end("a\n\nb", 0) == 3
    assert settled_end("a\n\nb\n\n", 3) == 6


def test_a_blank_line_inside_a_fence_ends_nothing() -> None:
    text = "a\n\n```py\nx\n\ny\n"
    assert settled_end(text, 0) == 3
    assert settled_end(f"{text}```\n\nb", 0) == len(text) + 5
    assert settled_end("~~~~\n\n~~~\n\n", 0) == 0


def test_settled_paragraphs_are_markdown_and_the_tail_is_plain() -> None:
    stream = StreamedText(40, PLAIN)
    assert lines(stream.draw("**a")) == ["**a"]
    assert lines(stream.draw("**a**\n\n**b")) == ["a", "", "**b"]
    assert lines(stream.close("**a**\n\n**b**")) == ["a", "", "b"]


def test_a_long_message_keeps_what_it_has_when_it_closes() -> None:
    text = "\n\n".join(f"paragraph **{number}**" for number in range(400))
    stream = StreamedText(40, PLAIN)
    for end in range(0, len(text), 500):
        stream.draw(text[:end])
    assert [line for line in lines(stream.close(text)) if line] == [
        f"paragraph {number}" for number in range(400)
    ]


def test_a_very_long_message_is_whole_and_its_end_is_markdown() -> None:
    text = "\n\n".join(f"paragraph **{number}** {'x' * 60}" for number in range(900))
    drawn = [line for line in lines(draw_message(text, 100, PLAIN)) if line]
    assert len(drawn) == 900
    assert drawn[0].startswith("paragraph **0**")
    assert drawn[-1].startswith("paragraph 899")


def test_one_endless_line_is_cut_into_lines_and_kept() -> None:
    text = "x" * 50_000
    stream = StreamedText(50, PLAIN)
    assert sum(len(line) for line in lines(stream.draw(text))) == 50_000
    assert sum(len(line) for line in lines(draw_message(text, 50, PLAIN))) == 50_000


WORDS = st.sampled_from(
    ["word ", "two words\n", "\n", "\n\n", "```\n", "**b** ", "- ", "1. ", "# "]
)


@settings(max_examples=60)
@examples(st.lists(WORDS, max_size=40), st.lists(st.integers(1, 30), max_size=30))
def test_however_it_arrives_no_word_is_lost(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    stream = StreamedText(60, PLAIN)
    end = 0
    for step in cuts:
        end = min(len(text), end + step)
        stream.draw(text[:end])
    drawn = " ".join(lines(stream.draw(text)))
    assert drawn.count("word") == text.count("word")
    closed = " ".join(lines(stream.close(text)))
    assert closed.count("words") == text.count("words")


def test_html_images_and_links_stay_readable() -> None:
    drawn = "\n".join(lines(draw_markdown("<b>x</b> ![i](http://a/b) [t](http://c)", 80, PLAIN)))
    assert "<b>x</b>" in drawn
    assert "http://a/b" in drawn
    assert "t (http://c)" in drawn


def test_code_is_drawn_by_its_file_name_and_stays_whole() -> None:
    assert lines(draw_code("x = 1\n\ny = 2\n", "a/b.py", 40, PLAIN)) == ["x = 1", "", "y = 2"]
    assert lines(draw_code("x", "no.such.kind", 40, PLAIN)) == ["x"]


def test_plain_text_is_wrapped_between_words() -> None:
    assert lines(draw_plain("one two three", 8, PLAIN)) == ["one two", "three"]
