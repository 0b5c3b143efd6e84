"""What a channel of our own clients asks of the shell around it, and why a channel ends.

Pure data. A shell carries out effects in the order given. Reasons on the wire are few and say
nothing new to a relay; the words are for people and logs, and hold nothing secret.
"""

from __future__ import annotations

import dataclasses
import enum

__all__ = ["Cause", "Close", "Deliver", "Effect", "Finished", "Greeted", "Opened", "Send"]

_FAILED = (4001, "E2EE handshake failed")
_BROKEN = (1011, "Decryption failed")


class Cause(enum.Enum):
    """Why a channel ended: close code, reason on the wire, and words for a person.

    Only the clean ones say that all the other side had to say has come (T12).
    """

    BAD_KEY = (*_FAILED, "the offer holds a key that must not be used")
    LATE = (4001, "Hello timeout", "the other side did not greet in time")
    PLAINTEXT = (
        1011,
        "Received plaintext frame on encrypted channel",
        "an unencrypted frame: a client of another kind, or a relay that speaks in its name",
    )
    FLOOD = (1009, "Handshake too long", "more was sent for a greeting than a greeting can be")
    NOT_FOR_US = (*_FAILED, "a greeting that was altered, or is meant for another daemon")
    WRONG_DAEMON = (
        *_FAILED,
        "whoever answered does not hold the daemon's key: another daemon, or a relay in between",
    )
    WRONG_PROOF = (
        *_FAILED,
        "a client that holds neither an open offer nor a confirmed device's secret",
    )
    OTHER_DEVICE = (*_FAILED, "another device than the one that was confirmed")
    WRONG_CODE = (
        *_FAILED,
        "the typed code was not the same on both sides, and has ended; make another",
    )
    NOT_CONFIRMED = (4001, "Not confirmed yet", "nobody has said yes in time")
    REFUSED = (*_FAILED, "somebody at the daemon has said no")
    NOT_LET_IN = (
        *_FAILED,
        "it ended before the daemon let us in: the link was used before, has expired or was "
        "revoked, or the relay is in the way",
    )
    BROKEN = (*_BROKEN, "a frame that was altered, repeated, left out, out of order or sent back")
    UNTIMELY = (*_BROKEN, "the other side says what does not belong here")
    INTERRUPTED = (
        1001,
        "Interrupted",
        "the connection was cut; what the other side had to say is not whole",
    )
    UNANSWERED = (1000, "Done", "the other side did not say its own end in time")
    AGED = (1012, "Channel worn out", "a channel lasts for a day at most; connect anew")
    OURS = (1000, "Done", "we ended it ourselves before it was open")
    LEFT = (1000, "Done", "the other side has said all, and left")
    DONE = (1000, "Done", "both sides have said all")

    def __init__(self, code: int, reason: str, words: str) -> None:
        self.code = code
        self.reason = reason
        self.words = words

    @property
    def clean(self) -> bool:
        """Whether nothing of what the other side said is missing."""
        return self in (Cause.DONE, Cause.LEFT)


@dataclasses.dataclass(frozen=True)
class Send:
    """To the peer, as one binary WebSocket frame."""

    frame: bytes


@dataclasses.dataclass(frozen=True)
class Greeted:
    """The handshake is finished on this side. `peer`: the other's own public key, 32 bytes.

    `words` are the same on both sides and are compared by people. `introduction`: what the client
    says of itself, for the daemon's question; not trusted, to be sanitised. `device_secret`, 32
    bytes, takes the place of the offer's secret from now on; None where it did so already.
    """

    peer: bytes
    words: tuple[str, str, str]
    introduction: bytes = b""
    device_secret: bytes | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class Opened:
    """The application may begin to speak."""


@dataclasses.dataclass(frozen=True)
class Deliver:
    """To the application, of the kind that was sent."""

    message: str | bytes


@dataclasses.dataclass(frozen=True)
class Finished:
    """The other side has said all that it had to say. Say the rest, then `close`."""


@dataclasses.dataclass(frozen=True)
class Close:
    """Close the WebSocket. The channel is of no further use; `cause` is for people and the log."""

    cause: Cause

    @property
    def code(self) -> int:
        return self.cause.code

    @property
    def reason(self) -> str:
        return self.cause.reason


Effect = Send | Greeted | Opened | Deliver | Finished | Close
