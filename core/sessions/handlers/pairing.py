"""Offers, the question before somebody is let in, and devices: what their owner asks and decides.

On the local socket or in memory only (design section 7): a phone never lets another phone in. Every
change is in the audit before it is made. What is decided, and how, is PairingControl's business.
"""

from __future__ import annotations

from sereno.core.protocol.pairing import (
    AnswerQuestion,
    AnswerQuestionResult,
    ChangeDevice,
    ChangeDeviceResult,
    CloseOffer,
    CloseOfferResult,
    OfferPairing,
    OfferPairingResult,
    ReadPairing,
    ReadPairingResult,
    RevokeDevice,
    RevokeDeviceResult,
    RotatePairings,
    RotatePairingsResult,
    SwitchRelay,
    SwitchRelayResult,
)
from sereno.core.protocol.values import given
from sereno.core.security.sanitise import sanitise_line
from sereno.core.sessions.dispatch import Call, Table

__all__ = ["table"]

table = Table()

_ID = 64
"""Characters of an id that the audit keeps: it may be anything that somebody typed."""


@table.handles(ReadPairing)
async def read(call: Call, request: ReadPairing) -> ReadPairingResult:
    _only_here(call)
    state = await call.services.pairing.state(given(request.after, None))
    return ReadPairingResult(request_id=request.request_id, state=state)


@table.handles(OfferPairing)
async def offer(call: Call, request: OfferPairing) -> OfferPairingResult:
    _only_here(call)
    told: dict[str, str] = {"kind": request.kind, "rights": request.rights}
    if not request.confirm:
        told["confirm"] = "no"
    if request.enable_relay:
        told["enable_relay"] = "yes"
    await call.services.note(call.by, "pairing.offer", "", told)
    return await call.services.pairing.offer(request)


@table.handles(CloseOffer)
async def close_offer(call: Call, request: CloseOffer) -> CloseOfferResult:
    _only_here(call)
    await call.services.note(call.by, "pairing.close", _short(request.offer_id), {})
    return await call.services.pairing.close_offer(request)


@table.handles(AnswerQuestion)
async def answer(call: Call, request: AnswerQuestion) -> AnswerQuestionResult:
    _only_here(call)
    told: dict[str, str] = {"allow": "yes" if request.allow else "no"}
    if rights := given(request.rights, None):
        told["rights"] = rights
    await call.services.note(call.by, "pairing.answer", _short(request.question_id), told)
    return await call.services.pairing.answer(request)


@table.handles(RotatePairings)
async def rotate(call: Call, request: RotatePairings) -> RotatePairingsResult:
    _only_here(call)
    await call.services.note(call.by, "pairing.rotate", "", {})
    return await call.services.pairing.rotate(request)


@table.handles(SwitchRelay)
async def switch_relay(call: Call, request: SwitchRelay) -> SwitchRelayResult:
    _only_here(call)
    told = {"enabled": "yes" if request.enabled else "no"}
    await call.services.note(call.by, "pairing.relay", "", told)
    return await call.services.pairing.switch_relay(request)


@table.handles(RevokeDevice)
async def revoke(call: Call, request: RevokeDevice) -> RevokeDeviceResult:
    _only_here(call)
    await call.services.note(call.by, "device.revoke", _short(request.device_id), {})
    return await call.services.pairing.revoke(request)


@table.handles(ChangeDevice)
async def change(call: Call, request: ChangeDevice) -> ChangeDeviceResult:
    _only_here(call)
    told: dict[str, str] = {}
    if name := given(request.name, None):
        told["name"] = sanitise_line(name, _ID)
    if rights := given(request.rights, None):
        told["rights"] = rights
    await call.services.note(call.by, "device.change", _short(request.device_id), told)
    return await call.services.pairing.change(request)


def _short(identifier: str) -> str:
    return sanitise_line(identifier, _ID)


def _only_here(call: Call) -> None:
    call.only_here(
        "Devices are let in and sent away on the daemon's own machine only.",
        "Open sereno there, in a terminal or through SSH.",
    )
