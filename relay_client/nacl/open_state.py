"""What both sides do alike once a key is agreed upon: seal what goes, open what comes, end once.

Pure. The handshakes, which differ, are in daemon.py and client.py.
"""

from __future__ import annotations

from typing import NoReturn

from sereno.relay_client.nacl import frames
from sereno.relay_client.nacl.effects import Cause, Close, Deliver, Effect, Send
from sereno.relay_client.nacl.records import Broken, Records

__all__ = ["Endable", "Ended", "NotOpen", "as_bytes", "as_delivered"]


class Ended(Exception):
    """The channel has ended; `cause` says why, None for our own wish."""

    def __init__(self, cause: Cause | None) -> None:
        words = "it was closed" if cause is None else cause.words
        super().__init__(f"The encrypted channel has ended: {words}.")
        self.cause = cause


class NotOpen(Exception):
    """Too early to send: wait for Opened."""


def as_bytes(message: str | bytes) -> bytes:
    """What is sealed. Raises UnicodeEncodeError for text with half a surrogate pair."""
    return message.encode("utf-8") if isinstance(message, str) else message


def as_delivered(message: bytes) -> Deliver:
    """Section 3.6, step 4: valid UTF-8 is text, whatever it was."""
    try:
        return Deliver(message.decode("utf-8"))
    except UnicodeDecodeError:
        return Deliver(message)


class Endable:
    """The end of a channel, and its records before it. For the two channels to build upon."""

    def __init__(self) -> None:
        self._records: Records | None = None
        self._ended = False
        self._cause: Cause | None = None

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def cause(self) -> Cause | None:
        """Why it ended; None while it has not, and after `close`."""
        return self._cause

    def close(self) -> None:
        """Ends it by our own wish, or because the socket is gone. Keys and what waits are let go;
        on the wire this channel has no word for it (T12 holds on the Noise channel only).
        """
        self._ended = True
        self._records = None
        self._let_go()

    def _end(self, cause: Cause) -> list[Effect]:
        self._cause = cause
        self.close()
        return [Close(cause)]

    def _let_go(self) -> None:
        raise NotImplementedError

    def _seal(self, records: Records, messages: list[bytes]) -> list[Effect]:
        effects: list[Effect] = []
        for message in messages:
            try:
                effects.append(Send(frames.wire(records.seal(message))))
            except Broken as broken:
                return effects + self._end(broken.cause)
        return effects

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys of a channel are never written anywhere (T18)")
