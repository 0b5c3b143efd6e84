"""The three messages of XKpsk3, by the noiseprotocol library; the only file that knows it.

Pure: the ephemeral key is given. The library is small and old; this wrapper is what would be
rewritten to replace it, and the published vectors judge either (tests/relay_client/noise).
Message 1: client's ephemeral. 2: daemon's ephemeral. 3: client's own key and proof of the secret.
"""

from __future__ import annotations

from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from noise.connection import Keypair, NoiseConnection  # type: ignore[import-untyped]
from noise.exceptions import (  # type: ignore[import-untyped]
    NoiseHandshakeError,
    NoiseInvalidMessage,
    NoiseMaxNonceError,
    NoiseValueError,
)

__all__ = ["KEY_BYTES", "MESSAGE_BYTES", "NAME", "Handshake", "NoiseFailed"]

NAME = b"Noise_XKpsk3_25519_AESGCM_SHA256"
KEY_BYTES = 32
MESSAGE_BYTES = 65_535
"""The largest message of Noise, tags included (section 3 of its specification)."""
_FAILURES = (
    InvalidTag,
    NoiseHandshakeError,
    NoiseInvalidMessage,
    NoiseMaxNonceError,
    NoiseValueError,
    ValueError,  # a public key of low order, as `cryptography` says it
)


class NoiseFailed(Exception):
    """A message was altered, out of order, or of somebody who does not hold the secrets."""


class Handshake:
    """One side of one handshake. After a failure it is of no further use.

    All keys and the shared secret `psk` have 32 bytes; `prologue` is what both sides must agree
    upon without sending it; `ephemeral` is drawn for this handshake and used for no other.
    """

    def __init__(
        self,
        *,
        static: bytes,
        psk: bytes,
        prologue: bytes,
        ephemeral: bytes,
        daemon_key: bytes | None = None,
    ) -> None:
        """With `daemon_key` the client's side, else the daemon's. Raises ValueError for keys of
        a wrong length.
        """
        secrets = [static, psk, ephemeral, daemon_key or psk]
        if any(len(secret) != KEY_BYTES for secret in secrets):
            raise ValueError(f"a key of the handshake has {KEY_BYTES} bytes")
        self._noise: Any = NoiseConnection.from_name(NAME)
        self._noise.set_psks(psk)
        self._noise.set_prologue(prologue)
        self._noise.set_keypair_from_private_bytes(Keypair.STATIC, static)
        if daemon_key is None:
            self._noise.set_as_responder()
        else:
            self._noise.set_as_initiator()
            self._noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, daemon_key)
        self._noise.start_handshake()
        self._state: Any = self._noise.noise_protocol.handshake_state
        # Set here and not before, where the library warns of ephemeral keys that are given.
        self._state.e = self._noise.noise_protocol.keypair_class.from_private_bytes(ephemeral)
        self._failed = False
        self._peer = self._chain = b""

    @property
    def finished(self) -> bool:
        return bool(self._noise.handshake_finished) and not self._failed

    @property
    def transcript(self) -> bytes:
        """The hash of all that was said, 32 bytes, once finished: words to compare come of it."""
        self._must_be_finished()
        return bytes(self._noise.get_handshake_hash())

    @property
    def peer(self) -> bytes:
        """The other side's own public key, once finished."""
        self._must_be_finished()
        return self._peer

    def derive(self, label: bytes) -> bytes:
        """Another secret of 32 bytes that only the two sides know, once finished; for each label
        another one, and none of them tells anything about the keys of the channel.
        """
        self._must_be_finished()
        if not self._chain:
            raise NoiseFailed("what secrets are derived from was let go")
        return HKDF(SHA256(), 32, salt=self.transcript, info=label).derive(self._chain)

    def forget(self) -> None:
        """No more is to be derived: what could be, is let go (forward secrecy)."""
        self._chain = b""

    def write(self, payload: bytes = b"") -> bytes:
        """Our next message. The payload of the first is not secret: leave it empty."""
        return self._step(self._noise.write_message, payload)

    def read(self, message: bytes) -> bytes:
        """The payload of the other side's next message."""
        return self._step(self._noise.read_message, message)

    def encrypt(self, plaintext: bytes) -> bytes:
        """A transport message, once finished; order is counted by itself."""
        self._must_be_finished()
        return self._step(self._noise.encrypt, plaintext)

    def decrypt(self, message: bytes) -> bytes:
        """The plaintext of the next transport message, and of no other."""
        self._must_be_finished()
        return self._step(self._noise.decrypt, message)

    def rekey_sending(self) -> None:
        """From the next message we encrypt on, another key: the old one cannot be had from it."""
        self._must_be_finished()
        self._noise.rekey_outbound_cipher()

    def rekey_receiving(self) -> None:
        """The same for what we decrypt; both sides must do it at the same message."""
        self._must_be_finished()
        self._noise.rekey_inbound_cipher()

    def _step(self, act: Any, data: bytes) -> bytes:
        if self._failed:
            raise NoiseFailed("the channel has failed before")
        if len(data) > MESSAGE_BYTES:
            self._fail("a message is too long", None)
        try:
            done = bytes(act(data))
        except _FAILURES as error:
            self._fail("a message was altered, out of order, or is not of who it should be", error)
        if len(done) > MESSAGE_BYTES:
            self._fail("a message is too long", None)
        if self._state is not None and self._noise.handshake_finished:
            self._finish()
        return done

    def _finish(self) -> None:
        """Keeps what is asked for later and lets go of every key that is done its work: whoever
        reads this process afterwards cannot open what was said before (T17).
        """
        self._peer = bytes(self._state.rs.public_bytes)
        self._chain = bytes(self._state.symmetric_state.ck)
        self._noise.noise_protocol.keypairs.clear()
        self._state = None

    def _fail(self, words: str, cause: Exception | None) -> NoReturn:
        self._failed = True
        raise NoiseFailed(words) from cause

    def _must_be_finished(self) -> None:
        if self._failed:
            raise NoiseFailed("the channel has failed before")
        if not self.finished:
            raise NoiseFailed("the handshake is not finished")

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys of a channel are never written anywhere (T18)")
