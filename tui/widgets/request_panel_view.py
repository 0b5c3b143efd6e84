"""The request panel as lines: the judged text in its gutter, our facts, the keys. Pure.

What the agent will do stands right of a bar, what it says about it right of a dot; nothing else has
either, so that no text of its can pass for a line of the panel (T43). Only that text scrolls; facts
and keys are never cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sereno.core.protocol.permissions import PermissionAction, PermissionRequest
from sereno.tui.denial import takes_words
from sereno.tui.lines import RULE, Line, fit, ruled, width_of, wrap
from sereno.tui.widgets.request_panel_answers import question_lines
from sereno.tui.widgets.request_panel_questions import questions_of
from sereno.tui.widgets.request_panel_state import Desk, Phase
from sereno.tui.widgets.request_panel_text import AskedLine, asked_text, editable, flat, heading
from sereno.tui.words import cut

__all__ = ["Facts", "Sheet", "lay_out", "short_id", "text_lines"]

NARROW = 80
BAR = "┃ "
SAYS = "· "
_WRITING = {
    "deny": "Denied, with these words for the agent:",
    "edit": "Allowed once, with this command instead:",
    "answer": "In your own words:",
}
_LONGER = "allow for longer ..."
_UNTIL_THE_END = "until the session ends"
_BEYOND = "may outlive the session"
"""How long an answer holds that covers more than this request."""
_TEXT_ROWS = 8
"""So much of a long text is seen before anything else, the talk above included (rule 5)."""
_LABEL_CELLS = 12
_LABEL_CELLS_NARROW = 9
_STYLES = {
    "text": "",
    "added": "added",
    "removed": "removed",
    "label": "dim",
    "quote": "dim",
    "warning": "failed",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Our own words beside the request; (label, words), the last ones go first when it is tight."""

    since: str = ""
    place: tuple[int, int] = (0, 0)
    """Which of how many requests it is, those of all agents counted."""
    rows: tuple[tuple[str, str], ...] = ()
    first_time: bool = False
    """Nobody has answered a request on this screen yet: one line explains the keys."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The panel laid out. `rows` of the text are seen from `top` on, of `total` rows."""

    lines: tuple[Line, ...] = ()
    rows: int = 0
    total: int = 0
    top: int = field(default=0)

    @property
    def at_end(self) -> bool:
        return self.total > 0 and self.rows > 0 and self.top + self.rows >= self.total


@dataclass(frozen=True, slots=True)
class _Tight:
    """What is still shown beside the text and the keys, which never go."""

    blanks: bool
    last_blank: bool
    facts: int


_EASY = (
    _Tight(blanks=True, last_blank=True, facts=9),
    _Tight(blanks=True, last_blank=False, facts=9),
    _Tight(blanks=False, last_blank=False, facts=9),
)
_TIGHTER = tuple(_Tight(blanks=False, last_blank=False, facts=facts) for facts in (9, 3, 2, 1))
"""The first fact, where it happens, always stays: the decision depends on it (rule 5)."""


def short_id(request: PermissionRequest) -> str:
    return cut(flat(request.id), 12)


def text_lines(request: PermissionRequest, width: int) -> list[Line]:
    """The judged text, wrapped: arguments behind the bar, the agent's words behind the dot."""
    return [line for asked in asked_text(request) for line in _barred(asked, width)]


def _barred(asked: AskedLine, width: int) -> list[Line]:
    style = _STYLES[asked.kind]
    # The bar stands before what will be done, and before nothing else: words of the agent are no
    # arguments, and who reads only the end must not take them for some (T43).
    bar = {"label": ("  ", ""), "quote": (SAYS, "dim")}.get(asked.kind, (BAR, "asks-line"))
    return [(bar, (part, style)) for part in wrap(asked.text, max(4, width - 2)) or [""]]


