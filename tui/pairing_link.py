"""What screens ask a daemon about pairing: typed questions over the link's one way to ask.

Each raises ActError where the daemon refused or is gone, with its words whole. Answered only on the
daemon's own machine.
"""

from __future__ import annotations

from typing import Literal, Protocol

from sereno.core.protocol.pairing import (
    AnswerQuestion,
    AnswerQuestionResult,
    ChangeDevice,
    ChangeDeviceResult,
    CloseOffer,
    CloseOfferResult,
    Device,
    OfferPairing,
    OfferPairingResult,
    PairingState,
    ReadPairing,
    ReadPairingResult,
    RevokeDevice,
    RevokeDeviceResult,
    RotatePairings,
    RotatePairingsResult,
    SwitchRelay,
    SwitchRelayResult,
)
from sereno.core.protocol.values import UNSET
from sereno.tui.link_api import ActError, Link

__all__ = [
    "RelayOff",
    "answer",
    "change",
    "close",
    "offer",
    "read",
    "revoke",
    "rights_of",
    "rotate",
    "switch_relay",
]

Rights = Literal["operator", "viewer"]


def rights_of(text: str | None) -> Rights | None:
    """What was chosen, as the wire has it; None for anything else."""
    match text:
        case "operator" | "viewer":
            return text
        case _:
            return None


class RelayOff(ActError):
    """No offer was made: the relay is to be switched on first."""


class _Refusable(Protocol):
    error: str | None
    next_step: str | None


async def read(link: Link, after: int | None = None) -> PairingState:
    """As it is; with `after`, once it is newer than that revision, or after 25 s."""
    reply = await link.ask(ReadPairing(request_id="", after=UNSET if after is None else after))
    assert isinstance(reply, ReadPairingResult)
    return reply.state


async def offer(link: Link, request: OfferPairing) -> OfferPairingResult:
    """One with its link. Raises RelayOff too."""
    reply = await link.ask(request)
    assert isinstance(reply, OfferPairingResult)
    if reply.code == "relay_off":
        raise RelayOff(reply.error or "The relay is off.", reply.next_step or "")
    _refusal(reply)
    if reply.offer is None or reply.url is None:
        raise ActError("The daemon made no offer, and did not say why.")
    return reply


async def close(link: Link, offer_id: str) -> None:
    reply = await link.ask(CloseOffer(request_id="", offer_id=offer_id))
    assert isinstance(reply, CloseOfferResult)
    _refusal(reply)


async def answer(link: Link, request: AnswerQuestion) -> Device | None:
    """Who was let in; None after a no."""
    reply = await link.ask(request)
    assert isinstance(reply, AnswerQuestionResult)
    _refusal(reply)
    return reply.device


async def rotate(link: Link) -> RotatePairingsResult:
    reply = await link.ask(RotatePairings(request_id=""))
    assert isinstance(reply, RotatePairingsResult)
    _refusal(reply)
    return reply


async def revoke(link: Link, device_id: str) -> None:
    reply = await link.ask(RevokeDevice(request_id="", device_id=device_id))
    assert isinstance(reply, RevokeDeviceResult)
    _refusal(reply)


async def change(link: Link, request: ChangeDevice) -> None:
    reply = await link.ask(request)
    assert isinstance(reply, ChangeDeviceResult)
    _refusal(reply)


async def switch_relay(link: Link, *, enabled: bool) -> None:
    reply = await link.ask(SwitchRelay(request_id="", enabled=enabled))
    assert isinstance(reply, SwitchRelayResult)
    _refusal(reply)


def _refusal(reply: _Refusable) -> None:
    if reply.error is not None:
        raise ActError(reply.error, reply.next_step or "")
