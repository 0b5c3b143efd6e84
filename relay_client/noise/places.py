"""Where a paired device and its daemon meet at a relay: ids that change with each day.

Pure. Both ends know the device's secret, so both can tell the id of a day, and nobody else can see
that the ids of two days belong together (T14). Until they have a secret of their own they meet at
the server id of the offer.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sereno.relay_client.server_ids import RANDOM_BYTES, make_server_id

__all__ = ["day_of", "days_at", "place"]

_DAY_S = 24 * 60 * 60
APART_S = _DAY_S // 2
"""How far the clocks of both ends may differ, in seconds."""


def day_of(now_s: float) -> int:
    """Days since the epoch, in UTC: the day on which a device calls."""
    return int(now_s // _DAY_S)


def days_at(now_s: float) -> tuple[int, int]:
    """The days under whose ids a daemon waits now: its own, and the nearer one beside it."""
    return day_of(now_s - APART_S), day_of(now_s + APART_S)


def place(secret: bytes, day: int) -> str:
    """The id of a day, which looks like any other server id. `secret`: the device's, 32 bytes."""
    label = b"sereno place at a relay" + day.to_bytes(8, "big", signed=True)
    return make_server_id(HKDF(SHA256(), RANDOM_BYTES, salt=None, info=label).derive(secret))
