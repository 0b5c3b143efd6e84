"""Messages that go out together: made once, shared by all clients that get the same ones.

Not here: who gets what (registry.py), and the framing of a transport (core/listeners).
"""

from __future__ import annotations

from collections.abc import Sequence

from sereno.core.protocol.outgoing import Kind, Outgoing

__all__ = ["Batch", "single"]


class Batch:
    """`joined` is where a listener keeps all messages in its framing, as one piece of bytes."""

    __slots__ = ("joined", "messages")

    def __init__(self, messages: Sequence[Outgoing]) -> None:
        self.messages = messages
        self.joined: bytes | None = None

    def __bool__(self) -> bool:
        return bool(self.messages)


def single(frame: bytes) -> Outgoing:
    """One whole frame for one client: a reply, never dropped."""
    return Outgoing(Kind.CONTROL, "", frame)
