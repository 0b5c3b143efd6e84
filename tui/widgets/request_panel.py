"""The request panel: docked above the composer, one request at a time, answered with care.

It draws request_panel_view.py and feeds keys to request_panel_state.py. It answers by a message;
the app tells the daemon, and the daemon decides whose answer was first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from sereno.core.protocol.permissions import PermissionRequest, PermissionResponse
from sereno.tui.lines import Line
from sereno.tui.palette import Palette
from sereno.tui.widgets.line import paint
from sereno.tui.widgets.request_panel_effects import (
    AskWords,
    Effect,
    Focus,
    Page,
    Purpose,
    Scroll,
    Send,
)
from sereno.tui.widgets.request_panel_phase import END_FIRST
from sereno.tui.widgets.request_panel_state import Desk, Phase
from sereno.tui.widgets.request_panel_view import Facts, Sheet, lay_out, text_lines, text_width

__all__ = ["RequestPanel"]

_LOOK_S = 0.25
"""How often it is asked whether the keyboard may move here, while a request is shown."""

_PLACEHOLDERS: dict[Purpose, str] = {
    "deny": "why not; enter sends it and denies",
    "edit": "the command",
    "answer": "the answer; enter takes it, nothing is sent yet",
}


class _Paper(Widget):
    """The drawn part of the panel; it asks the panel for its lines."""

    DEFAULT_CSS = "_Paper { height: 1fr; width: 1fr; }"

    def __init__(self, panel: RequestPanel) -> None:
        super().__init__()
        self._panel = panel

    def render_line(self, y: int) -> Strip:
        lines = self._panel.sheet.lines
        line: Line = lines[y] if y < len(lines) else ()
        palette: Palette = self.app.palette  # type: ignore[attr-defined]
        return paint(line, self.size.width, palette, self.rich_style)


class RequestPanel(Vertical, can_focus=True):
    """Call `show` with the open requests of the agent whenever they change."""

    DEFAULT_CSS = """
    RequestPanel { height: 0; width: 1fr; max-width: 101; display: none; }
    RequestPanel.-open { display: block; }
    RequestPanel Input { display: none; }
    RequestPanel.-writing Input { display: block; }
    """

    BINDINGS: ClassVar = []

    @dataclass
    class Answered(Message):
        """The person decided; bound to the request that was on the screen."""

        request_id: str
        response: PermissionResponse

    @dataclass
    class Gone(Message):
        """A request that was open is not any more; `ours`: an answer from here was on its way."""

        request_id: str
        ours: bool

    @dataclass
    class PagerWanted(Message):
        request: PermissionRequest

    class Stands(Message):
        """Other keys work now: the footer should say so."""

    @dataclass
    class FocusWanted(Message):
        """Where the keyboard should go: to "panel" or "composer"."""

        where: str

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        may_focus: Callable[[], bool],
        room: Callable[[], tuple[int, int]],
        id: str,  # noqa: A002
    ) -> None:
        """`may_focus`: nothing stands over the panel and the composer is empty.

        `room`: how many lines the panel may take, and how many where its text needs them.
        """
        super().__init__(id=id)
        self.desk = Desk()
        self.sheet = Sheet()
        self.facts = Facts()
        self._monotonic = monotonic
        self._may_focus = may_focus
        self._room = room
        self._top = 0
        self.fills = False
        """It takes all the lines that it may."""
        self._known: tuple[str, ...] = ()
        self._stood: tuple[object, ...] = ()
        self._text: tuple[object, list[Line]] = (None, [])
        self._purpose: AskWords | None = None
        self._wake: Timer | None = None
        self._look: Timer | None = None

    def compose(self) -> ComposeResult:
        yield _Paper(self)
        yield Input(id="request-words", select_on_focus=False)

    # -- what the screen says ------------------------------------------------------------------

    def show(self, requests: Sequence[PermissionRequest], facts: Facts) -> None:
        """The open requests, oldest first, and our words about the one that is looked at."""
        before = self.desk.current
        sent = self.desk.phase is Phase.SENT
        ids = tuple(request.id for request in requests)
        self.facts = facts
        effects = self.desk.update(self._monotonic(), requests)
        if self.desk.current is not before:
            self._top = 0
            self._end_writing()
        for gone in self._known:
            if gone not in ids:
                ours = sent and before is not None and before.id == gone
                self.post_message(self.Gone(gone, ours))
        self._known = ids
        self._carry_out(effects)
        self.draw()

    def wake(self) -> None:
        """`ctrl+g`: the keyboard comes here; in the panel, on to the next request."""
        now = self._monotonic()
        if self.has_focus and self.desk.phase is Phase.ASKING:
            effects = self.desk.next_request(now)
            self._top = 0 if effects else self._top
        else:
            effects = self.desk.take_keyboard(now)
        self._carry_out(effects)
        self.draw()

    def answer_failed(self, request_id: str, words: str) -> None:
        self._carry_out(self.desk.failed(self._monotonic(), request_id, words))
        self.draw()

    def typed(self, key: str = "") -> None:
        """A key or a paste went to something else on the screen."""
        self.desk.typed(self._monotonic(), key)

    def end_seen(self) -> None:
        """The pager showed the text to its end."""
        self._saw_end()
        self.draw()

    def _saw_end(self) -> None:
        """What was said about that is done, too."""
        self.desk.end_seen = True
        if self.desk.remark.endswith(END_FIRST):
            self.desk.remark = ""

    # -- drawing -------------------------------------------------------------------------------

    def draw(self) -> None:
        """Lays the panel out anew. Called when anything changed, time included."""
        if not self.is_attached or not self.screen.display:
            return  # The screen is going: what stands around this may have gone already.
        desk = self.desk
        width = min(101, self.parent.size.width if isinstance(self.parent, Widget) else 100)
        writing = desk.phase is Phase.WRITING
        height, most = (max(3, rows - (1 if writing else 0)) for rows in self._room())
        self.sheet = lay_out(
            desk,
            self.facts,
            self._text_lines(width),
            self._top,
            width=width,
            height=height,
            most=most,
            now=self._monotonic(),
        )
        self._top = self.sheet.top
        shown = desk.phase not in (Phase.EMPTY, Phase.PUT_OFF)
        if shown and self.sheet.at_end and not desk.end_seen and self._is_whole():
            self._saw_end()
            self.call_next(self.draw)
        self.styles.height = len(self.sheet.lines) + (1 if writing else 0)
        self.set_class(desk.phase is not Phase.EMPTY, "-open")
        self.set_class(writing, "-writing")
        for paper in self.query(_Paper):
            paper.refresh()
        self.fills = height < most and len(self.sheet.lines) >= most
        stands = (desk.phase, desk.may_allow, desk.end_seen, desk.current, self.fills)
        if stands != self._stood:
            self._stood = stands
            self.post_message(self.Stands())
        self._set_timers()

    def _is_whole(self) -> bool:
        """Whether every line of the panel is on the screen, not only laid out."""
        if not self.screen.is_current or not self.size.height:
            return False
        seen = self.screen.find_widget(self).visible_region
        return seen.height >= len(self.sheet.lines)

    def _text_lines(self, width: int) -> list[Line]:
        request = self.desk.current
        if request is None:
            return []
        stamp = (request, width)
        if self._text[0] != stamp:
            self._text = (stamp, text_lines(request, text_width(width)))
        return self._text[1]

    def _set_timers(self) -> None:
        """One timer for the next moment at which something changes by itself."""
        now = self._monotonic()
        desk = self.desk
        moments = [desk.wake_at] if desk.wake_at is not None else []
        if desk.gate.is_dead(now) and desk.phase is not Phase.SHOWN:
            moments.append(desk.gate.dead_until)
        if self._wake is not None:
            self._wake.stop()
            self._wake = None
        if moments:
            self._wake = self.set_timer(max(0.02, min(moments) - now + 0.005), self._woken)
        waiting = desk.phase is Phase.SHOWN
        if waiting and self._look is None:
            self._look = self.set_interval(_LOOK_S, self._look_around)
        elif not waiting and self._look is not None:
            self._look.stop()
            self._look = None

    def _woken(self) -> None:
        self._wake = None
        self._carry_out(self.desk.tick(self._monotonic()))
        self.draw()

    def _look_around(self) -> None:
        """Rule 3: the keyboard moves here only when nobody types."""
        now = self._monotonic()
        if self.desk.may_take_keyboard(now, composer_empty=self._may_focus()):
            self._carry_out(self.desk.take_keyboard(now))
            self.draw()

    def on_resize(self, event: events.Resize) -> None:
        del event
        self.draw()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport, width
        return len(self.sheet.lines)

    # -- keys ----------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Every key stays here: none falls through to what the screen would do with it."""
        if self.desk.phase is Phase.WRITING:
            self.desk.typed(self._monotonic(), event.key)
            if event.key == "escape":
                event.stop()
                event.prevent_default()
                self._words(None)
            return
        if event.key in ("f1", "f2", "f8", "ctrl+l"):
            return
        event.stop()
        event.prevent_default()
        key = event.character if event.is_printable and event.character else event.key
        key = "space" if key == " " else key
        self._carry_out(self.desk.key(self._monotonic(), key))
        self.draw()

    def on_paste(self, event: events.Paste) -> None:
        if self.desk.phase is not Phase.WRITING:
            event.stop()
            event.prevent_default()
            self.desk.pasted(self._monotonic())
            self.draw()

    def on_focus(self) -> None:
        self._carry_out(
            effect
            for effect in self.desk.take_keyboard(self._monotonic())
            if not isinstance(effect, Focus)
        )
        self.draw()

    def on_blur(self) -> None:
        if self.desk.phase is not Phase.WRITING:
            self.desk.lost_keyboard()
            self.draw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(Scroll(2))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(Scroll(-2))

    # -- effects -------------------------------------------------------------------------------

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(request_id=request_id, response=response):
                    self.post_message(self.Answered(request_id, response))
                case Focus(where=where):
                    self.post_message(self.FocusWanted(where))
                case AskWords():
                    self._begin_writing(effect)
                case Page():
                    if self.desk.current is not None:
                        self.post_message(self.PagerWanted(self.desk.current))
                case Scroll():
                    self._scroll(effect)

    def _scroll(self, scroll: Scroll) -> None:
        rows = max(1, self.sheet.rows - 1)
        self._top = max(0, self._top + scroll.lines * (rows if scroll.whole else 1))
        self.draw()

    def _begin_writing(self, ask: AskWords) -> None:
        self._purpose = ask
        field = self.query_one(Input)
        field.value = ask.start
        field.placeholder = _PLACEHOLDERS[ask.purpose]
        field.password = ask.secret
        self.add_class("-writing")
        field.focus()

    def _end_writing(self) -> None:
        self._purpose = None
        self.remove_class("-writing")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._words(event.value)

    def _words(self, text: str | None) -> None:
        purpose = self._purpose
        if purpose is None:
            return
        self._end_writing()
        self._carry_out(self.desk.words(self._monotonic(), purpose.purpose, text))
        self.post_message(self.FocusWanted("panel"))
        self.draw()
