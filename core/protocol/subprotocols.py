"""WebSocket subprotocols by which a client shows who it is (wire reference 4.3, design section 7).

Both ends need them: core/security judges what is presented, core/client presents it. No behaviour
beyond writing and reading the names.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

PASEO_BEARER = "paseo.bearer."
"""The official clients' form: the password follows as it is, and is echoed in the 101."""
SERENO_V1 = "sereno.v1"
"""What our own clients offer, and what is selected for them; carries no secret."""
SERENO_BEARER64 = "sereno.bearer64."
"""Offered beside `sereno.v1`: the password or token follows, see `bearer64`. Never echoed."""


def bearer64(secret: str) -> str:
    """The subprotocol that presents `secret`: base64url of its UTF-8, without padding.

    So it is an HTTP token whatever characters the secret holds.
    """
    return SERENO_BEARER64 + urlsafe_b64encode(secret.encode()).rstrip(b"=").decode("ascii")


def read_bearer64(subprotocol: str) -> str | None:
    """The secret in a `sereno.bearer64.` subprotocol; None where there is none to be read."""
    if not subprotocol.startswith(SERENO_BEARER64):
        return None
    text = subprotocol.removeprefix(SERENO_BEARER64)
    try:
        raw = text.encode("ascii")
        secret = urlsafe_b64decode(raw + b"=" * (-len(raw) % 4)).decode("utf-8", "strict")
    except ValueError:  # Also what is no ASCII, no base64, no UTF-8.
        return None
    return secret if secret and bearer64(secret) == subprotocol else None
