"""Earlier prompts and tokens: the composer's pure parts."""

from __future__ import annotations

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from sereno.core.protocol.agents import Command
from sereno.tui.widgets.composer_history import PromptHistory
from sereno.tui.widgets.composer_token import Token, completed, matching_commands, token_at


def test_walking_back_and_forth_ends_at_the_unsent_text() -> None:
    history = PromptHistory(["one", "two"])
    assert history.older("draft") == "two"
    assert history.older("two") == "one"
    assert history.older("one") is None
    assert history.newer() == "two"
    assert history.newer() == "draft"
    assert history.newer() is None


def test_a_repeated_prompt_moves_to_the_end_and_blank_ones_are_not_kept() -> None:
    history = PromptHistory(["one", "two", " "])
    history.add("one")
    assert history.prompts == ("two", "one")


def test_the_timeline_teaches_older_prompts_without_repeating() -> None:
    history = PromptHistory(["mine"])
    history.learn(["first", "mine", "first"])
    assert history.prompts == ("first", "mine")


def test_typing_ends_the_walk() -> None:
    history = PromptHistory(["one", "two"])
    history.older("")
    history.stop()
    assert history.newer() is None
    assert history.older("x") == "two"


@examples(st.lists(st.text(max_size=5), max_size=20), st.lists(st.booleans(), max_size=60))
def test_a_walk_never_leaves_the_prompts(prompts: list[str], steps: list[bool]) -> None:
    history = PromptHistory(prompts)
    text = "unsent"
    for back in steps:
        shown = history.older(text) if back else history.newer()
        text = text if shown is None else shown
        assert text in {*history.prompts, "unsent"}


@pytest.mark.parametrize(
    ("line", "row", "token"),
    [
        ("@", 0, Token("file", "", 0, 1)),
        ("see @src/a", 0, Token("file", "src/a", 4, 10)),
        ("(@a", 3, Token("file", "a", 1, 3)),
        ("ada@mail", 0, None),
        ("@a b", 0, None),
        ("@a@b", 0, None),
        ("/", 0, Token("command", "", 0, 1)),
        ("/rev", 0, Token("command", "rev", 0, 4)),
        ("/rev", 1, None),
        ("a /rev", 0, None),
        ("/rev x", 0, None),
        ("/usr/bin", 0, None),
    ],
)
def test_what_is_completed(line: str, row: int, token: Token | None) -> None:
    assert token_at(line, row, len(line)) == token


def test_what_stands_behind_the_cursor_does_not_matter() -> None:
    assert token_at("@ab cd", 0, 2) == Token("file", "a", 0, 2)


def test_what_replaces_a_token() -> None:
    file = Token("file", "s", 0, 2)
    assert completed(file, "src/a.py") == "@src/a.py "
    assert completed(file, "src/") == "@src/"
    assert completed(Token("command", "r", 0, 2), "review") == "/review "


def test_commands_that_begin_with_it_come_first() -> None:
    commands = [Command(name=name, description="") for name in ("compact", "review", "recompact")]
    assert [each.name for each in matching_commands(commands, "CO")] == ["compact", "recompact"]
    assert matching_commands(commands, "zzz") == []
