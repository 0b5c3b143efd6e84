"""What the security page does about pairing: relay, offers, rotation, the way to devices.

A part of the screen in a file of its own. It reads what the fleet's watch knows of pairing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from textual.worker import Worker

from sereno.core.protocol.pairing import PairingState
from sereno.tui import pairing_link as asking
from sereno.tui import pairing_questions as questions
from sereno.tui.link_api import ActError
from sereno.tui.pairing_news import PairingNews
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.confirm.screen import Confirm, Question
from sereno.tui.screens.security.remote import offer_of
from sereno.tui.words import count

__all__ = ["RemoteActs"]


class RemoteActs(SerenoScreen[None]):
    """`_refused`: why the last change was not made."""

    _refused: str

    def _show(self) -> None:
        raise NotImplementedError

    @property
    def _reached(self) -> bool:
        raise NotImplementedError

    @property
    def news(self) -> PairingNews:
        return self.sereno.pairing

    @property
    def pairing(self) -> PairingState | None:
        return self.news.state

    async def look_at_pairing(self) -> None:
        """A daemon that tells nothing of it has no rows of it either."""
        try:
            await self.news.look()
        except ActError:
            self.news.told(None)

    def remote_chosen(self, fact: str) -> bool:
        """`enter` on a fact; False: it is not one of these."""
        state = self.pairing
        if state is None or not self._reached:
            return False
        offer = offer_of(state, fact)
        if fact == "relay":
            on = state.relay.enabled
            question = questions.relay_off(state) if on else questions.relay_on(state.relay)
            self._ask(question, partial(asking.switch_relay, self.sereno.link, enabled=not on))
        elif fact == "devices":
            self.sereno.open_devices()
        elif fact == "asks":
            self.sereno.open_pair()
        elif offer is not None:
            self._ask(questions.closing(offer), partial(asking.close, self.sereno.link, offer.id))
        else:
            return False
        return True

    def action_pair(self) -> None:
        self.sereno.open_pair()

    def action_devices(self) -> None:
        self.sereno.open_devices()

    def action_rotate(self) -> None:
        """Every pairing is dead afterwards."""
        if self.pairing is not None and self._reached:
            self._ask(questions.rotation(self.pairing), self._rotate)

    async def _rotate(self) -> None:
        done = await asking.rotate(self.sereno.link)
        self.notify(f"Every key is new. {count(done.devices, 'device')} must pair again.")

    def _ask(self, question: Question, act: Callable[[], Awaitable[None]]) -> None:
        self._refused = ""

        def answered(sure: bool | None) -> None:
            if sure:
                _: Worker[None] = self.run_worker(self._do(act), group="acts", exit_on_error=False)

        self.app.push_screen(Confirm(question), answered)

    async def _do(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except ActError as error:
            self._refused = str(error)
        await self.look_at_pairing()
        self._show()
