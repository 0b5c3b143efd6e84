"""A daemon's pairing for tests: offers, questions and devices, answered as one would."""

from __future__ import annotations

import threading
from typing import Any

import msgspec

from sereno.core.protocol.pairing import (
    AnswerQuestion,
    AnswerQuestionResult,
    ChangeDevice,
    ChangeDeviceResult,
    CloseOffer,
    CloseOfferResult,
    Device,
    Ended,
    Offer,
    OfferPairing,
    OfferPairingResult,
    PairingState,
    Question,
    ReadPairing,
    ReadPairingResult,
    RelayStatus,
    RevokeDevice,
    RevokeDeviceResult,
    RotatePairings,
    RotatePairingsResult,
    SwitchRelay,
    SwitchRelayResult,
)
from sereno.core.protocol.values import UNSET, Wire, given, iso
from tests.tui.sample import NOW_MS, stamp

__all__ = ["APP_URL", "OWN_URL", "TYPED", "Gate", "device", "relay"]

APP_URL = "https://app.paseo.sh/#offer=" + "eyJ2IjoyLCJzZXJ2ZXJJZCI6InNydl9".ljust(194, "Q")
"""As long as a real one at the default endpoint."""
TYPED = "48291-copper-tulip-anchor"
OWN_URL = "sereno://pair#" + "3141592653" * 15 + "5897"


def relay(**more: Any) -> RelayStatus:
    status = RelayStatus(True, "relay.paseo.sh:443", "relay.paseo.sh:443", "ready")
    return msgspec.structs.replace(status, **more)


def device(number: int, name: str, **more: Any) -> Device:
    """`number` begins its id."""
    made = Device(
        id=f"{number:08d}-1111-4a84-8a4b-4a3f0a8a7d10",
        kind="app",
        name=name,
        rights="operator",
        paired_at=stamp(86_400 * 20),
        last_seen_at=stamp(10),
        way="relay",
        connections=0,
    )
    return msgspec.structs.replace(made, **more)


class Gate:
    """`asked`: all of it. `refusal`: what every act is refused with. `waits`: a read with `after`
    waits for a change, as a daemon's does; without it answers at once."""

    def __init__(self, *devices: Device, waits: bool = False) -> None:
        self.relay = relay()
        self.offers: list[Offer] = []
        self.questions: list[Question] = []
        self.devices = list(devices)
        self.asked: list[Wire] = []
        self.refusal: tuple[str, str] | None = None
        self.revision = 1
        self.waits = waits
        self._changed = threading.Condition()

    @property
    def state(self) -> PairingState:
        return PairingState(
            self.revision, self.relay, list(self.offers), list(self.questions), list(self.devices)
        )

    def of(self, kind: type[Wire]) -> list[Any]:
        return [request for request in self.asked if isinstance(request, kind)]

    # -- what happens --------------------------------------------------------------------------

    def changed(self) -> None:
        with self._changed:
            self.revision += 1
            self._changed.notify_all()

    def knock(self, offer_id: str, **more: Any) -> Question:
        """Somebody comes by an offer."""
        kind = next(each.kind for each in self.offers if each.id == offer_id)
        asked = Question(
            id=f"question-{len(self.asked)}",
            offer_id=offer_id,
            kind=kind,
            client_type="mobile",
            app_version="0.1.65",
            words=["copper", "tulip", "anchor"] if kind == "sereno" else [],
            asked_at=stamp(0),
            waiting=True,
        )
        asked = msgspec.structs.replace(asked, **more)
        self.questions.append(asked)
        self.changed()
        return asked

    def end(self, offer_id: str, why: Ended | None = None, device_id: str | None = None) -> None:
        """The offer is over; its question goes."""
        self.offers = [
            msgspec.structs.replace(each, ended=why, device_id=device_id)
            if each.id == offer_id
            else each
            for each in self.offers
        ]
        self.questions = [each for each in self.questions if each.offer_id != offer_id]
        self.changed()

    # -- what is asked -------------------------------------------------------------------------

    def __call__(self, request: Wire) -> Wire:
        self.asked.append(request)
        why, step = self.refusal or (None, None)
        match request:
            case ReadPairing(after=after):
                with self._changed:
                    if self.waits and after is not UNSET:
                        self._changed.wait_for(lambda: self.revision > after, 25)
                return ReadPairingResult("", self.state)
            case OfferPairing():
                return self._offer(request)
            case AnswerQuestion():
                return self._answer(request)
            case CloseOffer(offer_id=offer_id):
                if why is None:
                    self.end(offer_id, "closed")
                return CloseOfferResult("", why, step)
            case RotatePairings():
                many = len(self.devices), len(self.offers)
                self.devices, self.offers, self.questions = [], [], []
                self.changed()
                return RotatePairingsResult("", *many, why, step)
            case RevokeDevice(device_id=device_id):
                if why is None:
                    self.devices = [each for each in self.devices if each.id != device_id]
                    self.changed()
                return RevokeDeviceResult("", why, step)
            case ChangeDevice():
                return self._change(request)
            case SwitchRelay(enabled=enabled):
                if why is None:
                    self.relay = relay(enabled=enabled, state="idle" if enabled else "off")
                    self.changed()
                return SwitchRelayResult("", why, step)
            case _:
                raise TypeError(f"not asked of a stand-in: {type(request).__name__}")

    def _offer(self, request: OfferPairing) -> OfferPairingResult:
        if self.refusal is not None:
            return OfferPairingResult("", None, None, "refused", *self.refusal)
        if not (self.relay.enabled or request.enable_relay):
            return OfferPairingResult("", None, None, "relay_off", "The relay is off.", "On?")
        self.relay = relay()
        url = APP_URL if request.kind == "app" else OWN_URL
        expires = iso(NOW_MS + 600_000)
        offer = Offer(f"offer-{len(self.offers)}", request.kind, stamp(0), expires)
        self.offers.append(offer)
        self.changed()
        typed = None if request.kind == "app" else TYPED
        return OfferPairingResult("", offer, url, typed=typed)

    def _answer(self, request: AnswerQuestion) -> AnswerQuestionResult:
        found = [each for each in self.questions if each.id == request.question_id]
        if self.refusal is not None or not found:
            return AnswerQuestionResult("", None, *(self.refusal or ("It is gone.", "")))
        if not request.allow:
            self.end(found[0].offer_id, "refused")
            return AnswerQuestionResult("")
        made = device(
            100 + len(self.devices),
            given(request.name, "Pixel 9"),
            kind=found[0].kind,
            rights=given(request.rights, "operator"),
            connections=1,
        )
        self.devices.append(made)
        self.end(found[0].offer_id, None, made.id)
        return AnswerQuestionResult("", made)

    def _change(self, request: ChangeDevice) -> ChangeDeviceResult:
        if self.refusal is not None:
            return ChangeDeviceResult("", None, *self.refusal)
        for place, each in enumerate(self.devices):
            if each.id == request.device_id:
                self.devices[place] = msgspec.structs.replace(
                    each,
                    name=given(request.name, each.name),
                    rights=given(request.rights, each.rights),
                )
                self.changed()
                return ChangeDeviceResult("", self.devices[place])
        return ChangeDeviceResult("", None, "It is gone.", "")
