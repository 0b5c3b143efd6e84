"""What this home knows of a daemon that it reaches through a relay: a record, and its file.

Made from a pairing link before anybody is called, so that an interrupted pairing can go on. Which
secret is shown first, and when the offer's is forgotten, stands in relay_client/noise/proofs.py.
"""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from sereno.core.client.errors import ClientError
from sereno.core.home import Home, HomeError, hosts
from sereno.relay_client.endpoints import BadEndpoint, Endpoint, parse_endpoint
from sereno.relay_client.noise.offer3 import LinkRefused, Offer3
from sereno.relay_client.noise.proofs import DeviceSecret, OfferSecret, Proof

__all__ = ["Paired", "PairedHost"]

_VERSION = 1
_KEY_BYTES = 32
_MOST_SECRETS = 4


class Paired(msgspec.Struct, frozen=True, rename="camel"):
    """`daemonKey`: its public key. `ownKey`: our secret one, for this daemon only. `offerSecret`:
    until a daemon has let us in; `deviceSecrets`: one of each greeting until then, newest last, for
    we cannot know which of them the daemon has heard; the right one alone afterwards. In base64.
    `relay`: as `ws://…` or `wss://…`."""

    v: int
    server_id: str
    relay: str
    daemon_key: str
    own_key: str
    offer_secret: str | None = None
    device_secrets: list[str] = []

    def __repr__(self) -> str:
        return f"Paired({self.server_id})"


