"""Questions of an agent: what is shown, what the keys do, and what exactly goes back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from sereno.core.protocol.permissions import Allow, Deny, PermissionAction, PermissionRequest
from sereno.core.protocol.tools import PlainTextDetail
from sereno.tui.lines import plain
from sereno.tui.widgets.request_panel_effects import AskWords, Send
from sereno.tui.widgets.request_panel_questions import Answering, questions_of
from sereno.tui.widgets.request_panel_reading import Place
from sereno.tui.widgets.request_panel_state import Desk, Phase
from sereno.tui.widgets.request_panel_text import asked_text, reading_of
from sereno.tui.widgets.request_panel_view import Facts, lay_out, text_lines, text_width

DB = {
    "question": "Which database?",
    "header": "Database",
    "options": [
        {"label": "sqlite", "description": "One file."},
        {"label": "postgres", "description": "A server.", "preview": "docker run postgres"},
    ],
    "multiSelect": False,
}
PARTS = {
    "question": "Which parts?",
    "header": "Parts",
    "options": [{"label": "api"}, {"label": "ui"}, {"label": "docs"}],
    "multiSelect": True,
}
KEY = {"question": "The key?", "header": "Key", "options": [], "isSecret": True}


def request(*questions: Any, **more: Any) -> PermissionRequest:
    return PermissionRequest(
        id="q",
        provider="claude",
        name="AskUserQuestion",
        kind=more.pop("kind", "question"),
        detail=PlainTextDetail(label="Question", text="Which database?"),
        input={"questions": list(questions), **more},
        actions=[
            PermissionAction(id="allow", label="Answer", behavior="allow"),
            PermissionAction(id="deny", label="Do not answer", behavior="deny"),
        ],
    )


class Person:
    """Somebody who presses a key each two seconds."""

    def __init__(self, *questions: Any) -> None:
        self.desk, self.now = Desk(), 0.0
        self.asked = list(questions)
        self.desk.update(0.0, [request(*questions)])
        self.desk.take_keyboard(0.0)
        self.desk.end_seen = True
        self.effects: list[Any] = []

    def press(self, *keys: str) -> None:
        for key in keys:
            self.now += 2
            self.effects += self.desk.key(self.now, key)
            self.effects += self.desk.tick(self.now + 1)

    def say(self, words: str | None) -> None:
        self.now += 2
        self.effects += self.desk.words(self.now, "answer", words)

    @property
    def answers(self) -> Any:
        (send,) = [each for each in self.effects if isinstance(each, Send)]
        assert isinstance(send.response, Allow)
        assert send.response.selected_action_id == "allow"
        changed = send.response.updated_input
        assert isinstance(changed, dict)
        assert changed["questions"] == self.asked, "what was asked goes back as it came"
        return changed["answers"]

    def shown(self, width: int = 60, height: int = 15) -> str:
        text = text_lines(self.desk.queue[0], text_width(width))
        sheet = lay_out(self.desk, Facts(), text, 0, width=width, height=height, now=self.now + 1.9)
        return "\n".join(plain(line).rstrip() for line in sheet.lines)


def test_a_question_is_shown_with_all_that_is_said_of_it() -> None:
    lines = [line.text for line in asked_text(request(DB, PARTS, timeout=60))]
    assert lines == [
        "Which database?", "1  sqlite: One file.", "2  postgres: A server.",
        "   preview: docker run postgres", "", "Which parts?", "1  api", "2  ui", "3  docs",
        "also given:", "timeout: 60",
    ]  # fmt: skip


def test_one_key_picks_and_enter_sends_exactly_what_is_shown() -> None:
    person = Person(DB)
    assert "answer ..." in person.shown()
    person.press("y")
    assert person.desk.phase is Phase.ANSWERING
    assert "2  postgres  A server." in person.shown()
    person.press("2")
    assert "Database: postgres" in person.shown()
    assert not any(isinstance(each, Send) for each in person.effects)
    person.press("enter")
    assert person.answers == {"Which database?": "postgres"}


def test_several_are_toggled_and_own_words_stand_beside_them() -> None:
    person = Person(PARTS, DB)
    person.press("y", "1", "3", "1", "2")
    assert "[x] ui" in person.shown()
    assert "[ ] api" in person.shown()
    person.press("w")
    assert person.effects[-1] == AskWords("answer")
    person.say("and the tests")
    assert "Question 2 of 2: Which database?" in person.shown()
    person.press("w")
    person.say("duckdb")
    assert "Parts: docs, ui, and the tests" in person.shown()
    person.press("enter")
    assert person.answers == {
        "Which parts?": ["docs", "ui", "and the tests"],
        "Which database?": "duckdb",
    }


def test_escape_goes_back_one_question_and_then_to_the_request() -> None:
    person = Person(DB, PARTS)
    person.press("y", "1", "escape")
    assert "Question 1 of 2" in person.shown()
    person.press("escape")
    assert person.desk.phase is Phase.ASKING
    person.press("n")
    (send,) = [each for each in person.effects if isinstance(each, Send)]
    assert isinstance(send.response, Deny)


def test_a_question_may_be_left_out() -> None:
    person = Person(DB, PARTS)
    person.press("y", "enter", "2", "enter")
    assert "Database: not answered" in person.shown()
    person.press("enter")
    assert person.answers == {"Which parts?": ["ui"]}


def test_a_secret_answer_is_not_shown() -> None:
    person = Person(KEY)
    person.press("y", "w")
    assert person.effects[-1] == AskWords("answer", secret=True)
    person.say("hunter2")
    assert "hunter2" not in person.shown()
    assert "Key: ***" in person.shown()
    person.press("enter")
    assert person.answers == {"The key?": "hunter2"}


def test_no_words_change_nothing() -> None:
    person = Person(DB)
    person.press("y", "w")
    person.say(None)
    assert person.desk.phase is Phase.ANSWERING
    assert person.desk.asking == Answering.begin(questions_of(request(DB)))


def test_answers_outlive_a_look_elsewhere_and_a_refusal() -> None:
    person = Person(DB, PARTS)
    person.press("y", "2", "tab")
    assert person.desk.phase is Phase.SHOWN
    assert "Which database?" in person.shown(), "the request itself is seen again"
    person.desk.take_keyboard(person.now + 2)
    person.now += 2
    person.press("1", "enter", "enter")
    person.desk.failed(person.now, "q", "The disk is full.")
    assert person.desk.phase is Phase.ANSWERING
    assert "Database: postgres" in person.shown()
    assert "The disk is full." in person.shown()


def test_a_question_reads_as_what_it_is() -> None:
    words = reading_of(request(DB), Place("/", "/")).words
    assert words == "questions for you: answering runs nothing by itself"


def test_nothing_is_answered_before_the_end_was_seen() -> None:
    person = Person(DB)
    person.desk.end_seen = False
    person.press("y")
    assert person.desk.phase is Phase.ASKING
    assert "answer: first see the end" in person.shown()


@pytest.mark.parametrize(
    "made",
    [
        request(DB, kind="tool"),
        request({"header": "no text"}),
        request(DB, DB),
        request("words"),
        request(),
    ],
    ids=["a tool", "no text", "twice the same", "no object", "none"],
)
def test_what_is_not_known_as_questions_is_a_plain_request(made: PermissionRequest) -> None:
    assert questions_of(made) == ()
    desk = Desk()
    desk.update(0.0, [made])
    desk.take_keyboard(0.0)
    desk.end_seen = True
    desk.key(5.0, "y")
    (send,) = desk.tick(6.0)
    assert send == Send("q", Allow(selected_action_id="allow"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
QUESTIONS = st.fixed_dictionaries(
    {"question": VALUES, "options": st.lists(st.fixed_dictionaries({"label": VALUES}) | VALUES)},
    optional={"header": VALUES, "multiSelect": VALUES, "description": VALUES},
)


@examples(st.lists(QUESTIONS | VALUES, max_size=3))
def test_any_question_is_shown_and_answered_or_is_a_plain_request(asked: list[Any]) -> None:
    made = request(*asked)
    assert isinstance(text_lines(made, 40), list)
    questions = questions_of(made)
    asking = Answering.begin(questions)
    while asking.question is not None:
        asking = asking.pick(0) if asking.question.options else asking.on()
        asking = asking.on() if asking.question and asking.picked[asking.index] else asking
    assert len(asking.answers()) == sum(1 for each in questions if each.options)
