"""The id under which a daemon, or one pairing of it, is found at a relay.

Pure. Section 1.4 of the wire reference. It is no secret, but whoever knows it can stand in the way.
"""

from __future__ import annotations

import base64

__all__ = ["RANDOM_BYTES", "is_server_id", "make_server_id"]

RANDOM_BYTES = 9
_LONGEST = 200


def make_server_id(random: bytes) -> str:
    """`srv_` and twelve characters, of nine random bytes."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a server id is made of {RANDOM_BYTES} bytes")
    return "srv_" + base64.urlsafe_b64encode(random).decode("ascii")


def is_server_id(text: str) -> bool:
    """Whether it can be used: not of our making only, since people may set it (PASEO_SERVER_ID)."""
    return 0 < len(text) <= _LONGEST and text.isprintable() and text.strip() == text
