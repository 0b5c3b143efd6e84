"""The relay and who was paired, as facts of the security page. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sereno.core.protocol.pairing import Offer, PairingState, RelayStatus
from sereno.tui import pairing_words as words
from sereno.tui.pairing_news import is_open
from sereno.tui.screens.security.facts import Fact, Note, said
from sereno.tui.timeline import milliseconds
from sereno.tui.words import count, minutes

__all__ = ["OFFER", "device_facts", "offer_of", "relay_facts"]

OFFER = "offer-"
"""Begins the key of an offer's fact; its id follows."""
_STATES = {
    "idle": "nobody is paired or invited, so it is not dialled",
    "connecting": "being dialled",
    "ready": "answers",
    "waiting": "does not answer",
}


def relay_facts(state: PairingState | None) -> list[Fact]:
    """Where the daemon dials, and whether that answers."""
    if state is None:
        return []
    relay = state.relay
    if not relay.enabled:
        value = f"nothing dials out of this machine ({said(relay.endpoint)})"
        return [Fact("relay", "Relay", value, "off")]
    value = f"{said(relay.endpoint)}, {_STATES.get(relay.state, said(relay.state))}"
    notes = (*_trouble(relay), ("it sees addresses, times and sizes, and can read nothing", "dim"))
    style = "failed" if relay.state == "waiting" else "dim"
    return [Fact("relay", "Relay", value, "on", style, notes=notes)]


def _trouble(relay: RelayStatus) -> Iterator[Note]:
    if relay.error is not None:
        again = (
            "" if relay.next_try_s is None else f"; next try in {max(0, relay.next_try_s):.0f} s"
        )
        yield f"{said(relay.error).rstrip('.')}{again}", "failed"
    if relay.public_endpoint != relay.endpoint.rpartition("://")[2].strip("/"):
        yield f"devices dial {said(relay.public_endpoint)}", "dim"


def device_facts(state: PairingState | None, now_ms: int) -> list[Fact]:
    """Who has a way in, and who may get one just now."""
    if state is None:
        return []
    here = sum(each.connections > 0 for each in state.devices)
    devices = f"{count(len(state.devices), 'device')}, {here} here now" if state.devices else "none"
    facts = [Fact("devices", "Devices", devices)]
    for place, question in enumerate(state.questions):
        told = f"{words.kind_of(question.kind)} ({words.who(question)}) wants in"
        facts.append(Fact("asks", "Asks" if place == 0 else "", told, "P answers", "asks"))
    offers = [each for each in state.offers if is_open(each)]
    for place, offer in enumerate(offers):
        left = minutes(max(0, milliseconds(offer.expires_at) - now_ms))
        told = f"for {words.KINDS.get(offer.kind, said(offer.kind))}, ends in {left}"
        facts.append(Fact(f"{OFFER}{offer.id}", "Open offers" if place == 0 else "", told))
    return facts


def offer_of(state: PairingState | None, key: str) -> Offer | None:
    """The offer that a fact is about."""
    offers = [] if state is None or not key.startswith(OFFER) else state.offers
    return next((each for each in offers if f"{OFFER}{each.id}" == key), None)
