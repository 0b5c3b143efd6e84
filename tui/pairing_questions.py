"""What is asked before pairing changes: what becomes possible, or what is lost, in full. Pure."""

from __future__ import annotations

from sereno.core.protocol.pairing import Device, Offer, PairingState, RelayStatus
from sereno.tui import pairing_words as words
from sereno.tui.screens.confirm.screen import Question
from sereno.tui.words import count

__all__ = ["closing", "relay_off", "relay_on", "revocation", "rotation"]


def relay_on(relay: RelayStatus) -> Question:
    """Before the daemon dials out for the first time."""
    return Question(
        "Switch the relay on?",
        (
            f"This daemon then dials {words.told(relay.endpoint)}, while somebody is paired or "
            "invited. No port is opened.",
            "Whoever has a code or link of yours can knock from anywhere; nobody gets in before "
            "your yes here.",
            "The relay sees addresses, times and sizes. It cannot read or change what is said.",
        ),
        "switch it on",
    )


def relay_off(state: PairingState) -> Question:
    many = count(len(state.devices), "device")
    return Question(
        "Switch the relay off?",
        (
            f"{many} cannot reach this daemon through it any more, at once.",
            "Pairings stay: when it is on again, they count again.",
        ),
        "switch it off",
    )


def rotation(state: PairingState) -> Question:
    """Before every key of pairing is made anew."""
    devices = count(len(state.devices), "device")
    return Question(
        "New keys for every pairing?",
        (
            f"{devices} {'is' if len(state.devices) == 1 else 'are'} sent away at once, and must "
            "pair again to come back.",
            "Every code and every link that was ever made here is dead.",
            "For when a key or a link may have leaked. It cannot be undone; agents go on.",
        ),
        "make new keys",
    )


def revocation(device: Device) -> Question:
    lines = ["It cannot come back without being paired anew. The other devices stay."]
    if device.connections == 1:
        lines.insert(0, "Its connection is closed at once.")
    elif device.connections:
        lines.insert(0, f"Its {device.connections} connections are closed at once.")
    if device.kind == "paseo":
        lines.append("Its pairing came from Paseo and is shared: only this device is sent away.")
    return Question(f"Revoke {words.device_name(device)}?", tuple(lines), "revoke it")


def closing(offer: Offer) -> Question:
    return Question(
        "End this offer?",
        (f"The code and the link for {words.KINDS[offer.kind]} are dead at once.",),
        "end it",
    )
