"""The answering of questions as lines of the request panel: pure.

The questions stood whole in the request's text before; here the current one is short enough to
leave the keys on the screen. Called by request_panel_view.py.
"""

from __future__ import annotations

from sereno.tui.lines import Line, fit, wrap
from sereno.tui.widgets.request_panel_questions import Answering, Question
from sereno.tui.widgets.request_panel_text import flat
from sereno.tui.words import cut

__all__ = ["question_lines"]

_QUESTION_LINES = 3


def question_lines(asking: Answering, width: int) -> list[Line]:
    """The question that is looked at with its options, or all answers; the keys come last."""
    question = asking.question
    if question is None:
        return _summary(asking, width)
    lines = _question(asking, question, width)
    mine = asking.picked[asking.index]
    for number, option in enumerate(question.options[:9], 1):
        mark = ("[x] " if option.label in mine else "[ ] ") if question.several else ""
        words = f"  {flat(option.description)}" if option.description else ""
        spans = ((f"{number}  ", "key"), (f"{mark}{flat(option.label)}", ""), (words, "dim"))
        lines.append(fit(spans, width))
    known = [option.label for option in question.options]
    said = [one for one in mine if one not in known]
    if said:
        shown = "***" if question.secret else flat(said[-1])
        lines.append(fit((("   ", ""), (shown, "strong")), width))
    return [*lines, _keys(bool(mine))]


def _question(asking: Answering, question: Question, width: int) -> list[Line]:
    size = len(asking.questions)
    place = f"Question {asking.index + 1} of {size}: " if size > 1 else ""
    told = wrap(place + flat(question.text), width)
    if len(told) > _QUESTION_LINES:
        told = [*told[: _QUESTION_LINES - 1], cut(f"{told[_QUESTION_LINES - 1]}…", width)]
    return [((line, "strong"),) for line in told]


def _keys(answered: bool) -> Line:
    own = (("w", "key"), (" in your own words   ", ""))
    going = "go on" if answered else "leave it out"
    return (*own, ("enter", "key"), (f" {going}   ", ""), ("esc", "key"), (" back", ""))


def _summary(asking: Answering, width: int) -> list[Line]:
    lines: list[Line] = [(("Your answers:", "strong"),)]
    for question, answer in zip(asking.questions, asking.picked, strict=True):
        name = cut(flat(question.header or question.text), max(8, width // 2))
        said = "***" if question.secret and answer else flat(", ".join(answer))
        words = (said, "") if answer else ("not answered", "dim")
        lines += _wrapped(f"{name}: ", words, width)
    send: Line = (("enter", "key"), (" send exactly this   ", ""), ("esc", "key"), (" back", ""))
    return [*lines, send]


def _wrapped(name: str, words: tuple[str, str], width: int) -> list[Line]:
    told = wrap(name + words[0], width)
    first: Line = ((name, "dim"), (told[0][len(name) :], words[1]))
    return [first, *(((line, words[1]),) for line in told[1:])]
