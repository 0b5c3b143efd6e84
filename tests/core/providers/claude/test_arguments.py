"""The command line of a run: what the program is told before it hears anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.providers.claude.arguments import arguments
from sereno.core.providers.claude.modes import CLAUDE_MODES
from sereno.core.providers.driver import Setup

SKIPPING = ("skip-permissions", "bypassPermissions")


def test_a_new_session_gets_the_id_that_we_chose() -> None:
    told = arguments(Setup("/repo", session_id="s-1"), None)
    assert "--session-id=s-1" in told
    assert not [each for each in told if each.startswith("--resume")]
    assert told[-2:] == ("--input-format", "stream-json")
    assert told[3:5] == ("--permission-prompt-tool", "stdio")
    assert "--setting-sources=user" in told
    assert not [each for each in told if each.startswith("--system-prompt")]


def test_only_a_trusted_folder_brings_settings_of_its_own() -> None:
    told = arguments(Setup("/repo", trusted=True), None)
    assert "--setting-sources=user,project,local" in told
    told = arguments(Setup("/repo"), "s-0")
    assert "--setting-sources=user" in told
    assert "--add-dir=/repo" in told  # for its CLAUDE.md
    assert "project" not in " ".join(told)


def test_a_resumed_session_keeps_its_id() -> None:
    told = arguments(Setup("/repo", session_id="s-1"), "s-0")
    assert "--resume=s-0" in told
    assert not [each for each in told if each.startswith("--session-id")]


def test_wishes_become_flags() -> None:
    setup = Setup(
        "/repo", mode="plan", model="opus", thinking="high", disallowed_tools=("WebFetch", "Bash")
    )
    told = arguments(setup, None)
    assert "--permission-mode=plan" in told
    assert "--model=opus" in told
    assert "--effort=high" in told
    assert "--disallowedTools=WebFetch,Bash" in told
    assert "--model=default" not in arguments(Setup("/repo", model="default"), None)


@pytest.mark.parametrize("mode", [None, *(mode.id for mode in CLAUDE_MODES)])
def test_questions_are_skipped_only_where_the_person_chose_that(mode: str | None) -> None:
    told = " ".join(arguments(Setup("/repo", mode=mode), None))
    assert any(word in told for word in SKIPPING) == (mode == "bypassPermissions")
    assert "--dangerously-skip-permissions" not in told


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_no_value_is_ever_read_as_a_flag(model: str, mode: str, resume: str) -> None:
    told = arguments(Setup("/repo", model=model, mode=mode), resume)
    known = ("--model=", "--permission-mode=", "--resume=", "--setting-sources=", "--add-dir=")
    for each in told:
        if each.startswith("-") and "=" in each:
            assert each.startswith(known)
    assert f"--resume={resume}" in told
