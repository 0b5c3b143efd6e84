"""The messages of pairing: offers, the question before somebody is let in, and devices.

An addition to the wire (types begin with `sereno.pairing.` and `sereno.device.`), for the owner on
the local socket or in memory only. Nothing is pushed, because pushes go to devices too: whoever
wants to see changes asks with the revision that they know. No behaviour here.
"""

from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType

from sereno.core.protocol.values import Wire

__all__ = [
    "AnswerQuestion",
    "AnswerQuestionResult",
    "ChangeDevice",
    "ChangeDeviceResult",
    "CloseOffer",
    "CloseOfferResult",
    "Device",
    "Offer",
    "OfferPairing",
    "OfferPairingResult",
    "PairingState",
    "Question",
    "ReadPairing",
    "ReadPairingResult",
    "RelayStatus",
    "RevokeDevice",
    "RevokeDeviceResult",
    "RotatePairings",
    "RotatePairingsResult",
    "SwitchRelay",
    "SwitchRelayResult",
]

Kind = Literal["app", "sereno", "paseo"]
"""For whom: the official apps, our own clients, or taken over from a Paseo home."""
Rights = Literal["operator", "viewer"]
Ended = Literal[
    "expired", "refused", "contested", "closed", "revoked", "rotated", "restarted", "guessed"
]
"""`contested`: a second client came before the first was confirmed. `guessed`: somebody typed
another code than the one that was shown, or came too often and typed none."""


class RelayStatus(Wire):
    """`endpoint`: where the daemon dials; `publicEndpoint`: what offers name. `idle`: nothing is
    paired or offered, so nobody dials. `error`: why it waits; `nextTryS`: seconds from now."""

    enabled: bool
    endpoint: str
    public_endpoint: str
    state: Literal["off", "idle", "connecting", "ready", "waiting"]
    error: str | None = None
    next_try_s: float | None = None


class Offer(Wire):
    """One that nobody is bound to. The link is told once, to whoever made it. `ended`: why, for
    offers that ended in the last minutes; null for one that may be used."""

    id: str
    kind: Kind
    made_at: str
    expires_at: str
    ended: Ended | None = None
    device_id: str | None = None
    """Who came by it, once confirmed."""


class Question(Wire):
    """Somebody came by an offer and waits for the person's yes. `clientType` and `appVersion` are
    what they say of themselves. `words`: to be compared with theirs; empty on the official apps'
    channel. `waiting`: they are connected; a yes counts also when they are not."""

    id: str
    offer_id: str
    kind: Kind
    client_type: str
    app_version: str | None
    words: list[str]
    asked_at: str
    waiting: bool


class Device(Wire):
    """Who was confirmed. `connections`: open now. `way`: of the newest connection. `expiresAt`:
    when it must pair again unless it comes before; null for never."""

    id: str
    kind: Kind
    name: str
    rights: Rights
    paired_at: str
    last_seen_at: str | None
    way: Literal["relay", "direct"] | None
    connections: int
    expires_at: str | None = None


class PairingState(Wire):
    """`revision` rises with each change."""

    revision: int
    relay: RelayStatus
    offers: list[Offer]
    questions: list[Question]
    devices: list[Device]


class ReadPairing(Wire, tag_field="type", tag="sereno.pairing.read.request"):
    """`after`: a revision that is known already; the answer comes when there is a newer one, or
    unchanged after 25 s."""

    request_id: str
    after: int | UnsetType = UNSET


class ReadPairingResult(Wire):
    wire_type: ClassVar[str] = "sereno.pairing.read.response"
    request_id: str
    state: PairingState


class OfferPairing(Wire, tag_field="type", tag="sereno.pairing.offer.request"):
    """`confirm`: false lets the first client in without a question (`sereno pair --yes`).
    `enableRelay`: switches the relay on, in config.toml, where it is off."""

    request_id: str
    kind: Literal["app", "sereno"]
    name: str = ""
    rights: Rights = "operator"
    confirm: bool = True
    enable_relay: bool = False


class OfferPairingResult(Wire):
    """`url`: the link, a key for whoever holds it. `typed`: of kind "sereno", what is typed where
    the link cannot be brought, `48291-copper-tulip-anchor`; it counts for one try. `code`, `error`,
    `nextStep`: why there is none; `relay_off` where the relay was to be switched on first."""

    wire_type: ClassVar[str] = "sereno.pairing.offer.response"
    request_id: str
    offer: Offer | None = None
    url: str | None = None
    code: str | None = None
    error: str | None = None
    next_step: str | None = None
    typed: str | None = None

    def __repr__(self) -> str:
        """Without what lets somebody in: a traceback may show it."""
        return f"OfferPairingResult({self.offer}, {self.code})"


class CloseOffer(Wire, tag_field="type", tag="sereno.pairing.close.request"):
    """Ends an offer that nobody is bound to."""

    request_id: str
    offer_id: str


class CloseOfferResult(Wire):
    wire_type: ClassVar[str] = "sereno.pairing.close.response"
    request_id: str
    error: str | None = None
    next_step: str | None = None


class AnswerQuestion(Wire, tag_field="type", tag="sereno.pairing.answer.request"):
    """A no ends the offer. `name` and `rights` replace what the offer said."""

    request_id: str
    question_id: str
    allow: bool
    name: str | UnsetType = UNSET
    rights: Rights | UnsetType = UNSET


class AnswerQuestionResult(Wire):
    wire_type: ClassVar[str] = "sereno.pairing.answer.response"
    request_id: str
    device: Device | None = None
    error: str | None = None
    next_step: str | None = None


class RotatePairings(Wire, tag_field="type", tag="sereno.pairing.rotate.request"):
    """Every offer and every pairing is dead at once, and everybody who came by one is sent away."""

    request_id: str


class RotatePairingsResult(Wire):
    """How many ended. `error`: what could not be done (a key file that stays, say)."""

    wire_type: ClassVar[str] = "sereno.pairing.rotate.response"
    request_id: str
    devices: int
    offers: int
    error: str | None = None
    next_step: str | None = None


class RevokeDevice(Wire, tag_field="type", tag="sereno.device.revoke.request"):
    """Its connections are closed within a second; the others stay."""

    request_id: str
    device_id: str


class RevokeDeviceResult(Wire):
    wire_type: ClassVar[str] = "sereno.device.revoke.response"
    request_id: str
    error: str | None = None
    next_step: str | None = None


class ChangeDevice(Wire, tag_field="type", tag="sereno.device.change.request"):
    """Other rights count at once: its connections are closed, and it comes back with them."""

    request_id: str
    device_id: str
    name: str | UnsetType = UNSET
    rights: Rights | UnsetType = UNSET


class ChangeDeviceResult(Wire):
    wire_type: ClassVar[str] = "sereno.device.change.response"
    request_id: str
    device: Device | None = None
    error: str | None = None
    next_step: str | None = None


class SwitchRelay(Wire, tag_field="type", tag="sereno.pairing.relay.request"):
    """Switches the relay on or off, in config.toml. Off: nobody comes by it any more, at once;
    pairings stay and count again when it is on."""

    request_id: str
    enabled: bool


class SwitchRelayResult(Wire):
    wire_type: ClassVar[str] = "sereno.pairing.relay.response"
    request_id: str
    error: str | None = None
    next_step: str | None = None
