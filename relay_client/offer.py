"""The offer that an official app scans: who the daemon is, its public key, and through which relay.

Pure. Source: section 1.1 and 1.2 of the wire reference. Whoever holds an offer can connect, so it
stands in the fragment of a link, which browsers send to nobody (C-26). It carries no expiry: when
an offer ends, and for whom, the daemon decides (design.md section 7).
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import enum
from typing import Any

import msgspec

from sereno.relay_client import endpoints, keys, server_ids

__all__ = ["APP", "NotAnOffer", "Offer", "Why", "find_payload"]

APP = "https://app.paseo.sh"
"""Where the official app is served."""
_MARK = "#offer="
_LARGEST = 4_096
_ALPHABET = str.maketrans("-_", "+/")


class Why(enum.StrEnum):
    """Why a text is not taken for an offer; also the code of the error."""

    NO_OFFER = "not_an_offer"
    DAMAGED = "offer_damaged"
    VERSION = "offer_version"
    FIELD = "offer_invalid"


_NEXT = {
    Why.NO_OFFER: "Copy the whole link that `sereno pair` shows.",
    Why.DAMAGED: "Copy the whole link again, without line breaks, or scan the code.",
    Why.VERSION: "Make a new offer on the daemon's machine: `sereno pair`.",
    Why.FIELD: "Make a new offer on the daemon's machine: `sereno pair`.",
}


class NotAnOffer(Exception):
    """`why` (and as `code`), `message` and `next_step`; never holds a part of the offer."""

    def __init__(self, why: Why, message: str) -> None:
        self.why = why
        self.code = why.value
        self.message = message
        self.next_step = _NEXT[why]
        super().__init__(f"{message} {self.next_step}")


class _Relay(msgspec.Struct):
    endpoint: str


class _Document(msgspec.Struct):
    v: int
    server_id: str = msgspec.field(name="serverId")
    public_key: str = msgspec.field(name="daemonPublicKeyB64")
    relay: _Relay


@dataclasses.dataclass(frozen=True)
class Offer:
    """`public_key`: 32 bytes of the daemon's; `endpoint`: the public one."""

    server_id: str
    public_key: bytes = dataclasses.field(repr=False)
    endpoint: endpoints.Endpoint

    def document(self) -> bytes:
        """The JSON, its keys in the official order."""
        relay = _Relay(self.endpoint.authority)
        return msgspec.json.encode(
            _Document(2, self.server_id, keys.encode_key(self.public_key), relay)
        )

    def url(self, app_base_url: str = APP) -> str:
        """The link, and what the QR code holds."""
        payload = base64.urlsafe_b64encode(self.document()).decode("ascii").rstrip("=")
        return f"{app_base_url.removesuffix('/')}/{_MARK}{payload}"

    @classmethod
    def parse(cls, text: str) -> Offer:
        """The offer in a link. Raises NotAnOffer, with Why.NO_OFFER for what may be a host."""
        payload = find_payload(text)
        if payload is None:
            raise NotAnOffer(Why.NO_OFFER, "This is not a pairing link.")
        return cls.decode(_unpacked(payload))

    @classmethod
    def decode(cls, document: bytes) -> Offer:
        """The offer of a JSON document. Raises NotAnOffer."""
        _check_version(document)
        try:
            found = msgspec.json.decode(document, type=_Document)
        except msgspec.ValidationError as error:
            raise NotAnOffer(Why.FIELD, f"The pairing link is wrong: {error}.") from None
        if not server_ids.is_server_id(found.server_id):
            raise NotAnOffer(Why.FIELD, "The pairing link names no usable server.")
        try:
            public_key = keys.decode_key(found.public_key)
            keys.check_public(public_key)
            endpoint = endpoints.parse_public_endpoint(found.relay.endpoint)
        except keys.BadKey as error:
            raise NotAnOffer(Why.FIELD, f"The pairing link holds a bad key: {error}.") from None
        except endpoints.BadEndpoint as error:
            raise NotAnOffer(Why.FIELD, f"The pairing link names a bad relay. {error}") from None
        return cls(found.server_id, public_key, endpoint)


def find_payload(text: str) -> str | None:
    """What stands behind the first `#offer=`, wherever that is; None for no mark or nothing."""
    _, _, payload = text.strip().partition(_MARK)
    return payload.strip() or None


def _unpacked(payload: str) -> bytes:
    """base64url, padded or not. Raises NotAnOffer."""
    if len(payload) > _LARGEST:
        raise NotAnOffer(Why.DAMAGED, "The pairing link is far too long to be one.")
    plain = payload.rstrip("=").translate(_ALPHABET)
    try:
        data = plain.encode("ascii") + b"=" * (-len(plain) % 4)
        return binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NotAnOffer(Why.DAMAGED, "The pairing link is damaged or not whole.") from None


def _check_version(document: bytes) -> None:
    """The version first: of another one nothing else is known."""
    try:
        document.decode("utf-8")
        found: Any = msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotAnOffer(Why.DAMAGED, "The pairing link is damaged or not whole.") from None
    version = found.get("v") if isinstance(found, dict) else None
    if isinstance(version, bool) or not isinstance(version, int):
        raise NotAnOffer(Why.FIELD, "The pairing link does not say its version.")
    if version < 2:
        raise NotAnOffer(Why.VERSION, f"The pairing link is of an old kind (version {version}).")
    if version > 2:
        raise NotAnOffer(
            Why.VERSION,
            f"The pairing link is not for the official apps (version {version}, theirs is 2).",
        )
