"""What the owner asks and decides about offers, questions and devices.

Implements the sessions' PairingControl. What is refused stands in the result, with cause and next
step. The audit has every act already when it comes here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import anyio
import msgspec

from sereno.core.daemon import pairing_offers as offers
from sereno.core.daemon.pairing_codes import Codes
from sereno.core.daemon.pairing_keys import Keys
from sereno.core.daemon.pairing_knock import NAME, Knocking, Note, called
from sereno.core.daemon.pairing_ledger import Ledger
from sereno.core.daemon.pairing_offers import Refused
from sereno.core.daemon.pairing_switch import Ward, switch_relay
from sereno.core.home import Home, HomeError
from sereno.core.protocol.pairing import (
    AnswerQuestion,
    AnswerQuestionResult,
    ChangeDevice,
    ChangeDeviceResult,
    CloseOffer,
    CloseOfferResult,
    OfferPairing,
    OfferPairingResult,
    PairingState,
    RelayStatus,
    RevokeDevice,
    RevokeDeviceResult,
    RotatePairings,
    RotatePairingsResult,
    SwitchRelay,
    SwitchRelayResult,
)
from sereno.core.protocol.values import given
from sereno.core.security.pairings import AskedEvent, Event, Pairing, Question, State, offered
from sereno.core.security.sanitise import sanitise_line
from sereno.core.store.database import Database
from sereno.core.store.errors import StoreError
from sereno.core.store.pairings import DeviceRow

__all__ = ["PairingDesk"]

POLL_S = 25.0
"""How long whoever wants news waits for them."""
MOST_OPEN = 8
"""Offers that nobody is bound to; the oldest of too many is closed."""
MOST_PAIRINGS = 64
_SERVER_ID_BYTES = 9
_ID_BYTES = 4
Refusal = tuple[str | None, str | None]
_NOT_ASKED: Refusal = (
    "Nobody asks this any more: it was answered, has expired, or its offer ended.",
    "Make a new offer and let them come by that.",
)
_NO_OFFER: Refusal = (
    "There is no such offer that could be closed: it was taken, or has ended.",
    "Make another one: sereno pair",
)
_NO_DEVICE: Refusal = ("There is no such device.", "Look at what there is: sereno device ls")


class PairingDesk:
    """Belongs to the daemon's loop."""

    def __init__(
        self,
        home: Home,
        database: Database,
        ward: Ward,
        note: Note,
        *,
        env: Mapping[str, str],
        now_ms: Callable[[], int],
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`ward`: the daemon, for its configuration. `note`: an entry for the audit."""
        self._home = home
        self._ward = ward
        self._note = note
        self._env = env
        self._now_ms = now_ms
        self._random = random
        self._keys = Keys(home, random)
        self._codes = Codes(random)
        self._ledger = Ledger(
            database, self._keys, now_ms, lambda: ward.config.daemon.auth.device_days
        )
        self._book = self._ledger.book
        self._knocking = Knocking(self._ledger, note, now_ms, self._new_id)
        self.relay: Callable[[], RelayStatus] = lambda: offers.unconnected(ward.config.daemon.relay)
        """What is told of the relay; set by whoever dials it."""

    def _new_id(self, kind: str) -> str:
        return f"{kind}_{self._random(_ID_BYTES).hex()}"

    async def state(self, after: int | None) -> PairingState:
        """As it is; with `after`, once it is another revision than that, or after 25 s."""
        if after is not None:
            with anyio.move_on_after(POLL_S):
                await self._ledger.newer(after)
        return self._book.shown(self._ledger.revision, self.relay(), self._now_ms())

    # Offers

    async def offer(self, request: OfferPairing) -> OfferPairingResult:
        """A new one, with its link, and a code to type for our own clients."""
        made = await self._offer(request)
        if isinstance(made, Refused):
            return OfferPairingResult(
                request_id=request.request_id,
                code=made.code,
                error=made.error,
                next_step=made.next_step,
            )
        pairing, url, typed = made
        return OfferPairingResult(
            request_id=request.request_id,
            offer=self._book.shown_offer(pairing),
            url=url,
            typed=typed,
        )

    async def _offer(self, request: OfferPairing) -> tuple[Pairing, str, str | None] | Refused:
        from sereno.relay_client.server_ids import make_server_id

        if not self._ward.config.daemon.relay.enabled:
            if not request.enable_relay:
                return offers.RELAY_OFF
            refused = await switch_relay(self._home, self._ward, self._env, True)
            if refused is not None:
                return refused
        config = self._ward.config
        endpoint = offers.endpoint_for(request.kind, config.daemon.relay)
        if isinstance(endpoint, Refused):
            return endpoint
        async with self._ledger.changing():
            now = self._now_ms()
            if refused := await self._make_room(now):
                return refused
            pairing = offered(
                self._new_id("off"),
                make_server_id(self._random(_SERVER_ID_BYTES)),
                request.kind,
                now,
                name=sanitise_line(request.name, NAME),
                rights=request.rights,
                confirm=request.confirm,
            )
            try:
                await self._ledger.add(pairing)
            except HomeError as error:
                return Refused(error.code, error.message, error.next_step)
            url, typed = offers.link(pairing, self._keys, endpoint, config), None
            if pairing.kind == "sereno":
                typed = await self._codes.make(pairing.server_id, url)
                self._ledger.changed()
            self._soon()
            return pairing, url, typed

    async def _make_room(self, now: int) -> Refused | None:
        alive = [one for one in self._book.pairings.values() if one.alive]
        unused = [one for one in alive if one.state is State.OPEN]
        while len(unused) >= MOST_OPEN:
            oldest = unused.pop(0)
            alive.remove(oldest)
            await self._ledger.end(oldest.move(Event.CLOSE, now))
        if len(alive) >= MOST_PAIRINGS:
            return Refused(
                "too_many",
                f"There are {len(alive)} pairings, and a daemon keeps no more.",
                "Revoke devices that you no longer use: sereno device ls",
            )
        return None

    async def close_offer(self, request: CloseOffer) -> CloseOfferResult:
        async with self._ledger.changing():
            pairing = self._book.offer(request.offer_id)
            if pairing is None or not pairing.unbound:
                error, step = _NO_OFFER
            else:
                error, step = await self._end(Event.CLOSE, pairing)
        return CloseOfferResult(request_id=request.request_id, error=error, next_step=step)

    # Questions

    async def answer(self, request: AnswerQuestion) -> AnswerQuestionResult:
        """A yes is on disk when this returns; a no ends the offer, or on a shared pairing shuts out
        who asked."""
        device: DeviceRow | None = None
        async with self._ledger.changing():
            question = self._book.questions.get(request.question_id)
            if question is None or question.due(self._now_ms()):
                refusal = _NOT_ASKED
            elif not request.allow:
                refusal = await self._refuse(question)
            else:
                refusal = None, None
                pairing = self._book.pairings[question.server_id]
                entry = await self._knocking.let_in(
                    pairing,
                    question,
                    given(request.name, pairing.name),
                    given(request.rights, pairing.rights),
                )
                device = self._book.devices[entry.device_id]
        error, step = refusal
        return AnswerQuestionResult(
            request_id=request.request_id,
            device=None if device is None else self._book.shown_device(device),
            error=error,
            next_step=step,
        )

    async def _refuse(self, question: Question) -> Refusal:
        pairing = self._book.pairings[question.server_id]
        if pairing.kind != "paseo":
            return await self._end(Event.NO, pairing)
        now = self._now_ms()
        question.move(AskedEvent.NO, now)
        name = called(question.client_type)
        shut_out = DeviceRow(
            self._new_id("dev"), question.server_id, question.client, name, "viewer", True, now
        )
        await self._ledger.block(shut_out, question)
        return None, None

    # Devices

    async def revoke(self, request: RevokeDevice) -> RevokeDeviceResult:
        """Of a pairing of its own nothing stays; on a shared one it is shut out for good."""
        async with self._ledger.changing():
            device = self._device(request.device_id)
            if device is None:
                error, step = _NO_DEVICE
            elif self._book.pairings[device.pairing].kind == "paseo":
                await self._ledger.block(msgspec.structs.replace(device, blocked=True))
                error, step = None, None
            else:
                error, step = await self._end(Event.REVOKE, self._book.pairings[device.pairing])
        return RevokeDeviceResult(request_id=request.request_id, error=error, next_step=step)

    async def change(self, request: ChangeDevice) -> ChangeDeviceResult:
        """Its name; or its rights, by which its connections end: it may come again at once."""
        shown = None
        async with self._ledger.changing():
            device = self._device(request.device_id)
            name = sanitise_line(given(request.name, device.name if device else ""), NAME)
            if device is None:
                error, step = _NO_DEVICE
            elif not name:
                error, step = "A device needs a name.", "Give it one, of up to 64 characters."
            else:
                error, step = None, None
                rights = given(request.rights, device.rights)
                other = rights != device.rights
                device = msgspec.structs.replace(device, name=name, rights=rights)
                await self._ledger.put_device(device)
                if other:
                    self._ledger.again(device.id)
                shown = self._book.shown_device(device)
        return ChangeDeviceResult(
            request_id=request.request_id, device=shown, error=error, next_step=step
        )

    def _device(self, device_id: str) -> DeviceRow | None:
        device = self._book.devices.get(device_id)
        return None if device is None or device.blocked else device

    # All

    async def rotate(self, request: RotatePairings) -> RotatePairingsResult:
        """Every offer and pairing is dead when this returns, also where a file could not be
        removed, which is then told."""
        async with self._ledger.changing():
            alive = [one for one in self._book.pairings.values() if one.alive]
            unbound = [one for one in alive if one.unbound]
            devices = [one for one in self._book.devices.values() if not one.blocked]
            error, step = await self._end(Event.ROTATE, *alive)
        return RotatePairingsResult(
            request_id=request.request_id,
            devices=len(devices),
            offers=len(unbound),
            error=error,
            next_step=step,
        )

    async def switch_relay(self, request: SwitchRelay) -> SwitchRelayResult:
        refused = await switch_relay(self._home, self._ward, self._env, request.enabled)
        self._ledger.touched()
        return SwitchRelayResult(
            request_id=request.request_id,
            error=None if refused is None else refused.error,
            next_step=None if refused is None else refused.next_step,
        )

    async def _end(self, event: Event, *pairings: Pairing) -> Refusal:
        """They are dead in any case; a refusal says what the disk has kept."""
        if not pairings:
            return None, None
        now = self._now_ms()
        try:
            await self._ledger.end(*(one.move(event, now) for one in pairings))
        except (HomeError, StoreError) as error:
            return (
                f"It has ended, and nobody comes by it now, but not all of it is gone: "
                f"{error.message}",
                error.next_step,
            )
        return None, None

    def _soon(self) -> None:
        """Something was made that will expire."""
