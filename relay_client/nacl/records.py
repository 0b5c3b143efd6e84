"""Sealing and opening under one shared key, each nonce once (T05 to T07).

Pure: random bytes come from a function that is given. Source: section 3.1 of the wire reference:
`nonce[24] ‖ tag[16] ‖ ciphertext`, XSalsa20-Poly1305, one key for both directions; therefore a
frame of our own that is sent back would open, and is known by its nonce.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NoReturn

import nacl.bindings
import nacl.exceptions

from sereno.relay_client.nacl.effects import Cause
from sereno.relay_client.nacl.nonces import Nonces

__all__ = ["FRAMES", "NONCE_BYTES", "Broken", "Random", "Records", "fingerprint"]

FRAMES = 2**20
"""How many frames a channel carries, both directions together (design.md section 7)."""
NONCE_BYTES = 24
_TAG_BYTES = 16
_DRAWS = 3

Random = Callable[[int], bytes]
"""That many random bytes, such as `os.urandom`."""


class Broken(Exception):
    """The channel must end; `cause` says why."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.words)
        self.cause = cause


def fingerprint(shared: bytes) -> bytes:
    """By what a used client key is remembered: 16 bytes, of the key that was agreed upon.

    Never of the public key as it was sent: X25519 ignores its highest bit and leaves out any part
    of low order, so that each public key has others with the same outcome, and a relay could give
    a recorded session a greeting that looks new.
    """
    return hashlib.blake2b(shared, digest_size=16, person=b"sereno-used-key").digest()


class Records:
    """The open channel's two operations. Both raise Broken; after that it must not be used."""

    def __init__(self, shared: bytes, random: Random, frames: int = FRAMES) -> None:
        self._shared = shared
        self._random = random
        self._left = frames
        self._sent = Nonces()
        self._opened = Nonces()

    def seal(self, message: bytes) -> bytes:
        """The bundle of a message."""
        self._count()
        nonce = self._fresh_nonce()
        return nonce + nacl.bindings.crypto_box_easy_afternm(message, nonce, self._shared)

    def open(self, bundle: bytes) -> bytes:
        """The message of a bundle that the peer sealed and that was not opened before."""
        if len(bundle) < NONCE_BYTES:
            raise Broken(Cause.SHORT)
        nonce, box = bundle[:NONCE_BYTES], bundle[NONCE_BYTES:]
        if len(box) < _TAG_BYTES:
            raise Broken(Cause.FORGED)
        try:
            message = nacl.bindings.crypto_box_open_easy_afternm(box, nonce, self._shared)
        except nacl.exceptions.CryptoError:
            raise Broken(Cause.FORGED) from None
        if nonce in self._sent:
            raise Broken(Cause.REFLECTED)
        if not self._opened.add(nonce):
            raise Broken(Cause.REPLAYED)
        self._count()
        return message

    def _count(self) -> None:
        if self._left <= 0:
            raise Broken(Cause.WORN_OUT)
        self._left -= 1

    def _fresh_nonce(self) -> bytes:
        """One that was neither sent nor opened, even where the randomness is broken (T18)."""
        for _ in range(_DRAWS):
            nonce = self._random(NONCE_BYTES)
            if nonce not in self._opened and self._sent.add(nonce):
                return nonce
        raise Broken(Cause.NONCES)

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys of a channel are never written anywhere (T18)")
