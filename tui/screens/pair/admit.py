"""The question before somebody is let in: who, as what, what they get; `y` and `n`.

As careful as a request for permission (T43, T44): its keys are dead for 0.6 s, a held key and a
burst of keys answer nothing, `enter` does nothing. What comes of the answer is the daemon's word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from sereno.core.protocol.pairing import Question
from sereno.tui import pairing_words as words
from sereno.tui.keys import key
from sereno.tui.pairing_news import Made
from sereno.tui.widgets.choice import Choice, Option
from sereno.tui.widgets.field import Field
from sereno.tui.widgets.request_panel_gate import BURST_S, KeyGate, Verdict
from sereno.tui.widgets.request_panel_phase import REMARKS

if TYPE_CHECKING:
    from sereno.tui.app import SerenoApp

__all__ = ["OPTIONS", "Admit", "Answer"]

OPTIONS = tuple(Option(each, each, told) for each, told in words.RIGHTS.items())
_PLAIN = tuple(Option(each, each) for each in words.RIGHTS)
_AS_OFFERED = Option("", "as offered")


@dataclass(frozen=True, slots=True)
class Answer:
    """`name`, `rights`: empty for what the offer said."""

    allow: bool
    name: str
    rights: str


class _Panel(Vertical, can_focus=True):
    """Has the keyboard until a field is gone to."""


class Admit(ModalScreen[Answer]):
    """The answer; None: later."""

    CSS_PATH = "screen.tcss"
    AUTO_FOCUS = "#panel"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("y", "answer(True)", "let it in", "admit.yes"),
        key("n", "answer(False)", "refuse: the offer is dead", "admit.no"),
        key("tab", "app.focus_next", "name, rights", "admit.next"),
        key("shift+tab", "app.focus_previous", "field before", "admit.previous"),
        key("escape", "leave", "decide later", "admit.leave"),
    ]

    def __init__(self, question: Question, made: Made | None) -> None:
        """`made`: the offer by which they came, where it was made here."""
        super().__init__()
        self.question = question
        self._made = made
        self._gate = KeyGate()
        self._verdict = Verdict.DEAD
        self._armed: Timer | None = None

    @property
    def sereno(self) -> SerenoApp:
        return cast("SerenoApp", self.app)

    def compose(self) -> ComposeResult:
        asked = self.question
        with _Panel(id="panel") as panel:
            panel.border_title = Content(f"{words.kind_of(asked.kind)} wants in. Let it in?")
            yield self._line("Says it is", self._who(), "who")
            if asked.words:
                yield self._line("Words", self._words(), "words")
            name = self._made.name if self._made else ""
            yield self._row("Name", Field(name, id="name", placeholder="as the offer said"))
            yield self._row("May", Choice(box=16, id="rights"))
            yield self._line("", "", id="grants")
            yield self._line("Not", words.WITHHELD)
            yield self._line("Relay", words.relay_could(asked.kind))
            yield Static("", id="remark", markup=False)
            yield Static(self._keys(), id="keys")

    def renew(self, question: Question) -> None:
        """The same question as it stands now. Other words, of another handshake, are to be read
        before a key counts."""
        if not self.is_mounted or question == self.question:
            return
        other = question.words != self.question.words
        self.question = question
        self.query_one("#who", Static).update(self._who())
        if other and self.query("#words"):
            self.query_one("#words", Static).update(self._words())
            self._disarm()
            self._gate.restart(self.sereno.monotonic())

    def _who(self) -> Content:
        asked = self.question
        here = "" if asked.waiting else "   left again; a yes counts when it comes back"
        return Content.assemble((words.who(asked), "bold $foreground"), (here, "$need-asks"))

    def _words(self) -> Content:
        told = "   ".join(map(words.told, self.question.words))
        same = "      the other side must show the same" if self.app.size.width >= 80 else ""
        return Content.assemble((told, "bold $foreground"), same)

    @staticmethod
    def _row(label: str, widget: Widget) -> Horizontal:
        return Horizontal(Static(label, classes="label", markup=False), widget, classes="field")

    @staticmethod
    def _line(label: str, text: str | Content, id: str | None = None) -> Horizontal:  # noqa: A002
        told = Static(text, classes="told", markup=False, id=id)
        return Horizontal(Static(label, classes="label", markup=False), told, classes="facts")

    def _keys(self) -> Content:
        same = "let it in: same words" if self.question.words else "let it in"
        named = (
            (self.sereno.key_of("admit.yes", "y"), same),
            (self.sereno.key_of("admit.no", "n"), "refuse"),
            (self.sereno.key_of("admit.next", "tab"), "name, rights"),
            (self.sereno.key_of("admit.leave", "esc"), "later"),
        )
        parts = [part for name, does in named for part in ((name, "bold"), f" {does}   ")]
        return Content.assemble(*parts)

    @on(Choice.Chosen)
    def _chosen(self) -> None:
        """What the rights come to, whole."""
        option = self.query_one("#rights", Choice).option
        told = words.RIGHTS.get(option.value if option else "", "what the offer said")
        self.query_one("#grants", Static).update(Content(told))

    def on_mount(self) -> None:
        rights = self.query_one("#rights", Choice)
        if self._made is not None:
            rights.show(_PLAIN, self._made.rights)
        else:
            rights.show((_AS_OFFERED, *_PLAIN))
        self._chosen()
        self._gate.restart(self.sereno.monotonic())

    # -- keys ----------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Every key that no field took, before what it is bound to."""
        self._disarm()
        self._verdict = self._gate.press(self.sereno.monotonic(), event.key)
        self._remark(REMARKS.get(self._verdict, ""))

    def on_paste(self) -> None:
        self._disarm()
        self._gate.restart(self.sereno.monotonic())

    def on_descendant_focus(self) -> None:
        """Back from a field: what was meant for it answers nothing."""
        self._disarm()
        self._gate.restart(self.sereno.monotonic())

    @on(Input.Changed)
    def _typed(self) -> None:
        self._gate.typed(self.sereno.monotonic())

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#panel").focus()

    def _disarm(self) -> None:
        if self._armed is not None:
            self._armed.stop()
            self._armed = None

    def _remark(self, text: str) -> None:
        told = self.query_one("#remark", Static)
        told.update(Content(text))
        told.display = bool(text)

    def action_answer(self, allow: bool) -> None:
        """Counts once no other key came with it."""
        if self._verdict is Verdict.COUNTS:
            self._wait(allow, self.sereno.monotonic() + BURST_S)

    def _wait(self, allow: bool, until: float) -> None:
        """By the clock that judges keys: a timer may come late, and with it keys that were not."""
        left = max(0.01, until - self.sereno.monotonic())
        self._armed = self.set_timer(left, lambda: self._answer(allow, until))

    def _answer(self, allow: bool, until: float) -> None:
        if self._armed is None or not self.is_current:
            return
        if self.sereno.monotonic() < until:
            self._wait(allow, until)
        else:
            name = self.query_one("#name", Input).value.strip()
            self.dismiss(Answer(allow, name, self.query_one("#rights", Choice).value))

    def action_leave(self) -> None:
        self._disarm()
        self.dismiss(None)
