"""X25519 keys as texts: how they stand in offers, hellos and the key pair file.

Pure. Source: sections 1.1, 1.5 and 3.2 of the wire reference. Points of low order are refused
(T10): what is agreed upon with such a key is known to everybody.
"""

from __future__ import annotations

import base64
import binascii

import nacl.bindings
import nacl.exceptions

__all__ = [
    "KEY_BYTES",
    "BadKey",
    "check_public",
    "decode_key",
    "encode_key",
    "public_of",
    "shared_key",
]

KEY_BYTES = 32
_TEXT = 44


class BadKey(ValueError):
    """What was given is no key, or one that must not be used."""


def encode_key(key: bytes) -> str:
    """Standard padded base64 of a key of 32 bytes."""
    return base64.b64encode(key).decode("ascii")


def decode_key(text: str) -> bytes:
    """The 32 bytes of a key: padding is mandatory, blanks are not tolerated, `-` and `_` stand for
    `+` and `/`. Raises BadKey.
    """
    if len(text) != _TEXT:
        raise BadKey(f"a key has {_TEXT} characters, this has {len(text)}")
    try:
        plain = text.replace("-", "+").replace("_", "/").encode("ascii")
        key = binascii.a2b_base64(plain, strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise BadKey("a key is written in base64") from error
    if len(key) != KEY_BYTES:
        raise BadKey(f"a key has {KEY_BYTES} bytes, this has {len(key)}")
    return key


def public_of(secret: bytes) -> bytes:
    """The public key that belongs to a secret one (both 32 bytes)."""
    return nacl.bindings.crypto_scalarmult_base(secret)


def shared_key(theirs: bytes, secret: bytes) -> bytes:
    """What both sides of a NaCl box agree upon (crypto_box_beforenm), 32 bytes.

    Raises BadKey for a public key of low order, all zero among them (T10).
    """
    try:
        return nacl.bindings.crypto_box_beforenm(theirs, secret)
    except nacl.exceptions.RuntimeError as error:
        raise BadKey("this key is weak on purpose: nobody may use it") from error


def check_public(key: bytes) -> None:
    """Raises BadKey for a public key that nobody may agree upon anything with."""
    shared_key(key, b"\x01" * KEY_BYTES)
