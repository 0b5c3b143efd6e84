"""What comes over the wire, sorted: greetings, ready, plaintext, sealed bundles.

Pure. Source: sections 3.2, 3.3 and 3.6 of the wire reference. Nothing here is authenticated.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import enum

import msgspec

from sereno.relay_client import keys

__all__ = ["READY", "Frame", "Kind", "hello", "read", "wire"]

READY = '{"type":"e2ee_ready"}'
_HANDSHAKE_BYTES = 65_536
"""No greeting is longer."""
_ALPHABET = str.maketrans("-_", "+/")


class Kind(enum.Enum):
    """What a frame claims to be."""

    HELLO = enum.auto()
    BAD_HELLO = enum.auto()
    READY = enum.auto()
    PLAIN = enum.auto()
    SEALED = enum.auto()
    GARBAGE = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """`data`: the client's public key of a HELLO, the bundle of a SEALED, else empty."""

    kind: Kind
    data: bytes = b""


class _Head(msgspec.Struct):
    type: str
    key: msgspec.Raw = msgspec.Raw(b"null")


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_text = msgspec.json.Decoder(str).decode


def hello(public_key: bytes) -> str:
    """The client's greeting."""
    return f'{{"type":"e2ee_hello","key":"{keys.encode_key(public_key)}"}}'


def wire(bundle: bytes) -> str:
    """A sealed bundle as it is sent: standard base64 with padding."""
    return base64.b64encode(bundle).decode("ascii")


def read(frame: str | bytes) -> Frame:
    """Sorts a frame; a binary one is read as text (section 3.6). Raises nothing."""
    if isinstance(frame, bytes):
        try:
            frame = frame.decode("utf-8")
        except UnicodeDecodeError:
            return Frame(Kind.GARBAGE)
    if frame.lstrip().startswith("{"):
        return _read_json(frame)
    return _read_bundle(frame)


def _read_json(text: str) -> Frame:
    if len(text) > _HANDSHAKE_BYTES:
        return Frame(Kind.PLAIN)
    try:
        head = _decode_head(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return Frame(Kind.PLAIN)
    if head.type == "e2ee_ready":
        return Frame(Kind.READY)
    if head.type != "e2ee_hello":
        return Frame(Kind.PLAIN)
    try:
        return Frame(Kind.HELLO, keys.decode_key(_decode_text(head.key)))
    except (msgspec.DecodeError, keys.BadKey, RecursionError):
        return Frame(Kind.BAD_HELLO)


def _read_bundle(text: str) -> Frame:
    """Laxer than for keys: blanks around, both alphabets, missing padding. Other than official
    decoders it takes no foreign characters, which could only make a bundle that is none.
    """
    plain = text.strip()
    if "-" in plain or "_" in plain:
        plain = plain.translate(_ALPHABET)
    try:
        data = plain.encode("ascii")
        return Frame(
            Kind.SEALED, binascii.a2b_base64(data + b"=" * (-len(data) % 4), strict_mode=True)
        )
    except (binascii.Error, UnicodeEncodeError):
        return Frame(Kind.GARBAGE)
