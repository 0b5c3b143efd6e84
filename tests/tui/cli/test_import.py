"""`sereno import`: what is listed, what a word means, what is taken over, and what fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sereno.tui.cli.commands.importing import unique_length
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, Message, message
from tests.tui.cli.scripted import AT, FIRST, SECOND, agent, reply

CLAUDE, CODEX, OPEN = "0192aaaa-1111", "0192aaaa-2222", "ses_77f0"


def session(session_id: str, provider: str, **more: Any) -> dict[str, Any]:
    return {
        "provider": provider,
        "sessionId": session_id,
        "title": f"Talk with {provider}",
        "cwd": "/srv/app",
        "updatedAt": AT,
        **more,
    }


ALL = [
    session(CLAUDE, "claude"),
    session(CODEX, "codex", agentId=SECOND),
    session(OPEN, "opencode", title=None, updatedAt=None),
]


@pytest.fixture(autouse=True)
def listed(daemon: FakeDaemon) -> None:
    problems = [{"provider": "gemini", "error": "It gave no answer.", "nextStep": "Try again."}]
    daemon.answers["sereno.provider.sessions.request"] = reply(
        "sereno.provider.sessions.response", cwd="/srv/app", sessions=ALL, problems=problems
    )

    def take_over(asked: Message) -> list[Message]:
        payload = {
            "status": "agent_resumed",
            "requestId": asked["requestId"],
            "agentId": FIRST,
            "agent": agent(FIRST),
        }
        return [message("status", payload)]

    daemon.answers["import_agent_request"] = take_over


def imported(daemon: FakeDaemon) -> list[str]:
    return [one["sessionId"] for one in daemon.seen if one["type"] == "import_agent_request"]


def test_the_list_of_this_folder(daemon: FakeDaemon, sereno: Run, tmp_path: Path) -> None:
    result = sereno("import", "--cwd", str(tmp_path))
    assert result.code == 0
    head, *rows = result.out.splitlines()
    assert head.split() == ["SESSION", "PROVIDER", "TITLE", "ACTIVE", "AGENT"]
    assert rows[0].split()[:5] == ["0192aaaa-1", "claude", "Talk", "with", "claude"]
    assert rows[1].split()[-1] == SECOND[:8]
    assert rows[2].split() == ["ses_77f0", "opencode", "-", "-", "-"]
    assert result.err == "gemini: It gave no answer. Try again.\n"
    asked = next(one for one in daemon.seen if one["type"] == "sereno.provider.sessions.request")
    assert asked["cwd"] == str(tmp_path)
    assert "provider" not in asked
    assert not imported(daemon)


def test_json_and_ids(sereno: Run) -> None:
    value = json.loads(sereno("import", "--json").out)
    assert value[1] == {
        "id": CODEX,
        "provider": "codex",
        "title": "Talk with codex",
        "cwd": "/srv/app",
        "updatedAt": AT,
        "agentId": SECOND,
    }
    assert sereno("import", "-q").out.split() == [CLAUDE, CODEX, OPEN]


def test_one_by_the_beginning_of_its_id(daemon: FakeDaemon, sereno: Run) -> None:
    result = sereno("import", "ses_7")
    assert (result.code, result.out) == (0, FIRST + "\n")
    assert imported(daemon) == [OPEN]
    value = json.loads(sereno("import", CLAUDE, "--json").out)
    assert value["id"] == FIRST
    assert value["sessionId"] == CLAUDE


def test_all_are_those_that_are_not_here_yet(daemon: FakeDaemon, sereno: Run) -> None:
    assert len(json.loads(sereno("import", "--all", "--json").out)) == 2
    assert imported(daemon) == [CLAUDE, OPEN]


@pytest.mark.parametrize(
    ("word", "code"), [("0192", "ambiguous_session"), ("nothing", "unknown_session")]
)
def test_a_word_that_means_no_single_session(
    word: str, code: str, daemon: FakeDaemon, sereno: Run
) -> None:
    result = sereno("import", word, CLAUDE, "--json")
    assert result.code == 4
    assert json.loads(result.err.splitlines()[-1])["code"] == code
    assert not imported(daemon), "all are found before any is taken over"


def test_a_refusal_has_its_words(daemon: FakeDaemon, sereno: Run) -> None:
    daemon.answers["import_agent_request"] = lambda asked: [
        message(
            "status",
            {
                "status": "agent_create_failed",
                "requestId": asked["requestId"],
                "error": "This session is agent 9f00aa11 already",
                "errorCode": "already_imported",
                "nextStep": "Open it: `sereno attach 9f00aa11`",
            },
        )
    ]
    result = sereno("import", CODEX)
    assert result.code == 1
    assert "already. Open it: `sereno attach 9f00aa11`." in result.err


def test_no_sessions(daemon: FakeDaemon, sereno: Run) -> None:
    daemon.answers["sereno.provider.sessions.request"] = reply(
        "sereno.provider.sessions.response", cwd="/srv/app", sessions=[], problems=[]
    )
    assert sereno("import").out == "No sessions of agent programs for this folder.\n"
    result = sereno("import", "--all")
    assert (result.code, result.out) == (0, "")
    assert "Nothing to import" in result.err


def test_ids_are_shown_as_long_as_they_must_be() -> None:
    assert unique_length(["abcdefghij", "abcdefghik"]) == 10
    assert unique_length(["abcdefghij", "zbcdefghij"]) == 8
