"""What a client shows beside its own key: the secret of an open offer, or that of a device.

Pure. It is mixed into the last message of the handshake (XKpsk3) and never sent. Offers and devices
are kept apart by label, so that one is never taken for the other (C-21, C.3.1 items 1 and 2).

The first handshake with an offer ends the offer's secret: both ends derive a device secret from it
(`Greeted.device_secret`), without a further message. The daemon keeps it, and the device's key,
from Greeted on; to whoever is greeted after that by the same offer it says no. The client cannot
know whether its last message arrived. Until Opened it keeps the offer's secret and each device
secret that it derived, before Send goes out, and tries them in turn, device secrets first; from
Opened on it keeps the one that was let in.
"""

from __future__ import annotations

import dataclasses

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sereno.relay_client.noise.handshake import KEY_BYTES, NAME, Handshake

__all__ = [
    "OFFER_SECRET_BYTES",
    "DeviceSecret",
    "OfferSecret",
    "Proof",
    "device_secret",
    "prologue",
]

OFFER_SECRET_BYTES = (16, 32)
_CHANNEL = b"relay-channel-v3"
_DEVICE = b"sereno device secret"


@dataclasses.dataclass(frozen=True)
class OfferSecret:
    """`secret`: 16 or 32 random bytes, of one offer. Raises ValueError."""

    secret: bytes = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) not in OFFER_SECRET_BYTES:
            raise ValueError("the secret of an offer has 16 or 32 bytes")

    def mixed(self) -> bytes:
        """The 32 bytes that go into the handshake."""
        return _expanded(self.secret, b"sereno psk of an offer")


@dataclasses.dataclass(frozen=True)
class DeviceSecret:
    """`secret`: 32 bytes, as `Greeted` gave it to both ends. Raises ValueError."""

    secret: bytes = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"the secret of a device has {KEY_BYTES} bytes")

    def mixed(self) -> bytes:
        """The 32 bytes that go into the handshake."""
        return _expanded(self.secret, b"sereno psk of a device")


Proof = OfferSecret | DeviceSecret


def device_secret(handshake: Handshake) -> bytes:
    """What takes the place of the offer's secret, of a finished handshake."""
    return handshake.derive(_DEVICE)


def prologue(server_id: str, connection_id: str) -> bytes:
    """What both ends must agree upon without sending it; each part with its length before it.

    `connection_id`: only where both ends know it, else empty on both (the relay of the official
    apps never tells it to a client).
    """
    parts = [_CHANNEL, server_id.encode(), connection_id.encode(), NAME]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _expanded(secret: bytes, label: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=label).derive(secret)
