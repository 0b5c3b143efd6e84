"""The offer that another Sereno takes: `sereno://pair#` and digits, once, for some minutes.

Pure. Like the official one (relay_client/offer.py) it stands behind a `#`, and whoever holds it can
knock (C-26, T16). All digits, because a QR code packs those best, and capitals and line breaks do
no harm: key, secret of 16 bytes, id and expiry fit a code of version 4-L where the relay is the
usual one. As bytes, of which the link is the decimal number, most significant first:

    1   version 3 in the upper half; flags: 1 relay given, 2 by TLS, 4 id in full, 8 long secret
    32  the daemon's public key
    16  secret (flag 8: 32)
    4   expiry, seconds since 1970
    9   of which `srv_…` is made (flag 4: one byte of length, then the id in UTF-8)
    n   host:port of the relay (flag 1)
    2   the first of SHA-256 of all before, against slips; every version keeps it at the end
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import hashlib
import re

from sereno.relay_client import endpoints, keys, server_ids
from sereno.relay_client.noise.proofs import OFFER_SECRET_BYTES

__all__ = ["LinkRefused", "Offer3", "Why", "qr_segments"]

_BEFORE = "sereno://pair"
_MARK = re.compile(r"sereno://pair#", re.IGNORECASE)
_OFFICIAL = "#offer="
_VERSION = 3
_RELAY, _TLS, _FULL_ID, _LONG_SECRET = 1, 2, 4, 8
_MOST_DIGITS = 1_500
_ID_PREFIX = "srv_"
_CHECK_BYTES = 2


class Why(enum.StrEnum):
    """Why a link is not taken; also the code of the error."""

    NO_OFFER = "not_an_offer"
    DAMAGED = "offer_damaged"
    VERSION = "offer_version"
    FIELD = "offer_invalid"
    EXPIRED = "offer_expired"


_MAKE = "Make a new link on the daemon's machine: `sereno pair --for sereno`."
_NEXT = {
    Why.NO_OFFER: "Copy the whole link that `sereno pair --for sereno` shows.",
    Why.DAMAGED: "Copy the whole link again, to its last digit, or scan the code.",
    Why.VERSION: _MAKE,
    Why.FIELD: _MAKE,
    Why.EXPIRED: _MAKE,
}


class LinkRefused(Exception):
    """`why` (and as `code`), `message` and `next_step`; never holds a part of the link."""

    def __init__(self, why: Why, message: str) -> None:
        self.why = why
        self.code = why.value
        self.message = message
        self.next_step = _NEXT[why]
        super().__init__(f"{message} {self.next_step}")


@dataclasses.dataclass(frozen=True)
class Offer3:
    """`public_key`: 32 bytes; `secret`: 16 or 32 random ones, of this offer only; `expires_at`:
    seconds since 1970. What ends an offer the daemon decides; the expiry here is for words only.
    """

    server_id: str
    public_key: bytes = dataclasses.field(repr=False)
    secret: bytes = dataclasses.field(repr=False)
    expires_at: int
    endpoint: endpoints.Endpoint = endpoints.DEFAULT

    def link(self) -> str:
        """Raises ValueError for what does not fit: a secret of another length, an id of more
        than 255 bytes, an expiry before 1970 or after 2106.
        """
        body = self._packed()
        check = hashlib.sha256(body).digest()[:_CHECK_BYTES]
        return f"{_BEFORE}#{int.from_bytes(body + check, 'big')}"

    def check(self, now: float) -> None:
        """Raises LinkRefused once it has expired. `now`: seconds since 1970, of a clock that may
        be wrong: therefore the words name it.
        """
        late = now - self.expires_at
        if late >= 0:
            minutes = int(late // 60)
            when = f"{minutes} min ago" if 0 < minutes < 120 else "just now" if not minutes else ""
            when = when or f"{minutes // 60} h ago"
            raise LinkRefused(
                Why.EXPIRED, f"The pairing link expired {when}, by the clock of this machine."
            )

    @classmethod
    def parse(cls, text: str) -> Offer3:
        """The offer in a link, wherever in the text that is. Raises LinkRefused."""
        found = _MARK.search(text)
        if found is None and _OFFICIAL in text:
            raise LinkRefused(
                Why.VERSION, "This link is for the official apps (version 2), not for Sereno."
            )
        digits = "" if found is None else "".join(text[found.end() :].split())
        if not digits:
            raise LinkRefused(Why.NO_OFFER, "This is not a pairing link.")
        body = _unpacked(digits)
        version = body[0] >> 4
        if version != _VERSION:
            raise LinkRefused(
                Why.VERSION, f"The pairing link is of version {version}, known is {_VERSION}."
            )
        return _read(body)

    def _packed(self) -> bytes:
        if len(self.secret) not in OFFER_SECRET_BYTES or len(self.public_key) != keys.KEY_BYTES:
            raise ValueError("a key or a secret of another length")
        if not 0 <= self.expires_at < 2**32:
            raise ValueError("an expiry that cannot be written")
        flags = _LONG_SECRET if len(self.secret) == OFFER_SECRET_BYTES[1] else 0
        made = _id_random(self.server_id)
        if made is None:
            flags |= _FULL_ID
            full = self.server_id.encode()
            made = bytes([len(full)]) + full
        relay = b""
        if self.endpoint != endpoints.DEFAULT:
            flags |= _RELAY | (_TLS if self.endpoint.tls else 0)
            relay = self.endpoint.authority.encode("ascii")
        expiry = self.expires_at.to_bytes(4, "big")
        head = bytes([_VERSION << 4 | flags])
        return head + self.public_key + self.secret + expiry + made + relay


def qr_segments(link: str) -> list[str]:
    """A link as `segno.make` takes it for the smallest code: in parts of one alphabet each, in
    capitals. Of another link the one part that it is.
    """
    if not _MARK.match(link):
        return [link]
    before, _, digits = link.partition("#")
    return [before.upper(), "#", digits]


def _unpacked(digits: str) -> bytes:
    """The bytes of a number, without the check. Raises LinkRefused."""
    damaged = LinkRefused(Why.DAMAGED, "The pairing link is damaged or not whole.")
    if len(digits) > _MOST_DIGITS or not digits.isascii() or not digits.isdigit():
        raise damaged
    if digits.startswith("0"):
        raise damaged
    number = int(digits)
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    body, check = data[:-_CHECK_BYTES], data[-_CHECK_BYTES:]
    if not body or hashlib.sha256(body).digest()[:_CHECK_BYTES] != check:
        raise damaged
    return body


def _read(body: bytes) -> Offer3:
    """Raises LinkRefused."""
    flags, parts = body[0] & 0x0F, _Parts(body[1:])
    public_key = parts.take(keys.KEY_BYTES)
    secret = parts.take(OFFER_SECRET_BYTES[bool(flags & _LONG_SECRET)])
    expires_at = int.from_bytes(parts.take(4), "big")
    if flags & _FULL_ID:
        full = parts.take(parts.take(1)[0])
        server_id = full.decode("utf-8", "replace")
    else:
        server_id = server_ids.make_server_id(parts.take(server_ids.RANDOM_BYTES))
    if not server_ids.is_server_id(server_id):
        raise LinkRefused(Why.FIELD, "The pairing link names no usable server.")
    try:
        keys.check_public(public_key)
    except keys.BadKey as error:
        raise LinkRefused(Why.FIELD, f"The pairing link holds a bad key: {error}.") from None
    return Offer3(server_id, public_key, secret, expires_at, _endpoint(flags, parts.rest()))


def _endpoint(flags: int, written: bytes) -> endpoints.Endpoint:
    if not flags & _RELAY:
        if written or flags & _TLS:
            raise LinkRefused(Why.FIELD, "The pairing link holds more than it says.")
        return endpoints.DEFAULT
    try:
        found = endpoints.parse_public_endpoint(written.decode("ascii", "replace"))
    except endpoints.BadEndpoint as error:
        raise LinkRefused(Why.FIELD, f"The pairing link names a bad relay. {error}") from None
    return dataclasses.replace(found, tls=bool(flags & _TLS))


def _id_random(server_id: str) -> bytes | None:
    """What an id was made of; None for one that was not made by us."""
    try:
        random = base64.urlsafe_b64decode(server_id.removeprefix(_ID_PREFIX))
        return random if server_ids.make_server_id(random) == server_id else None
    except ValueError:
        return None


class _Parts:
    """Bytes, from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, size: int) -> bytes:
        """Raises LinkRefused where there are not so many."""
        if len(self._data) < size:
            raise LinkRefused(Why.FIELD, "The pairing link holds less than it says.")
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def rest(self) -> bytes:
        return self._data
