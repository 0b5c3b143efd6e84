"""The second wall (T40, T41): hostile text through every widget that shows words of agents.

Nothing but Textual's own sequences may reach the terminal, markup stays literal, and no action is
registered. The first wall is bypassed on purpose: the raw corpus goes straight into the widgets.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.color import Color
from textual.content import Content
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import (
    DataTable,
    Input,
    Label,
    Log,
    Markdown,
    OptionList,
    RichLog,
    Static,
    TextArea,
    Tree,
)

from sereno.core.protocol.additions import LogLine
from sereno.core.protocol.timeline import (
    AssistantMessage,
    ErrorItem,
    TimelineItem,
    Todo,
    TodoItem,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.tools import ShellDetail
from sereno.tui.app import SerenoApp
from sereno.tui.screens.confirm.screen import Confirm, Question
from sereno.tui.screens.confirm.text import AskText
from sereno.tui.wall import Wall, harmless
from sereno.tui.widgets.choice import Choice, Option
from sereno.tui.widgets.details import Details
from sereno.tui.widgets.rows import Row, RowList
from tests.corpus.hostile import all_texts
from tests.tui import sample
from tests.tui.scenes import settle

SIZE = (100, 30)
CORPUS = "\n".join(text.replace("\n", " ") for text in all_texts() if len(text) < 120)
CLICK = "[@click=app.detach]x[/] [link=https://evil.example]y[/link]"


def raw_of(app: SerenoApp) -> Iterator[Segment]:
    """Every segment of the frame as it goes to the terminal."""
    for screen in app.screen_stack[-2:]:
        for strip in screen._compositor.render_strips():
            yield from strip


def assert_inert(app: SerenoApp) -> str:
    """No control, bidi or surrogate anywhere, no link; returns the text that is shown."""
    shown = []
    for segment in raw_of(app):
        assert not segment.control
        assert segment.style is None or segment.style.link is None, segment
        for character in segment.text:
            category = unicodedata.category(character)
            assert category not in ("Cc", "Cs"), repr(segment.text)
            assert character not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        segment.text.encode()
        shown.append(segment.text)
    return "".join(shown)


@pytest.mark.parametrize("raw", all_texts())
def test_t40_the_filter_leaves_no_control(raw: str) -> None:
    style = Style(link="https://evil.example", bold=True)
    cleaned = Wall().apply([Segment(raw, style)], Color(0, 0, 0))
    for segment in cleaned:
        assert not any(unicodedata.category(each) in ("Cc", "Cs") for each in segment.text)
        assert segment.style is not None
        assert segment.style.link is None
        assert segment.style.bold


@pytest.mark.parametrize("raw", all_texts())
def test_t40_the_width_stays_as_measured(raw: str) -> None:
    line = raw.replace("\n", "").replace("\t", "")
    assert Strip([Segment(harmless(line))]).cell_length == Strip([Segment(line)]).cell_length


def test_t40_plain_text_is_the_same_object() -> None:
    segment = Segment("plain", Style(bold=True))
    assert Wall().apply([segment], Color(0, 0, 0))[0] is segment


def test_t40_control_segments_are_dropped() -> None:
    control = Segment("\x1b[2J", None, [(1,)])  # type: ignore[list-item]
    assert Wall().apply([control, Segment("a")], Color(0, 0, 0)) == [Segment("a")]


def _table() -> Widget:
    table: DataTable[str] = DataTable()
    return table


WIDGETS: dict[str, Callable[[str], Widget]] = {
    "static": lambda text: Static(text, markup=False),
    "label": lambda text: Label(Content(text)),
    "markdown": lambda text: Markdown(text, open_links=False),
    "log": lambda text: Log(),
    "rich log": lambda text: RichLog(markup=False),
    "text area": lambda text: TextArea(text),
    "input": lambda text: Input(text.replace("\n", " ")),
    "placeholder": lambda text: Input(placeholder=text.replace("\n", " ")),
    "table": lambda text: _table(),
    "options": lambda text: OptionList(Content(text[:2000])),
    "tree": lambda text: Tree(Text(text)),
    "rows": lambda text: RowList(),
    "details": lambda text: Details(),
    "choice": lambda text: Choice(box=60),
}


class Bench(Screen[None]):
    """A screen with one widget."""

    def __init__(self, made: Widget, text: str) -> None:
        super().__init__()
        self._made, self._text = made, text

    def compose(self) -> ComposeResult:
        yield self._made

    def on_mount(self) -> None:
        _fill(self._made, self._text)


def _fill(widget: Widget, text: str) -> None:
    match widget:
        case RichLog():
            widget.write(Content(text))
        case Log():
            widget.write(text)
        case DataTable():
            widget.add_column(Text(text[:200]))
            for line in text.split("\n"):
                widget.add_row(Content(line))
        case RowList():
            widget.show([Row(str(n), (((each, ""),),)) for n, each in enumerate(text.split("\n"))])
        case Details():
            widget.show(text[:300], [((each, ""),) for each in text.split("\n")])
        case Choice():
            widget.show([Option("a", text[:300], text[300:600])])
        case _:
            pass
    widget.border_title = Content(text[:300])
    widget.border_subtitle = Content(text[300:600])


@pytest.mark.parametrize("name", WIDGETS)
@pytest.mark.parametrize("text", [CORPUS, CLICK], ids=["corpus", "markup"])
async def test_t40_every_widget_is_behind_the_wall(name: str, text: str) -> None:
    app = sample.app()
    async with app.run_test(size=SIZE) as pilot:
        await app.push_screen(Bench(WIDGETS[name](text), text))
        await pilot.pause()
        assert_inert(app)
        assert_no_action(app)


def assert_no_action(app: SerenoApp) -> None:
    """Nothing on the screen does something when it is clicked because of its text."""
    for segment in raw_of(app):
        meta: dict[str, Any] = {} if segment.style is None else segment.style.meta
        action = meta.get("@click")
        assert action is None or "link(" in str(action), (segment.text, meta)


def hostile_link() -> sample.StillLink:
    """A fleet whose every text is hostile."""
    lines = CORPUS.split("\n")
    agents = []
    for number in range(1, 8):
        words = "".join(lines[number * 7 : number * 7 + 7])
        agents.append(
            sample.agent(
                number,
                CLICK + words,
                status="error" if number == 2 else "running",
                provider=CLICK,
                folder=words,
                model=words,
                last_line=words,
                last_error=words,
                next_step=words,
                pending=[
                    sample.request(number, ShellDetail(command=words), 5, name=CLICK, title=words)
                ]
                if number == 1
                else [],
            )
        )
    items: list[TimelineItem] = [
        UserMessage(text=CORPUS[:400]),
        Todo(items=[TodoItem(text=CORPUS[:300], completed=False)]),
        ErrorItem(message=CORPUS[300:600]),
        ToolCall(
            call_id="t", name=CORPUS[:100], status="completed",
            detail=ShellDetail(command=CORPUS[600:900], output=CORPUS[:2000]),
        ),
        AssistantMessage(text=CLICK + CORPUS),
    ]  # fmt: skip
    link = sample.StillLink(agents, items=dict.fromkeys(range(1, 8), items))
    link.log = [
        LogLine(at=sample.stamp(1), level="error", area=CLICK, text=text)
        for text in CORPUS.split("\n")
    ]
    return link


PLACES = ["", "v", "x", "X", "r", "l", "L", "n", "m", "question_mark", "colon", "enter"]


@pytest.mark.parametrize(
    ("keys", "size"),
    [
        *(([key] if key else [], SIZE) for key in PLACES),
        ([], (60, 20)),
        (["enter"], (60, 20)),
        (["L"], (60, 20)),
    ],
    ids=str,
)
async def test_t40_t41_every_screen_with_a_hostile_fleet(
    keys: list[str], size: tuple[int, int]
) -> None:
    app = sample.app(hostile_link())
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        app.notify(CLICK + CORPUS[:500], title=CLICK + CORPUS[:200], severity="error")
        await pilot.pause()
        assert_inert(app)
        assert_no_action(app)


async def test_t41_markup_in_titles_and_messages_is_literal() -> None:
    link = sample.StillLink([sample.agent(1, CLICK, last_line=CLICK)])
    app = sample.app(link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "[@click=app.detach]" in assert_inert(app)
        app.notify(CLICK, title=CLICK)
        await pilot.pause()
        assert assert_inert(app).count("[@click=app.detach]x[/]") >= 2
        app.push_screen(Confirm(Question(CLICK, (CLICK,), CLICK)))
        await pilot.pause()
        assert "[@click=app.detach]x[/]" in assert_inert(app)
        app.push_screen(AskText(CLICK, CLICK, CLICK))
        await pilot.pause()
        assert "[@click=app.detach]x[/]" in assert_inert(app)
        assert_no_action(app)
