"""The format of `daemon-keypair.json`, which is Paseo's, so that paired phones stay paired.

Pure: no files here. Source: section 1.5 of the wire reference. A damaged key pair is refused with
the way out, never made anew in silence (design.md section 7, C-14).
"""

from __future__ import annotations

import dataclasses
import json

import msgspec

from sereno.relay_client import keys

__all__ = ["KeyPair", "KeyPairDamaged"]

_LARGEST = 4_096


class KeyPairDamaged(Exception):
    """`code`, `message` and `next_step` as every error of ours; never holds a part of a key."""

    def __init__(self, message: str) -> None:
        self.code = "keypair_damaged"
        self.message = message
        self.next_step = (
            "Put the file back from a copy. Without one, move it away: a new key pair is made, "
            "and what was paired with the old one must be paired again."
        )
        super().__init__(f"{message} {self.next_step}")


class _File(msgspec.Struct):
    v: int
    public: str = msgspec.field(name="publicKeyB64")
    secret: str = msgspec.field(name="secretKeyB64")


@dataclasses.dataclass(frozen=True)
class KeyPair:
    """Two keys of 32 bytes, for X25519; the secret one as it was drawn, unclamped."""

    public: bytes
    secret: bytes = dataclasses.field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> KeyPair:
        """The pair of a secret: 32 random bytes."""
        return cls(keys.public_of(secret), secret)

    def encode(self) -> bytes:
        """What is written to the file (mode 0600)."""
        fields = {
            "v": 2,
            "publicKeyB64": keys.encode_key(self.public),
            "secretKeyB64": keys.encode_key(self.secret),
        }
        return (json.dumps(fields, indent=2) + "\n").encode("ascii")

    @classmethod
    def decode(cls, data: bytes) -> KeyPair:
        """What the file holds. Raises KeyPairDamaged."""
        if len(data) > _LARGEST:
            raise KeyPairDamaged("The key pair file is far too large to be one.")
        try:
            found = msgspec.json.decode(data, type=_File)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise KeyPairDamaged("The key pair file cannot be read.") from None
        if found.v != 2:
            raise KeyPairDamaged(f"The key pair file has version {found.v}, known is 2.")
        try:
            pair = cls.of(keys.decode_key(found.secret))
            public = keys.decode_key(found.public)
        except keys.BadKey:
            raise KeyPairDamaged("The key pair file holds what is no key.") from None
        if pair.public != public:
            raise KeyPairDamaged("The two keys of the key pair file do not belong together.")
        return pair
