"""Questions of an agent and the answers that a person puts together, one question at a time. Pure.

The wire has no type for them: they are the request's `input["questions"]`, and the answers go back
beside them, by the text of the question. request_panel_state.py decides when which key counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.values import given

__all__ = ["Answering", "Option", "Question", "questions_of"]

_KNOWN = frozenset(
    {"id", "question", "header", "options", "multiSelect", "isOther", "isSecret", "required"}
)


@dataclass(frozen=True, slots=True)
class Option:
    label: str
    description: str = ""
    more: tuple[tuple[str, str], ...] = ()
    """What else the agent says of it, by name."""


@dataclass(frozen=True, slots=True)
class Question:
    """`several`: more than one option may be picked. `secret`: what is typed is not shown."""

    text: str
    header: str = ""
    options: tuple[Option, ...] = ()
    several: bool = False
    secret: bool = False
    more: tuple[tuple[str, str], ...] = ()


def questions_of(request: PermissionRequest) -> tuple[Question, ...]:
    """The questions; none where the request is no question, or one of a form not known here."""
    asked = given(request.input, {}).get("questions") if request.kind == "question" else None
    if not isinstance(asked, list):
        return ()
    found = [_question(one) for one in asked if isinstance(one, Mapping)]
    texts = {one.text for one in found if one is not None}
    questions = tuple(one for one in found if one is not None)
    whole = len(questions) == len(asked) == len(texts)
    return questions if whole else ()


def _question(raw: Mapping[str, Any]) -> Question | None:
    text = raw.get("question")
    if not isinstance(text, str) or not text.strip():
        return None
    options = raw.get("options")
    listed = options if isinstance(options, list) else []
    found = [_option(one) for one in listed if isinstance(one, Mapping)]
    header = raw.get("header")
    return Question(
        text,
        header if isinstance(header, str) else "",
        tuple(one for one in found if one is not None),
        raw.get("multiSelect") is True,
        raw.get("isSecret") is True,
        tuple(_more(raw, _KNOWN)),
    )


def _option(raw: Mapping[str, Any]) -> Option | None:
    label = raw.get("label")
    if not isinstance(label, str) or not label:
        return None
    words = raw.get("description")
    more = tuple(_more(raw, frozenset({"label", "description"})))
    return Option(label, words if isinstance(words, str) else "", more)


def _more(raw: Mapping[str, Any], known: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name, value in raw.items():
        if name not in known and value not in (None, "", False, [], {}):
            yield str(name), value if isinstance(value, str) else repr(value)


@dataclass(frozen=True, slots=True)
class Answering:
    """How far the person is: `index` is the question that is looked at, past the last the end."""

    questions: tuple[Question, ...]
    index: int = 0
    picked: tuple[tuple[str, ...], ...] = field(default=())
    """What was picked or said, for each question."""

    @classmethod
    def begin(cls, questions: tuple[Question, ...]) -> Answering:
        return cls(questions, 0, tuple(() for _ in questions))

    @property
    def question(self) -> Question | None:
        """The question that is looked at; None at the end, where all answers are shown."""
        return self.questions[self.index] if self.index < len(self.questions) else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that mean something now."""
        question = self.question
        if question is None:
            return ("enter", "escape")
        numbers = tuple(str(number + 1) for number in range(min(9, len(question.options))))
        return (*numbers, "w", "enter", "escape")

    def pick(self, number: int) -> Answering:
        """Option `number` from 0: the answer, or one of several, taken back by the same key."""
        question = self.question
        assert question is not None
        label = question.options[number].label
        mine = self.picked[self.index]
        if not question.several:
            return self._with((label,)).on()
        known = [option.label for option in question.options]
        kept = [one for one in mine if one in known and one != label]
        return self._with(tuple(kept if label in mine else [*kept, label]))

    def say(self, words: str) -> Answering:
        """In the person's own words; beside the picked ones where several may be."""
        question = self.question
        assert question is not None
        known = [option.label for option in question.options]
        kept = [one for one in self.picked[self.index] if question.several and one in known]
        return self._with((*kept, words)).on()

    def on(self) -> Answering:
        """To the next question; an answer may be left out."""
        return replace(self, index=min(self.index + 1, len(self.questions)))

    def back(self) -> Answering | None:
        """To the question before; None from the first one."""
        return replace(self, index=self.index - 1) if self.index else None

    def _with(self, answer: tuple[str, ...]) -> Answering:
        picked = list(self.picked)
        picked[self.index] = answer
        return replace(self, picked=tuple(picked))

    def answers(self) -> dict[str, str | list[str]]:
        """What goes back: by the text of the question, a list where several may be picked."""
        return {
            question.text: list(answer) if question.several else answer[0]
            for question, answer in zip(self.questions, self.picked, strict=True)
            if answer
        }