class PairedHost:
    """One daemon's record, read and kept in a home."""

    def __init__(self, home: Home, record: Paired) -> None:
        self._home = home
        self._record = record
        self.endpoint: Endpoint = parse_endpoint(record.relay)
        self.clock: Callable[[], float] = time.time
        self.pins: Collection[bytes] = ()
        """Keys of which the relay must have one, if there are any (relay_client/pins.py)."""

    @classmethod
    def of_target(cls, home: Home, link: str, now_s: float) -> PairedHost:
        """By what stands in a Target: a pairing link, or `sereno://ID`. Raises ClientError."""
        if "#" in link:
            return cls.of_link(home, link, now_s)
        return cls.of_id(home, link.partition("://")[2])

    @classmethod
    def of_code(
        cls,
        home: Home,
        code: str,
        relay: str,
        now_s: float,
        *,
        pins: Collection[bytes] = (),
    ) -> PairedHost:
        """By a code that somebody typed: exchanged for the link at the relay that `relay` names,
        once. Blocks for ten seconds at most, where no loop runs. Raises ClientError."""
        from sereno.core.client.typed_code import exchanged

        link = asyncio.run(exchanged(code, relay, pins))
        return cls.of_link(home, link, now_s)

    @classmethod
    def of_link(
        cls,
        home: Home,
        link: str,
        now_s: float,
        random: Callable[[int], bytes] = os.urandom,
    ) -> PairedHost:
        """By a pairing link: what is known already, or a new record, kept before anything is sent.

        Raises ClientError for a link or a file that cannot be used. An expired link is of use only
        to whoever came by it before.
        """
        try:
            offer = Offer3.parse(link)
            known = cls._find(home, offer.server_id)
            if known is not None:
                return known
            offer.check(now_s)
        except LinkRefused as error:
            raise ClientError(error.code, error.message.rstrip("."), error.next_step) from None
        scheme = "wss" if offer.endpoint.tls else "ws"
        host = cls(
            home,
            Paired(
                v=_VERSION,
                server_id=offer.server_id,
                relay=f"{scheme}://{offer.endpoint.authority}",
                daemon_key=_text(offer.public_key),
                own_key=_text(random(_KEY_BYTES)),
                offer_secret=_text(offer.secret),
            ),
        )
        host._keep()
        return host

    @classmethod
    def of_id(cls, home: Home, server_id: str) -> PairedHost:
        """By the id of a daemon that we were paired with. Raises ClientError."""
        known = cls._find(home, server_id)
        if known is None:
            raise ClientError(
                "not_paired",
                f"this home was not paired with {server_id}",
                "Make a link on the daemon's machine: sereno pair --for sereno",
            )
        return known

    @classmethod
    def _find(cls, home: Home, server_id: str) -> PairedHost | None:
        try:
            raw = hosts.load(home, server_id)
        except HomeError as error:
            raise _of_home(error) from error
        except ValueError:
            raise ClientError("bad_target", "this is no daemon's id") from None
        if raw is None:
            return None
        try:
            record = msgspec.json.decode(raw, type=Paired)
            if record.v != _VERSION or record.server_id != server_id:
                raise ValueError("another version, or another daemon's")
            for text in (record.daemon_key, record.own_key):
                if len(_data(text)) != _KEY_BYTES:
                    raise ValueError("a key of another length")
            if len(record.device_secrets) > _MOST_SECRETS:
                raise ValueError("more secrets than were ever kept")
            if record.offer_secret is None and not record.device_secrets:
                raise ValueError("no secret at all")
            return cls(home, record)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, BadEndpoint):
            path = hosts.path_of(home, server_id)
            raise _damaged(path) from None

    # What is shown

    @property
    def server_id(self) -> str:
        return self._record.server_id

    @property
    def daemon_key(self) -> bytes:
        return _data(self._record.daemon_key)

    @property
    def own_key(self) -> bytes:
        return _data(self._record.own_key)

    @property
    def is_new(self) -> bool:
        """No daemon has let us in yet."""
        return self._record.offer_secret is not None

    @property
    def place(self) -> str:
        """Under which id the daemon waits for us at the relay now: once it has let us in, one that
        changes with each day (T14)."""
        if self.is_new:
            return self.server_id
        from sereno.relay_client.noise import places

        return places.place(_data(self._record.device_secrets[-1]), places.day_of(self.clock()))

    @property
    def proofs(self) -> list[Proof]:
        """To be tried in this order: we cannot know whether our last words arrived."""
        newest_first = reversed(self._record.device_secrets)
        found: list[Proof] = [DeviceSecret(_data(one)) for one in newest_first]
        if self._record.offer_secret is not None:
            found.append(OfferSecret(_data(self._record.offer_secret)))
        return found

    # What happens. These write a file: not on a loop that must not wait.

    def greeted(self, device_secret: bytes) -> None:
        """The handshake is finished; whether it is the daemon's too shows later."""
        self._look_again()
        if self.is_new:
            secrets = [*self._record.device_secrets, _text(device_secret)][-_MOST_SECRETS:]
            self._change(self._record.offer_secret, secrets)

    def let_in(self, device_secret: bytes) -> None:
        """The daemon has let us in by this secret: the others are of no use any more."""
        self._look_again()
        if self.is_new:
            self._change(None, [_text(device_secret)])

    def _look_again(self) -> None:
        """Another program of this home may have come by the same link meanwhile: the one that was
        let in knows the only secret that counts, which nobody must overwrite."""
        found = self._find(self._home, self.server_id)
        if found is not None and found.own_key == self.own_key:
            self._record = found._record

    def _change(self, offer_secret: str | None, device_secrets: list[str]) -> None:
        self._record = msgspec.structs.replace(
            self._record, offer_secret=offer_secret, device_secrets=device_secrets
        )
        self._keep()

    def _keep(self) -> None:
        try:
            hosts.save(self._home, self.server_id, msgspec.json.encode(self._record) + b"\n")
        except HomeError as error:
            raise _of_home(error) from error


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _data(text: str) -> bytes:
    """Raises ValueError."""
    return base64.b64decode(text, validate=True)


def _of_home(error: HomeError) -> ClientError:
    return ClientError(error.code, error.message.rstrip("."), error.next_step)


def _damaged(path: Path) -> ClientError:
    return ClientError(
        "damaged_keys",
        f"{path} cannot be read",
        f"Put it back from a copy; without one: rm {path}, and pair again",
    )