def lay_out(
    desk: Desk,
    facts: Facts,
    text: list[Line],
    top: int,
    *,
    width: int,
    height: int,
    now: float,
    most: int = 0,
) -> Sheet:
    """The panel in `height` lines: blank lines go first where the text needs the room.

    Where that is not enough it takes up to `most` lines from what stands above it, then the last
    facts go. `text`: `text_lines` of the current request at `text_width(width)`.
    """
    request = desk.current
    if request is None:
        return Sheet()
    if desk.phase is Phase.PUT_OFF:
        return Sheet(lines=(_put_off_line(desk, facts, width),))
    narrow = width < NARROW
    below = _foot(desk, width, narrow)
    most = max(height, most)
    for limit, tight in (*((height, each) for each in _EASY), *((most, each) for each in _TIGHTER)):
        above: list[Line] = [()] if tight.blanks else []
        under = _under(desk, facts, below, now, width=width, narrow=narrow, tight=tight)
        frame = 1 if narrow else 2
        room = limit - len(above) - len(under) - frame - 1
        if room >= min(len(text), _TEXT_ROWS):
            break
    rows = max(1, min(len(text), room))
    top = max(0, min(top, len(text) - rows))
    seen = [*text[top : top + rows], _where(rows, top, len(text), width)]
    inside = [*above, *([] if desk.answering is not None else seen), *under]
    title = f"Request {short_id(request)}: {heading(request)}"
    lines = _framed(inside, title, _right(facts), width, narrow)
    if len(lines) > most:  # Too small to decide in: nothing counts as seen.
        return Sheet(tuple(lines[:most]), 0, len(text), top)
    return Sheet(tuple(lines), rows, len(text), top)


def text_width(width: int) -> int:
    """Cells for the judged text, its bar included, in a panel of `width` cells."""
    return width - 1 if width < NARROW else width - 8


def _right(facts: Facts) -> str:
    number, size = facts.place
    place = f"{number} of {size}" if size > 1 else ""
    return "   ".join(part for part in (place, facts.since) if part)


def _put_off_line(desk: Desk, facts: Facts, width: int) -> Line:
    waiting = max(len(desk.queue), facts.place[1])
    words = "1 request waits" if waiting == 1 else f"{waiting} requests wait"
    head: Line = ((" ! ", "asks"), (words, ""))
    more = ": the agent goes on when you decide"
    if width_of(head) + len(more) + 10 <= width:
        head = (*head, (more, "dim"))
    return fit((*head, ("   ", ""), ("ctrl+g", "key")), width)


def _where(rows: int, top: int, total: int, width: int) -> Line:
    if rows >= total:
        words, style = "whole text shown", "dim"
    elif top + rows >= total:
        words, style = f"end of {total} lines   k, page up: back", "dim"
    else:
        words, style = f"line {top + rows} of {total}   more: space, j   v pager", "asks"
    pad = max(0, text_width(width) - len(words) - 1)
    return ((" " * pad, ""), (words, style))


def _under(
    desk: Desk,
    facts: Facts,
    foot: list[Line],
    now: float,
    *,
    width: int,
    narrow: bool,
    tight: _Tight,
) -> list[Line]:
    blank: list[Line] = [()] if tight.blanks else []
    last: list[Line] = [()] if tight.last_blank and not narrow else []
    rows = facts.rows[: tight.facts]
    if desk.phase in (Phase.CHOOSING, Phase.CONFIRMING) or desk.answering is not None:
        rows = ()
    said = [line for label, words in rows for line in _fact(label, words, width, narrow)]
    remark = _remark(desk, facts, width, now)
    return [*blank, *said, *(blank if said else []), *foot, *last, *remark]


def _fact(label: str, words: str, width: int, narrow: bool) -> list[Line]:
    cells = _LABEL_CELLS_NARROW if narrow else _LABEL_CELLS
    parts = wrap(words, text_width(width) - cells)
    return [
        ((label.ljust(cells) if index == 0 else " " * cells, "dim"), (part, ""))
        for index, part in enumerate(parts)
    ]


def _remark(desk: Desk, facts: Facts, width: int, now: float) -> list[Line]:
    """What is said under the keys: always a line, so that they stay where they are."""
    words, style = "", "asks"
    if desk.phase is Phase.WRITING:
        pass
    elif desk.phase is Phase.SENT:
        words, style = "The answer is on its way.", "dim"
    elif desk.remark:
        words = desk.remark
    elif desk.phase is Phase.SHOWN:
        return [(("ctrl+g", "key"), (" or ", "dim"), ("tab", "key"), (" to answer", "dim"))]
    elif desk.gate.is_dead(now):
        words = "Keys work in 0.6 s: this has just appeared."
    elif facts.first_time and desk.phase is Phase.ASKING:
        words, style = "y lets it do this one thing; n says no, and the agent goes on.", "dim"
    return [((line, style),) for line in wrap(words, text_width(width) - 1)] or [()]


