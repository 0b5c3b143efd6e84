"""Text and reasoning: said once, whether they stream or come whole."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.timeline import AssistantMessage, Reasoning
from tests.core.providers.claude.bench import Bench, calls, items
from tests.corpus.hostile import ESCAPES, Hostile


def stream(bench: Bench, kind: str, *pieces: str, message: str = "m", whole: bool = True) -> Any:
    effects = bench.event(type="content_block_start", index=0, content_block={"type": kind})
    for piece in pieces:
        effects += bench.piece(kind, piece)
    if whole:
        effects += bench.block(message, type=kind, **{kind: "".join(pieces)})
    return effects + bench.event(type="content_block_stop", index=0)


def begin(bench: Bench, message: str = "m") -> None:
    bench.event(type="message_start", message={"id": message, "usage": {"input_tokens": 5}})


def test_what_streamed_is_not_said_again() -> None:
    bench = Bench.in_turn()
    begin(bench)
    effects = stream(bench, "thinking", "hm") + stream(bench, "text", "\n\nOne", ", two.")
    assert items(effects) == [
        Reasoning(text="hm"),
        AssistantMessage(text="One"),
        AssistantMessage(text=", two."),
    ]


def test_what_did_not_stream_is_said_whole() -> None:
    bench = Bench.in_turn()
    effects = bench.block("other", type="text", text="From a slash command")
    assert items(effects) == [AssistantMessage(text="From a slash command")]
    begin(bench, "m2")
    effects = bench.block("m2", type="text", text="Without pieces")
    assert items(effects) == [AssistantMessage(text="\n\nWithout pieces")]


def test_two_blocks_in_a_row_do_not_run_into_each_other() -> None:
    bench = Bench.in_turn()
    begin(bench)
    effects = stream(bench, "text", "One.")
    begin(bench, "m2")
    effects += stream(bench, "text", "Two.", message="m2")
    assert "".join(item.text for item in items(effects)) == "One.\n\nTwo."  # type: ignore[union-attr]


def test_a_turn_that_the_program_begins_itself_speaks_in_a_paragraph_of_its_own() -> None:
    bench = Bench.in_turn()
    begin(bench)
    effects = stream(bench, "text", "Parent done.")
    effects += bench.result()
    bench.restart()
    begin(bench, "m2")
    effects += stream(bench, "text", "The sub-agent is done.", message="m2")
    effects += bench.say("result", subtype="success", is_error=False, origin={"kind": "x"})
    effects += bench.block("m3", type="text", text="Whole.")
    said = "".join(item.text for item in items(effects))  # type: ignore[union-attr]
    assert said == "Parent done.\n\nThe sub-agent is done.\n\nWhole."
    bench.result()
    bench.prompt(prompt_id="p2")
    begin(bench, "m4")
    assert items(stream(bench, "text", "New.", message="m4")) == [AssistantMessage(text="New.")]


def test_a_tool_between_them_ends_the_text() -> None:
    bench = Bench.in_turn()
    begin(bench)
    stream(bench, "text", "One.")
    bench.tool("Bash", command="ls")
    begin(bench, "m2")
    assert items(stream(bench, "text", "Two.", message="m2")) == [AssistantMessage(text="Two.")]


@pytest.mark.parametrize("case", ESCAPES, ids=lambda case: case.name)
@pytest.mark.parametrize("cut", [1, 3])
def test_t40_streamed_text_carries_no_escape(case: Hostile, cut: int) -> None:
    bench = Bench.in_turn()
    begin(bench)
    text = case.raw
    effects = stream(bench, "text", *(text[i : i + cut] for i in range(0, len(text), cut)))
    effects += bench.block("other", type="text", text=text)
    said = "".join(item.text for item in items(effects))  # type: ignore[union-attr]
    assert "\x1b" not in said
    assert "\x9b" not in said
    assert "\u202e" not in said


def test_text_of_a_sub_agent_goes_into_its_call() -> None:
    bench = Bench.in_turn()
    bench.tool("Agent", "a", description="look", subagent_type="Explore")
    effects = bench.block("m", "a", type="text", text="I look.")
    assert calls(effects)[0].detail.log == "I look."  # type: ignore[union-attr]
    assert (
        bench.event("a", type="content_block_delta", delta={"type": "text_delta", "text": "x"})
        == []
    )


def test_the_words_of_an_api_error_are_left_to_the_result() -> None:
    bench = Bench.in_turn()
    message = {"id": "m", "content": [{"type": "text", "text": "API Error: 400"}]}
    assert bench.say("assistant", message=message, is_api_error_message=True) == []
