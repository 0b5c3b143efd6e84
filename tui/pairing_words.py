"""Pairing in words: who came, what they get, why an offer ended. For screens and commands. Pure.

What clients say of themselves is shown with nothing hidden in it: a person decides by it (T42).
"""

from __future__ import annotations

from sereno.core.protocol.pairing import Device, Offer, Question, RelayStatus
from sereno.core.security.sanitise import reveal

__all__ = [
    "ELSEWHERE",
    "ENDED",
    "KINDS",
    "RIGHTS",
    "WITHHELD",
    "device_name",
    "ended",
    "grants",
    "kind_of",
    "relay_could",
    "relay_name",
    "told",
    "trouble",
    "who",
]

ELSEWHERE = (
    "Who may come in is seen and decided on the daemon's own machine only. "
    "Open sereno there, in a terminal or through SSH."
)

KINDS = {"app": "official app", "sereno": "Sereno", "paseo": "official app, from Paseo"}
RIGHTS = {
    "operator": "read, prompt, start and stop agents, answer requests",
    "viewer": "read only",
}
WITHHELD = "settings, pairing, terminals"
"""What no device ever gets."""
ENDED = {
    "expired": "It expired: nobody used it in ten minutes.",
    "refused": "You said no: it is dead.",
    "contested": "Two clients came by it before one was let in, so it is dead. "
    "Somebody else may have seen the code: make a new one where nobody looks on.",
    "guessed": "Somebody typed another code than the one that was shown, which ends it. "
    "If that was not you, somebody is guessing: make a new one.",
    "closed": "It was closed.",
    "revoked": "The device was revoked.",
    "rotated": "All keys were rotated.",
    "restarted": "The daemon was restarted, which ends open offers.",
}
_LONGEST = 60


def told(text: str | None, longest: int = _LONGEST) -> str:
    """A text of somebody else in one line, with what hides in it spelt out."""
    words = " ".join(reveal(text or "").split())
    return words if len(words) <= longest else words[: longest - 1] + "…"


def who(question: Question) -> str:
    """What they say of themselves: `mobile, app 0.1.65`."""
    version = told(question.app_version, 30)
    label = "app" if question.kind != "sereno" else "version"
    kind = told(question.client_type) or "unknown kind"
    return f"{kind}, {label} {version}" if version else kind


def kind_of(kind: str) -> str:
    """`An official app`, `A Sereno`: what came."""
    return "Another Sereno" if kind == "sereno" else "An official app"


def grants(rights: str) -> str:
    return RIGHTS.get(rights, told(rights))


def ended(offer: Offer) -> str:
    """Why; empty for one that can be used."""
    return "" if offer.ended is None else ENDED.get(offer.ended, told(offer.ended))


def device_name(device: Device) -> str:
    return told(device.name) or "no name"


def relay_name(relay: RelayStatus) -> str:
    """Through which relay: without the scheme, which says nothing to a person."""
    name = relay.endpoint.partition("://")[2] or relay.endpoint
    return told(name.removesuffix(":443"))


def relay_could(kind: str) -> str:
    """What a relay in wrong hands could do, in one line (design section 2, point 4)."""
    if kind == "sereno":
        return "A relay in wrong hands can cut the line, and nothing else."
    return (
        "A relay in wrong hands cannot read, change or repeat what is said; "
        "it could drop, delay or reorder whole messages."
    )


def trouble(refusal: str, remote: str) -> str:
    """What a person is told of a refusal; `remote`: the daemon's machine, if it is another one."""
    return ELSEWHERE if remote and "may not do this" in refusal else refusal
