"""The last message through a relay: why the daemon closes, which the relay would not pass on.

For our own clients, inside their channel; official ones have no word for it. Codes and reasons are
those of the wire reference 5.9.
"""

import msgspec

from sereno.core.protocol.values import Wire

__all__ = ["Farewell", "farewell_of"]

_BEGINS = b'{"type":"sereno.farewell"'


class Farewell(Wire, tag_field="type", tag="sereno.farewell"):
    code: int
    reason: str

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


def farewell_of(frame: bytes) -> Farewell | None:
    """None for every other message."""
    if not frame.startswith(_BEGINS):
        return None
    try:
        return msgspec.json.decode(frame, type=Farewell)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
