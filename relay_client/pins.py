"""Pins: which public keys a relay's certificate may have, whoever signed it (C-29, T15).

Pure. A pin is the SHA-256 of the DER SubjectPublicKeyInfo of the relay's own certificate (RFC 7469,
section 2.4), written `sha256/<base64>`; curl's spelling with two slashes is taken too. Pins come on
top of the usual checks and replace none. A second pin is for the key that comes next.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

__all__ = ["PIN_BYTES", "BadPin", "format_pin", "parse_pin", "pin_of"]

PIN_BYTES = 32
_MARK = "sha256/"


class BadPin(ValueError):
    """Says in words what is wrong with a pin."""


def parse_pin(text: str) -> bytes:
    """The 32 bytes of a pin. Raises BadPin."""
    if not text.startswith(_MARK):
        raise BadPin("A pin begins with sha256/ and goes on in base64.")
    digits = text.removeprefix(_MARK).removeprefix("/")
    try:
        pin = base64.b64decode(digits, validate=True)
    except (binascii.Error, ValueError):
        raise BadPin("What stands behind sha256/ is no base64.") from None
    if len(pin) != PIN_BYTES:
        raise BadPin(f"A pin holds {PIN_BYTES} bytes in base64, this one {len(pin)}.")
    return pin


def format_pin(pin: bytes) -> str:
    """As it is written in the configuration."""
    return _MARK + base64.b64encode(pin).decode("ascii")


def pin_of(certificate: bytes) -> bytes:
    """The pin of a certificate in DER form. Raises BadPin where it has none that we can read."""
    # Not at the top: most people set no pin, and this import is felt.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadPin("a certificate that cannot be read") from error
    return hashlib.sha256(info).digest()
