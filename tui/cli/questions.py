"""An agent's questions on the command line: as lines, and answers from `--answer` words. Pure.

How questions are read from a request is the screen's rule too (request_panel_questions.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from sereno.core.protocol.events import PermissionResolved
from sereno.core.protocol.permissions import Allow, PermissionRequest
from sereno.core.protocol.values import UNSET, given
from sereno.tui.cli import exits
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.text import shown
from sereno.tui.widgets.request_panel_questions import Question, questions_of

__all__ = ["answered", "closed_words", "how_to_allow", "question_lines"]


def question_lines(request: PermissionRequest) -> list[str]:
    """Each question with its options by number, and everything else that was said of them."""
    questions = questions_of(request)
    lines: list[str] = []
    for number, question in enumerate(questions, 1):
        several = ", several may be chosen" if question.several else ""
        head = f"  question {number} of {len(questions)}{several}"
        lines.append(f"{head}: {_flat(question.header)}" if question.header else head)
        lines += ["  | " + line for line in shown(question.text).split("\n")]
        lines += [f"    {_flat(name)}: {_flat(value)}" for name, value in question.more]
        for place, option in enumerate(question.options, 1):
            words = f": {_flat(option.description)}" if option.description else ""
            lines.append(f"    {place}  {_flat(option.label)}{words}")
            lines += [f"       {_flat(name)}: {_flat(value)}" for name, value in option.more]
    if questions:
        lines.append("  answer with: --answer NUMBER or words, once for each question")
    return lines


def _flat(text: str) -> str:
    return shown(text).replace("\n", "\\n")


def answered(request: PermissionRequest, words: Sequence[str], action: str | None) -> Allow:
    """The answer that allows a request: with what was said to its questions, where it has some.

    Raises CliError where questions and words are not as many.
    """
    questions = questions_of(request)
    chosen = UNSET if action is None else action
    if len(words) != len(questions):
        raise _not_as_many(request, len(questions), len(words))
    if not questions:
        return Allow(selected_action_id=chosen)
    answers = {
        question.text: _answer(question, word.strip())
        for question, word in zip(questions, words, strict=True)
        if word.strip()
    }
    return Allow(
        selected_action_id=chosen,
        updated_input={**given(request.input, {}), "answers": answers},
    )


def how_to_allow(agent: str, request: PermissionRequest) -> str:
    """The command line that allows it; `agent` is an id as people type it."""
    answers = ' --answer "…"' * len(questions_of(request))
    return f"sereno permit allow {agent} {_flat(request.id)}{answers}"


def closed_words(event: PermissionResolved) -> str:
    """What became of a request: `allowed`, `denied`, `withdrawn: the turn was stopped`."""
    withdrawn = given(event.withdrawn, "")
    if withdrawn:
        return f"withdrawn: {_flat(withdrawn)}"
    return "allowed" if isinstance(event.resolution, Allow) else "denied"


def _not_as_many(request: PermissionRequest, asked: int, said: int) -> CliError:
    if not asked:
        return CliError(
            "no_question",
            f"{_flat(request.id)} asks no question",
            "Leave --answer out",
            exits.USAGE,
        )
    many = "1 question" if asked == 1 else f"{asked} questions"
    return CliError(
        "answers_missing",
        f"{_flat(request.id)} asks {many}, and {said or 'no'} --answer was given",
        'Give --answer once for each, in their order; "" leaves one out',
        exits.USAGE,
    )


def _answer(question: Question, word: str) -> str | list[str]:
    """Options by number or label, a comma between several; anything else is the person's words."""
    if not question.several:
        return _option(question, word) or word
    found = [_option(question, part.strip()) for part in word.split(",")]
    known = [each for each in found if each is not None]
    return known if len(known) == len(found) else [_option(question, word) or word]


def _option(question: Question, word: str) -> str | None:
    labels = [option.label for option in question.options]
    if word.isdecimal() and 1 <= int(word) <= len(labels):
        return labels[int(word) - 1]
    return next((label for label in labels if label.casefold() == word.casefold()), None)
