"""Pairing: what for, the code to scan, and who came by it.

The link is told to this app once and is shown until it is used, hidden or dead. Leaving changes
nothing: an offer stays open until it expires, and the security screen lists it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import ClassVar

from msgspec import structs
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input
from textual.worker import Worker

from sereno.core.home.errors import HomeError
from sereno.core.home.files import atomic_write
from sereno.core.protocol.pairing import AnswerQuestion, Offer, OfferPairing
from sereno.core.protocol.values import UNSET
from sereno.tui import pairing_link as asking
from sereno.tui import pairing_questions as questions
from sereno.tui import pairing_words as words
from sereno.tui.keys import key
from sereno.tui.lines import Line
from sereno.tui.link_api import ActError
from sereno.tui.pairing_news import Made, PairingNews, is_open, knock_words
from sereno.tui.qr import Code, code_of, image_of
from sereno.tui.screens.agent.parts import Lines
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.confirm.screen import Confirm
from sereno.tui.screens.pair import view
from sereno.tui.screens.pair.admit import Admit, Answer
from sereno.tui.screens.pair.form import Form
from sereno.tui.screens.pair.keys import PairFooter, allowed, footer_keys
from sereno.tui.screens.pair.paper import Paper
from sereno.tui.screens.pair.view import Sight, Stage
from sereno.tui.widgets.header import Header
from sereno.tui.words import count

__all__ = ["HIDE_S", "IMAGE", "PairScreen"]

HIDE_S = 60
"""Seconds without a key, after which the code is hidden."""
IMAGE = "pair.png"
"""In the home; removed when the offer is over."""


class PairScreen(SerenoScreen[None]):
    """Of the daemon of this home; `esc` goes back."""

    CSS_PATH = "screen.tcss"
    PLACE = "pair"
    AUTO_FOCUS = "#kind"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "draw", "make the code; show it again", "pair.draw"),
        key("h", "hide", "hide the code", "pair.hide"),
        key("l", "link", "the link as text", "pair.link"),
        key("c", "copy", "copy the link", "pair.copy"),
        key("s", "image", "the code as an image, in a file", "pair.image"),
        key("x", "end", "end this offer ...", "pair.end"),
        key("n", "new", "another code", "pair.new"),
        key("a", "answer", "answer who wants in", "pair.answer"),
        key("D", "devices", "devices", "pair.devices"),
        key("escape", "back", "back, an offer stays open", "pair.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._offer: Offer | None = None
        self._made: Made | None = None
        self._code: Code | None = None
        self._hidden = self._as_text = self._busy = False
        self._idle = 0
        self._put_off: set[str] = set()
        self._trouble = ""

    @property
    def news(self) -> PairingNews:
        return self.sereno.pairing

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        with Vertical(id="form"):
            yield Form()
        yield Paper()
        yield Lines(id="trouble")
        yield PairFooter(id="footer")

    def on_mount(self) -> None:
        self.news.listen(self._told)
        mine = [
            (each, self.news.made[each.id])
            for each in (self.news.state.offers if self.news.state else [])
            if each.id in self.news.made and is_open(each)
        ]
        if mine:
            self._take(*mine[-1])
        self._show()
        self._do(self._look())

    def on_unmount(self) -> None:
        self.news.forget(self._told)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        super().on_screen_resume(event)
        self.call_after_refresh(self._told)

    def on_key(self) -> None:
        self._idle = 0

    def clock_ticked(self) -> None:
        """A second passed: less is left, and nobody may be looking any more."""
        self._idle += 1
        if self._idle >= HIDE_S and self.stage in (Stage.CODE, Stage.LINK, Stage.SMALL):
            self._hidden = True
        self._told()

    # -- what is known -------------------------------------------------------------------------

    @property
    def stage(self) -> Stage:
        return view.stage(self._sight(), hidden=self._hidden, as_text=self._as_text)

    def _sight(self) -> Sight | None:
        offer, made, code, state = self._offer, self._made, self._code, self.news.state
        if offer is None or made is None or code is None:
            return None
        devices = state.devices if state is not None else []
        return Sight(
            offer=offer,
            code=code,
            url=made.url,
            relay=state.relay if state is not None else None,
            rights=made.rights,
            typed=made.typed,
            device=next((each for each in devices if each.id == offer.device_id), None),
            image=str(made.image or ""),
            now_ms=self.now_ms(),
            width=self.size.width,
            height=self.size.height,
        )

    def _take(self, offer: Offer, made: Made) -> None:
        """This offer is shown from now on."""
        self._offer, self._made, self._code = offer, made, code_of(made.url)
        self._hidden = self._as_text = False
        self._idle = 0
        self.query_one(Paper).focus()

    def _told(self) -> None:
        """Something changed: the offer is looked up again, and who knocks is asked about."""
        if not self.is_mounted:
            return
        if self._offer is not None:
            self._offer = self.news.offer(self._offer.id) or self._offer
        self._show()
        self._renew()
        waiting = self.news.question
        typing = isinstance(self.focused, Input)
        if waiting is not None and waiting.id not in self._put_off and not typing:
            self.action_answer()

    def _renew(self) -> None:
        """The question that is on the screen, as it stands now."""
        asks, state = self.app.screen, self.news.state
        if isinstance(asks, Admit) and state is not None:
            for each in state.questions:
                if each.id == asks.question.id:
                    asks.renew(each)

    # -- showing -------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.is_mounted:
            return
        sight, at = self._sight(), self.stage
        bare, lines, left = at is Stage.CODE, list[Line](), ""
        self._show_header(bare)
        barred = self._trouble == words.ELSEWHERE
        self.query_one("#form").display = at is Stage.CHOICE and not barred
        paper = self.query_one(Paper)
        paper.display = at is not Stage.CHOICE
        if sight is not None:
            lines = view.beside_code(sight) if bare else view.message_lines(sight, at)
            paper.show(lines, sight.code if bare else None)
            left = "" if lines else view.left_words(sight.offer, sight.now_ms)
        told = self._trouble or self._knock()
        self.query_one("#trouble", Lines).show(view.trouble(told, self.size.width))
        footer = self.query_one("#footer", PairFooter)
        footer.be(bare=bare, left=left)
        asks = self.news.question is not None
        keys = footer_keys(at, sight, asks=asks, image=self.sereno.logs is not None)
        footer.show([("esc", "back"), ("?", "keys")] if barred else keys)
        if at is Stage.CHOICE:
            self.query_one(Form).tell(self.news.state)

    def _show_header(self, bare: bool) -> None:
        header = self.query_one("#header", Header)
        header.display = not bare
        state = self.news.state
        right: Line = ()
        if state is not None:
            right = ((f"{count(len(state.devices), 'device')} paired", "dim"),)
        header.show((("sereno", "strong"), ("  pair a device", "")), right)

    def _knock(self) -> str:
        """Who waits, while the question is not on the screen."""
        state = self.news.state
        told = knock_words(state.questions if state is not None else [])
        return f"{told}. {self.sereno.key_of('pair.answer', 'a')} answers." if told else ""

    # -- asking the daemon ---------------------------------------------------------------------

    def _do(self, work: Coroutine[None, None, None]) -> None:
        _: Worker[None] = self.run_worker(self._try(work), group="acts", exit_on_error=False)

    async def _try(self, work: Coroutine[None, None, None]) -> None:
        """What goes wrong is said on the screen until the next thing is done."""
        self._trouble = ""
        try:
            await work
        except ActError as error:
            self._trouble = words.trouble(str(error), self.model.connection.remote)
        except HomeError as error:
            self._trouble = f"{error.message} {error.next_step}"
        self._told()

    async def _look(self) -> None:
        await self.news.look()

    async def _make(self, request: OfferPairing) -> None:
        self._busy = True
        try:
            reply = await asking.offer(self.sereno.link, request)
        except asking.RelayOff:
            self._ask_relay(request)
            return
        finally:
            self._busy = False
        assert reply.offer is not None
        made = Made(reply.url or "", request.name, request.rights, reply.typed or "")
        self.news.made[reply.offer.id] = made
        await self.news.look()
        self._take(reply.offer, made)

    def _ask_relay(self, request: OfferPairing) -> None:
        """What becomes possible with it is said before it is switched on."""
        state = self.news.state

        def answered(sure: bool | None) -> None:
            if sure:
                self._do(self._make(structs.replace(request, enable_relay=True)))

        if state is not None:
            self.app.push_screen(Confirm(questions.relay_on(state.relay)), answered)

    # -- what the keys do ----------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Each key only where it does something: the help shows no other."""
        if action == "answer":
            return self.news.question is not None
        if action == "image" and self.sereno.logs is None:
            return False
        allows = allowed(self.stage, action)
        return super().check_action(action, parameters) if allows is None else allows

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.action_draw()

    def action_draw(self) -> None:
        if self._offer is not None:
            self._hidden = self._as_text = False
            self._show()
        elif not self._busy:
            self._do(self._make(self.query_one(Form).request()))

    def action_hide(self) -> None:
        self._hidden = not self._hidden
        self._show()

    def action_link(self) -> None:
        self._as_text, self._hidden = not self._as_text, False
        self._show()

    def action_copy(self) -> None:
        if self._made is not None:
            self.sereno.copy_to_clipboard(self._made.url)
            self.notify("Sent to the terminal's clipboard: the link. It is a key.")

    def action_image(self) -> None:
        if self._made is not None:
            self._do(self._write_image(self._made))

    async def _write_image(self, made: Made) -> None:
        assert self.sereno.logs is not None
        file = Path(self.sereno.logs.parent) / IMAGE
        await asyncio.to_thread(lambda: atomic_write(file, image_of(made.url)))
        made.image = file

    def action_end(self) -> None:
        offer = self._offer

        def answered(sure: bool | None) -> None:
            if sure and offer is not None:
                self._do(self._end(offer))

        if offer is not None:
            self.app.push_screen(Confirm(questions.closing(offer)), answered)

    async def _end(self, offer: Offer) -> None:
        await asking.close(self.sereno.link, offer.id)
        await self.news.look()

    def action_new(self) -> None:
        """Back to what it is for."""
        self._offer = self._made = self._code = None
        self._trouble = ""
        self._show()
        self.query_one("#kind").focus()

    def action_answer(self) -> None:
        waiting = self.news.question
        if waiting is None or self.app.screen is not self:
            return
        self._hidden = True
        self._show()

        def answered(answer: Answer | None) -> None:
            self._put_off.add(waiting.id)
            if answer is not None:
                self._do(self._answer(waiting.id, answer))
            self._show()

        self.app.push_screen(Admit(waiting, self.news.made.get(waiting.offer_id)), answered)

    async def _answer(self, question_id: str, answer: Answer) -> None:
        request = AnswerQuestion(
            request_id="",
            question_id=question_id,
            allow=answer.allow,
            name=answer.name or UNSET,
            rights=asking.rights_of(answer.rights) or UNSET,
        )
        device = await asking.answer(self.sereno.link, request)
        await self.news.look()
        if device is not None and self._offer is None:
            self.notify(f"{words.device_name(device)} is paired.")

    def action_devices(self) -> None:
        self.sereno.open_devices()

    def action_back(self) -> None:
        self.dismiss(None)
