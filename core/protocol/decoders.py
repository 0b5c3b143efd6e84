"""Decoders that are built when they are first needed, by one thread at a time.

msgspec notes what it learns of a struct on the struct itself, bit by bit, and gives a thread that
asks meanwhile the half of it: a decoder that reads wild memory (SIGSEGV, seen with 0.22). The
daemon, the UI and the readers of the database are threads of one process and share the wire's
types. Decoders that are built at import, over types that no other module knows, need none of it.
"""

from __future__ import annotations

from _thread import RLock  # `threading` is not loaded by the command line
from typing import Any, Final

import msgspec

__all__ = ["decoder"]

_building: Final = RLock()


def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """A decoder of JSON for this type. Whoever calls keeps it."""
    with _building:
        return msgspec.json.Decoder(kind)
