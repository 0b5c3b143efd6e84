"""What a client shows to prove itself, read from its headers (wire reference 4.3, C-40).

Pure reading: whether it is right is core/security/gate.py's question. Three forms: Authorization
on plain HTTP; the official clients' subprotocol on WebSockets, where they send Authorization too
and it is ignored; and our own clients' subprotocol, which never comes back in an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from sereno.core.protocol.subprotocols import PASEO_BEARER, SERENO_V1, read_bearer64

__all__ = ["NOTHING", "Presented", "from_http", "from_upgrade"]

_SERENO = "sereno."


class Presented(msgspec.Struct, frozen=True):
    """`secret`: password or token; None when nothing was shown that can be read as one.

    `echo`: the subprotocol to select in the 101. `first`: the first one offered, which official
    clients want back where no password is set. `strict`: one of ours was offered, so a refusal is
    an HTTP 401 and not a 101 with 4401 after it. `kind`: where the secret stood.
    """

    secret: str | None = None
    echo: str | None = None
    first: str | None = None
    strict: bool = False
    kind: Literal["bearer", "subprotocol"] = "subprotocol"

    def __repr__(self) -> str:
        """Without what was shown: subprotocols hold it too."""
        return f"Presented(strict={self.strict!r}, kind={self.kind!r})"


NOTHING = Presented()


def from_http(authorization: Sequence[str]) -> Presented:
    """From the values of all Authorization headers of a plain request."""
    return Presented(secret=_bearer(authorization), strict=True, kind="bearer")


def from_upgrade(authorization: Sequence[str], subprotocols: Sequence[str]) -> Presented:
    """From the same and the subprotocols of a WebSocket upgrade, in the order of the client."""
    if any(one.startswith(_SERENO) for one in subprotocols):
        return _ours(authorization, subprotocols)
    first = subprotocols[0] if subprotocols else None
    shown = next((one for one in subprotocols if one.startswith(PASEO_BEARER)), None)
    if shown is None:
        return Presented(first=first)
    return Presented(secret=shown.removeprefix(PASEO_BEARER), echo=shown, first=first)


def _ours(authorization: Sequence[str], subprotocols: Sequence[str]) -> Presented:
    """Two different secrets are none: a middleman that adds one must not decide which counts."""
    echo = SERENO_V1 if SERENO_V1 in subprotocols else None
    found = {secret for one in subprotocols if (secret := read_bearer64(one)) is not None}
    if found:
        secret = found.pop() if len(found) == 1 else None
        return Presented(secret=secret, echo=echo, strict=True)
    return Presented(secret=_bearer(authorization), echo=echo, strict=True, kind="bearer")


def _bearer(authorization: Sequence[str]) -> str | None:
    """Exactly one header of exactly two words, the first one in this very case."""
    if len(authorization) != 1:
        return None
    match authorization[0].split():
        case ["Bearer", secret]:
            return secret
        case _:
            return None