def _foot(desk: Desk, width: int, narrow: bool) -> list[Line]:
    match desk.phase:
        case Phase.CHOOSING:
            return _choosing(desk, text_width(width))
        case Phase.CONFIRMING:
            return _confirming(desk, width)
        case Phase.SENT:
            return []
        case Phase.ANSWERING if desk.answering is not None:
            return question_lines(desk.answering, text_width(width) - 1)
        case Phase.WRITING:
            above = (
                [] if desk.answering is None else question_lines(desk.answering, text_width(width))
            )
            return [*above[:-1], ((_WRITING[desk.writing], "strong"),)]
        case _:
            return _keys(desk, width, narrow)


def _keys(desk: Desk, width: int, narrow: bool) -> list[Line]:
    answers = desk.answers
    allow = "allow once" if answers.can_allow else "cannot be allowed once"
    off = not answers.can_allow or not desk.end_seen
    if desk.current is not None and questions_of(desk.current):
        allow = "answer ..." if desk.end_seen else "answer: first see the end"
    elif answers.can_allow and not desk.end_seen:
        allow = "allow: first see the end"
    left = [("y", allow, off), ("n", "deny", False)]
    if answers.standing:
        words = "allow for this session ..." if all(map(_ends, answers.standing)) else _LONGER
        left.append(("s", words, not desk.end_seen))
    if desk.current is None or takes_words(desk.current):
        left.append(("r", "deny and say why ...", False))
    if desk.current is not None and editable(desk.current) is not None:
        left.append(("e", "edit before it runs ..." if not narrow else "edit first ...", False))
    if answers.others:
        left.append(("o", "other answers ...", False))
    left.append(("esc", "decide later" if width < 92 else "decide later: the agent waits", False))
    half = 28 if narrow else min(42, (width - 7) // 2)
    cells = [_key(name, words, off_, half) for name, words, off_ in left]
    return [
        (*cells[index], *(cells[index + 1] if index + 1 < len(cells) else ()))
        for index in range(0, len(cells), 2)
    ]


def _key(name: str, words: str, off: bool, cells: int) -> Line:
    spans: Line = ((name.ljust(5 if len(name) > 1 else 3), "dim" if off else "key"),)
    return fit((*spans, (words, "dim" if off else "")), cells)


def _ends(option: PermissionAction) -> bool:
    """Whether it is known to hold no longer than the agent's session."""
    return option.lasts == "session"


def _choosing(desk: Desk, width: int) -> list[Line]:
    longer = desk.options == desk.answers.standing[:9]
    head = "Allow for longer:" if longer else "Which of the agent's answers?"
    lines: list[Line] = [((head, "strong"),)]
    for number, option in enumerate(desk.options, 1):
        mark: str = option.behavior
        if option.standing is True:
            mark = _UNTIL_THE_END if _ends(option) else _BEYOND
        name: Line = ((f"{number}  ", "key"), (flat(option.label), ""))
        cells = max(12, width - len(mark) - 4)
        lines.append(
            (*(name if width_of(name) <= cells else fit(name, cells)), (f"  ({mark})", "dim"))
        )
    return [*lines, (("esc  ", "key"), ("back", ""))]


def _confirming(desk: Desk, width: int) -> list[Line]:
    option = desk.option
    if option is None:
        return []
    verb = "allows" if option.behavior == "allow" else "denies"
    covers = "this request"
    if option.standing is True:
        covers = f"more than this request, {_UNTIL_THE_END if _ends(option) else _BEYOND}"
    rows = [
        ("answer", f"{flat(option.label)}"),
        ("sent as", f"{flat(option.id)}, which {verb}"),
        ("covers", covers),
    ]
    lines = [line for label, words in rows for line in _fact(label, words, width, width < NARROW)]
    return [
        *lines,
        (("enter ", "key"), ("send exactly this     ", ""), ("esc ", "key"), ("back", "")),
    ]


def _framed(inside: list[Line], title: str, right: str, width: int, narrow: bool) -> list[Line]:
    if narrow:
        head: Line = ((" ", ""), (title, "asks"))
        gap = max(1, width - width_of(head) - len(right) - 1)
        return [(*head, (" " * gap, ""), (right, "dim")), *(((" ", ""), *line) for line in inside)]
    top = ruled(
        (("┌ ", "asks-line"), (title, "asks"), (" ", "")),
        ((right, "dim"), (" ┐", "asks-line")),
        width,
    )
    body: list[Line] = [
        (("│   ", "asks-line"), *fit(line, width - 7), ("  │", "asks-line")) for line in inside
    ]
    bottom: Line = ((f"└{RULE * (width - 2)}┘", "asks-line"),)
    return [top, *body, bottom]
