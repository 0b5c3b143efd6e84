"""Naming agents by id, beginning of an id, or title; and everything wrong that one can type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sereno.tui.cli import exits
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon
from tests.tui.cli.scripted import FIRST, SECOND, agent, furnish, items, timeline


@pytest.fixture
def two(daemon: FakeDaemon) -> FakeDaemon:
    furnish(daemon, agent(FIRST), agent(SECOND, "Write docs"))
    daemon.answers["fetch_agent_timeline_request"] = timeline(items("hello"))
    return daemon


@pytest.mark.parametrize("name", [FIRST, FIRST[:10], "Fix the build"])
def test_id_beginning_and_title(two: FakeDaemon, sereno: Run, name: str) -> None:
    assert sereno("logs", name).code == 0


def test_an_ambiguous_beginning_names_the_candidates(two: FakeDaemon, sereno: Run) -> None:
    result = sereno("logs", "3e1f")
    assert result.code == exits.NOT_FOUND
    assert "3e1f1d7e (Fix the build), 3e1f1d7e (Write docs)" in result.err
    error = json.loads(sereno("logs", "3e1f", "--json").err)
    assert error["code"] == "ambiguous_agent"
    assert error["nextStep"] == "Give more characters of the id"


def test_an_unknown_agent_names_the_nearest_title(two: FakeDaemon, sereno: Run) -> None:
    result = sereno("logs", "Fix the bild")
    assert result.code == exits.NOT_FOUND
    assert "Did you mean 3e1f1d7e (Fix the build)?" in result.err
    assert "sereno ls -a -g" in sereno("logs", "zzz").err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lss"], "Did you mean `ls`"),
        (["logs"], "missing argument 'AGENT'"),
        (["logs", "a", "--tail", "x"], "is no whole number"),
        (["logs", "a", "--filter", "x"], "answers"),
        (["stop"], "name agents, or give --all"),
        (["stop", "a", "--all"], "name agents, or give --all"),
        (["wait", "a", "--timeout", "0"], "more than 0"),
        (["run", "--label", "x", "hi"], "not KEY=VALUE"),
        (["run", "--cwd", "/nonexistent/folder", "hi"], "there is no folder"),
        (["run", " "], "the prompt is empty"),
        (["permit", "allow", "a", "b", "--all"], "not both"),
        (["--no-ui", "ls"], "without a command"),
        (["-c", "x"], "not KEY=VALUE"),
        (["completion", "tcsh"], "fish"),
        ([], "needs a terminal"),
    ],
)
def test_wrong_usage(sereno: Run, home: Path, arguments: list[str], words: str) -> None:
    result = sereno(*arguments)
    assert result.code == exits.USAGE
    assert result.out == ""
    assert words in result.err
    assert result.err.startswith("sereno: ")
    assert result.err.count("\n") == 1
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["attach", "a"],
        ["logs", "a"],
        ["send", "a", "hi"],
        ["wait", "a"],
        ["stop", "a"],
        ["stop", "--all"],
        ["archive", "a"],
        ["delete", "a"],
        ["inspect", "a"],
        ["permit", "ls"],
        ["permit", "allow", "a"],
        ["permit", "deny", "a"],
        ["provider", "ls"],
        ["provider", "models", "demo"],
        ["audit", "verify"],
    ],
)
def test_no_daemon_is_said_by_each_command(sereno: Run, home: Path, arguments: list[str]) -> None:
    result = sereno(*arguments)
    assert result.code == exits.NO_DAEMON
    assert "no daemon runs" in result.err
    error = json.loads(sereno(*arguments, "--json").err)
    assert sorted(error) == ["code", "message", "nextStep"]
    assert list(home.iterdir()) == []


def test_nothing_unforeseen_leaves_as_a_traceback(
    sereno: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError("by \x1b[31mzero")

    monkeypatch.setattr("sereno.tui.cli.listing.run", broken)
    result = sereno("ls")
    assert result.code == exits.FAILED
    assert "ZeroDivisionError: by zero" in result.err
    assert "Traceback" not in result.err


def test_help_of_every_command(sereno: Run) -> None:
    from sereno.tui.cli.app import COMMANDS

    whole = sereno("--help").out
    for name in COMMANDS:
        assert name in whole
        assert sereno(name, "--help").code == 0
    for code, words in exits.MEANINGS:
        assert f"{code}" in whole
        assert words in whole
