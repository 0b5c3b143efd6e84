"""What a channel asks of the shell around it, and why a channel ends.

Pure data. A shell carries out effects in the order given. Codes and reasons are those of section
5.9 of the wire reference where it has one; the cause is for our log and never goes on the wire, so
that a relay does not learn what gave it away.
"""

from __future__ import annotations

import dataclasses
import enum

__all__ = ["Cause", "Claim", "Close", "Deliver", "Effect", "Opened", "Send"]


class Cause(enum.Enum):
    """Why a channel ended: close code, reason on the wire, and words for a person."""

    BAD_KEY = (4001, "E2EE handshake failed", "the offer holds a key that must not be used")
    NO_HELLO = (1011, "E2EE handshake failed", "the first frame was no greeting")
    BAD_HELLO = (1011, "E2EE handshake failed", "the greeting held no usable key")
    OTHER_KEY = (1011, "E2EE handshake failed", "a second client's key on one connection")
    HELLOS = (1011, "E2EE handshake failed", "the same greeting far too often")
    USED_KEY = (1011, "E2EE handshake failed", "a client key that was used before: a replay")
    LATE = (4001, "Hello timeout", "the client did not say anything in time")
    PLAINTEXT = (1011, "Received plaintext frame on encrypted channel", "an unencrypted frame")
    SHORT = (1011, "Ciphertext bundle too short", "a frame that is not encrypted, or was cut")
    FORGED = (1011, "Decryption failed", "a frame that was altered, or is not the client's")
    REPLAYED = (1011, "Decryption failed", "a frame that came before: a replay")
    REFLECTED = (1011, "Decryption failed", "a frame of our own, sent back to us")
    NONCES = (1011, "Internal error", "this machine's random numbers repeat themselves")
    FLOOD = (1013, "Too many frames before the handshake ended", "too much sent too early")
    WORN_OUT = (1012, "Channel worn out", "a channel carries 2^20 frames; connect anew")

    def __init__(self, code: int, reason: str, words: str) -> None:
        self.code = code
        self.reason = reason
        self.words = words


@dataclasses.dataclass(frozen=True)
class Send:
    """To the peer, as one WebSocket text frame."""

    text: str


@dataclasses.dataclass(frozen=True)
class Opened:
    """The application may begin to speak."""


@dataclasses.dataclass(frozen=True)
class Deliver:
    """To the application: text when the plaintext is valid UTF-8, else bytes. Which kind the peer
    sent is lost on this wire (section 3.6): classify by the first byte.
    """

    message: str | bytes


@dataclasses.dataclass(frozen=True)
class Claim:
    """Ask the store, durably and atomically, whether a client's key is new, and make it used.

    `fingerprint`: 16 bytes. Answer with `DaemonChannel.claimed`; nothing is delivered before.
    """

    fingerprint: bytes


@dataclasses.dataclass(frozen=True)
class Close:
    """Close the WebSocket. The channel is of no further use; `cause` is for the log."""

    cause: Cause

    @property
    def code(self) -> int:
        return self.cause.code

    @property
    def reason(self) -> str:
        return self.cause.reason


Effect = Send | Opened | Deliver | Claim | Close
