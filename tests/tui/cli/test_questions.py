"""Questions of an agent on the command line: shown whole, answered by number, label or words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sereno.core.protocol.events import PermissionResolved
from sereno.core.protocol.permissions import Allow, Deny, PermissionRequest
from sereno.tui.cli import exits
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.permits import request_lines
from sereno.tui.cli.questions import answered, closed_words, how_to_allow
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon
from tests.tui.cli.scripted import FIRST, agent, furnish, request
from tests.tui.cli.test_permit import pong, resolved

COLOUR = {
    "question": "Which colour?",
    "header": "Colour",
    "options": [
        {"label": "Blue", "description": "calm"},
        {"label": "Red", "preview": "not the body"},
    ],
}
TESTS = {
    "question": "Which tests?",
    "multiSelect": True,
    "options": [{"label": "Unit"}, {"label": "End to end"}, {"label": "None, for now"}],
}


def asks(*questions: dict[str, Any]) -> dict[str, Any]:
    return {
        **request("perm-1"),
        "kind": "question",
        "name": "AskUserQuestion",
        "detail": {"type": "plain_text", "label": "A question"},
        "input": {"questions": list(questions), "note": "kept"},
    }


def asked(*questions: dict[str, Any]) -> PermissionRequest:
    return msgspec.convert(asks(*questions), PermissionRequest)


def test_questions_are_shown_whole_and_once() -> None:
    lines = request_lines(asked(COLOUR, TESTS))
    assert "  question 1 of 2: Colour" in lines
    assert "  | Which colour?" in lines
    assert "    1  Blue: calm" in lines
    assert "       preview: not the body" in lines
    assert "  question 2 of 2, several may be chosen" in lines
    assert "    3  None, for now" in lines
    assert "  also given note: kept" in lines
    assert not [line for line in lines if "also given questions" in line]


def test_what_is_no_known_form_of_question_is_shown_as_it_is() -> None:
    lines = request_lines(asked({"question": 7}))
    assert [line for line in lines if "also given questions" in line]


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (("1", "1,2"), {"Which colour?": "Blue", "Which tests?": ["Unit", "End to end"]}),
        (
            ("red", "Unit, end to end"),
            {"Which colour?": "Red", "Which tests?": ["Unit", "End to end"]},
        ),
        (("3", "0"), {"Which colour?": "3", "Which tests?": ["0"]}),
        (
            ("green, please", "None, for now"),
            {"Which colour?": "green, please", "Which tests?": ["None, for now"]},
        ),
        (("", "only this, 1"), {"Which tests?": ["only this, 1"]}),
    ],
)
def test_answers(words: tuple[str, ...], answers: dict[str, Any]) -> None:
    given = answered(asked(COLOUR, TESTS), words, None)
    assert given.updated_input == {"questions": [COLOUR, TESTS], "note": "kept", "answers": answers}


@pytest.mark.parametrize("words", [(), ("1",), ("1", "1", "1")])
def test_as_many_answers_as_questions(words: tuple[str, ...]) -> None:
    with pytest.raises(CliError, match="asks 2 questions") as caught:
        answered(asked(COLOUR, TESTS), words, None)
    assert caught.value.exit_code == exits.USAGE


def test_an_answer_to_what_is_no_question_is_refused() -> None:
    plain = msgspec.convert(request(), PermissionRequest)
    with pytest.raises(CliError, match="asks no question"):
        answered(plain, ("1",), None)


def test_the_command_sends_it(daemon: FakeDaemon, sereno: Run) -> None:
    furnish(daemon, agent(pendingPermissions=[asks(COLOUR)]))
    daemon.answers["ping"] = pong
    daemon.answers["agent_permission_response"] = lambda one: [
        resolved(one, "the command line", one["response"]["behavior"])
    ]
    nothing = sereno("permit", "allow", FIRST)
    assert nothing.code == exits.USAGE
    assert "asks 1 question, and no --answer was given" in nothing.err
    assert sereno("permit", "allow", FIRST, "--answer", "2").code == exits.OK
    (sent,) = [seen for seen in daemon.seen if seen["type"] == "agent_permission_response"]
    assert sent["response"]["updatedInput"]["answers"] == {"Which colour?": "Red"}


def test_how_to_allow_and_what_became_of_it_in_words() -> None:
    assert how_to_allow("3e1f", asked(COLOUR)).endswith('allow 3e1f perm-1 --answer "…"')
    plain = msgspec.convert(request(), PermissionRequest)
    assert how_to_allow("3e1f", plain) == "sereno permit allow 3e1f perm-1-1"
    closing = PermissionResolved(request_id="perm-1", provider="p", resolution=Deny())
    assert closed_words(closing) == "denied"
    closing.withdrawn = "the turn was stopped"
    assert closed_words(closing) == "withdrawn: the turn was stopped"
    assert closed_words(PermissionResolved("p", "perm-1", Allow())) == "allowed"
