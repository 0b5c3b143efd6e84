"""Offers, the question before somebody is let in, and devices, for all who deal with them.

The owner's side is pairing_desk.py; here is the side of whoever carries the connections, and of the
daemon that starts, stops and lets time go by. Nothing here knows a socket: who must go at once is
told by `drop`, what must be reachable by `changed`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import msgspec

from sereno.core.daemon.pairing_age import Ages
from sereno.core.daemon.pairing_book import KEPT_MS, Entry
from sereno.core.daemon.pairing_desk import PairingDesk
from sereno.core.daemon.pairing_knock import BY, Note
from sereno.core.daemon.pairing_ledger import Live
from sereno.core.daemon.pairing_switch import Ward
from sereno.core.home import Home, HomeError
from sereno.core.security.pairings import AskedEvent, Event, Question, State, client_mark
from sereno.core.sessions.limits import TokenBucket
from sereno.core.store.database import Database
from sereno.core.store.errors import StoreError

if TYPE_CHECKING:
    from sereno.relay_client.noise.typed import TypedDaemon

__all__ = ["Entry", "Live", "Pairings"]

log = logging.getLogger("sereno.pairing")

CLAIMS, CLAIMS_PER_S = 120, 2.0
"""New client keys of one pairing: at once, and for ever. An app that is looked at needs one in ten
seconds, since it measures every way that it has (wire reference 5.4)."""
COMPLAIN_S = 60.0
"""Between two lines of the log about that."""
HALF_DAY_MS = 12 * 60 * 60 * 1000
"""How often the places change at which devices are waited for: relay_client/noise/places.py."""
LOOK_S = 30.0
"""The longest time between two looks at what has grown old: clocks may be set."""


class Pairings(PairingDesk):
    """Belongs to the daemon's loop. `open` first, `run` in its task group, `close` before it
    drains, and `restarted` where a person restarts or stops it."""

    def __init__(
        self,
        home: Home,
        database: Database,
        ward: Ward,
        note: Note,
        *,
        env: Mapping[str, str],
        now_ms: Callable[[], int],
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        super().__init__(home, database, ward, note, env=env, now_ms=now_ms, random=random)
        self._ages = Ages(self._ledger, note, now_ms)
        self._wake = anyio.Event()
        self._seen: dict[str, None] = {}
        self._claims: dict[str, TokenBucket] = {}
        self._complained_at = float("-inf")
        self._half_day = now_ms() // HALF_DAY_MS
        self._has_app = False
        self.changed: Callable[[], None] = lambda: None
        """Told when `live` may give something else."""
        self.drop: Callable[[str], None] = lambda _: None
        """Told a device id or a server id whose connections must be closed at once."""
        self.again: Callable[[str], None] = lambda _: None
        """Told a device id whose connections must be closed at once, and may be made again."""
        self.app_paired: Callable[[bool], None] = lambda _: None
        """Told when official apps are paired where none were, and back."""
        self._ledger.changed = self._changed
        self._ledger.drop = lambda who: self.drop(who)
        self._ledger.again = lambda who: self.again(who)

    # The daemon's

    async def open(self) -> None:
        """Reads what is kept. Raises StoreError, and HomeError for a damaged key file."""
        async with self._ledger.changing():
            await self._ledger.read()
        self._changed()

    async def run(
        self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Ends what has expired, until cancelled."""
        task_status.started()
        while True:
            self._wake = anyio.Event()
            try:
                wait_s = await self._tidy()
            except (StoreError, HomeError) as error:
                log.error("what has grown old could not be written down: %s", error)
                wait_s = LOOK_S
            with anyio.move_on_after(wait_s):
                await self._wake.wait()

    def close(self) -> None:
        """Whoever waits for news is answered now: a daemon that stops does not wait for them."""
        self._ledger.close()

    async def restarted(self) -> None:
        """A person restarts or stops the daemon: an offer that nobody is bound to is dead by that
        (C-27). A hand-over or a crash is no restart."""
        async with self._ledger.changing():
            unbound = [one for one in self._book.pairings.values() if one.unbound]
            try:
                for pairing in unbound:
                    await self._note("daemon", "pairing.restarted", pairing.id, {})
            except StoreError as error:
                log.error("the audit lacks offers that end with this restart: %s", error)
            error_words, _ = await self._end(Event.RESTART, *unbound)
            if error_words is not None:
                log.error("offers end with this restart. %s", error_words)

    # For whoever carries the connections

    def live(self) -> list[Live]:
        """What must be reachable now."""
        return [*self._ledger.live(), *(Live(one, "code", one) for one in self._codes.places())]

    def secret(self, server_id: str) -> bytes:
        """The X25519 secret of a pairing. Raises KeyError for one that does not live any more."""
        return self._keys.secret(server_id)

    def psk(self, server_id: str) -> bytes:
        """Kind "sereno": the offer's secret, or the device's where there is a `device_key`. Raises
        KeyError."""
        return self._keys.psk(server_id)

    def device_key(self, server_id: str) -> bytes | None:
        """The public key of the device whose secret `psk` is; None while it is the offer's. Raises
        KeyError."""
        return self._keys.device(server_id)

    async def moved(self, server_id: str) -> None:
        """Its device has come by the id of a day, and always will (T14)."""
        async with self._ledger.looking():
            try:
                if self._keys.has_moved(server_id):
                    return
                await self._keys.moved(server_id)
            except KeyError:
                return  # It has ended meanwhile.
            except HomeError as error:
                log.error("a device is still waited for at the id of its offer: %s", error)
                return
        self._changed()

    def server_id_of(self, client_id: str) -> str | None:
        """Which pairing a client of a direct socket is bound to; None for a stranger."""
        return self._book.server_id_of(client_id)

    async def claim(self, server_id: str, fingerprint: bytes) -> bool:
        """A client key shall be used: True once, and then it is on disk (T05, C-24). False for one
        that was used, and for too many new ones: whoever has an old link could fill the disk.
        Raises StoreError where nobody can tell; then the key must not be taken."""
        if server_id not in self._keys:
            return False
        now = self._now_ms() / 1000
        bucket = self._claims.get(server_id)
        if bucket is None:
            bucket = TokenBucket(now, burst=CLAIMS, per_second=CLAIMS_PER_S)
            self._claims[server_id] = bucket
        if not bucket.take(now):
            # Not each time: whoever comes so often would fill the log next.
            if abs(now - self._complained_at) >= COMPLAIN_S:
                self._complained_at = now
                log.warning("a pairing is used by too many new client keys; some are turned away")
            return False
        return await self._ledger.claim(server_id, fingerprint)

    async def knock(
        self,
        server_id: str,
        client_id: str,
        client_type: str,
        app_version: str | None,
        words: list[str],
        device_key: bytes | None,
        device_secret: bytes | None = None,
    ) -> Entry | None:
        """Who comes by a pairing; waits for the person without a limit. Whoever gives up waiting
        cancels this: the question stays, and a yes counts when the same client comes again. None:
        refused, or the pairing has ended.

        `client_id`: of the hello. `device_key`, `device_secret`: what a handshake of our own
        clients gave, the secret only where it was a new one; the key is then who they are.
        """
        client = client_mark(server_id, client_id.strip() if device_key is None else device_key)
        async with self._ledger.changing():
            await self._ages.end_old(server_id)  # Perhaps nobody has looked since.
            found = await self._knocking.judge(server_id, client, client_type, app_version, words)
            if server_id in self._codes:
                self._changed()  # Somebody came by the link: its code counts no more.
            if device_key and device_secret and found is not None:
                if self._keys.device(server_id) is not None:
                    # It used the offer's secret beside another connection of its own that was
                    # first: the device has one secret, and that is the first one's.
                    return None
                await self._keys.greeted(server_id, device_key, device_secret)
        if not isinstance(found, Question):
            return found
        wait = self._book.wait(found.id)
        self._ledger.touched()
        try:
            await wait.event.wait()
            return wait.entry
        finally:
            self._book.leave(wait)
            self._ledger.touched()

    def meet(self, place: str, now: float) -> TypedDaemon | None:
        """Somebody came to the place of a code; None while another is met there, and where it has
        been tried too often. `met` follows in any case. `now`: of the loop's clock. Raises KeyError
        where a code has ended."""
        return self._codes.meet(place, now)

    async def met(self, place: str, end: TypedDaemon | None) -> None:
        """That meeting is over. A code is spent by the first proof, and by a wrong one its offer
        has ended, also where this raises StoreError or HomeError (T28)."""
        server_id = self._codes.met(place, end)
        self._changed()
        if server_id is None:
            return
        async with self._ledger.changing():
            pairing = self._book.pairings.get(server_id)
            if pairing is None or pairing.state is not State.OPEN:
                return
            try:
                await self._note(BY, "pairing.guessed", pairing.id, {})
            finally:
                await self._ledger.end(pairing.move(Event.GUESS, self._now_ms()))

    def arrived(self, device_id: str, way: str) -> None:
        """A device has one connection more. `way`: "relay" or "direct"."""
        self._book.arrived(device_id)
        device = self._book.devices.get(device_id)
        if device is not None:
            self._book.devices[device_id] = msgspec.structs.replace(
                device, way="direct" if way == "direct" else "relay"
            )
        self._saw(device_id)

    def left(self, device_id: str) -> None:
        """And one less."""
        self._book.left(device_id)
        self._saw(device_id)

    def touched(self) -> None:
        """Something that the state shows is different: the relay's own state, say."""
        self._ledger.touched()

    @property
    def has_app(self) -> bool:
        """Whether official apps are paired."""
        return self._has_app

    # How

    def _saw(self, device_id: str) -> None:
        device = self._book.devices.get(device_id)
        if device is not None:
            self._book.devices[device_id] = msgspec.structs.replace(device, seen_ms=self._now_ms())
            self._seen[device_id] = None
            self._soon()
        self._ledger.touched()

    def _soon(self) -> None:
        self._wake.set()

    def _changed(self) -> None:
        self._soon()
        pairings = self._book.pairings.values()
        self._codes.keep({one.server_id for one in pairings if one.state is State.OPEN})
        for server_id in self._claims.keys() - self._book.pairings.keys():
            del self._claims[server_id]
        has_app = any(
            one.state is State.PAIRED and one.kind != "sereno"
            for one in self._book.pairings.values()
        )
        if has_app is not self._has_app:
            self._has_app = has_app
            self.app_paired(has_app)
        self.changed()

    async def _tidy(self) -> float:
        """Ends what has expired, forgets what ended long ago, writes down who was here. Gives the
        seconds until there is something to do again."""
        now = self._now_ms()
        async with self._ledger.looking():
            await self._expire(now)
            if await self._ages.end_old():
                self._ledger.touched()
            old = [
                one.server_id
                for one in self._book.pairings.values()
                if one.ended_ms is not None and now >= one.ended_ms + KEPT_MS
            ]
            if old:
                await self._ledger.forget(old)
                self._ledger.touched()
            for device_id in self._ages.still_here():
                self._saw(device_id)
            seen, self._seen = list(self._seen), {}
            await self._ledger.seen(seen)
        if self._half_day != (half_day := now // HALF_DAY_MS):
            self._half_day = half_day
            self.changed()  # Devices are waited for at other places.
        return self._next_look(now)

    async def _expire(self, now: int) -> None:
        due = [one for one in self._book.pairings.values() if one.due(now)]
        try:
            for pairing in due:
                await self._note("daemon", "pairing.expired", pairing.id, {})
        finally:
            if due:
                await self._ledger.end(*(one.move(Event.EXPIRE, now) for one in due))
                self._ledger.touched()
        for question in [one for one in self._book.questions.values() if one.due(now)]:
            question.move(AskedEvent.EXPIRE, now)
            await self._ledger.drop_question(question)
            self._ledger.touched()

    def _next_look(self, now: int) -> float:
        times = [one.until_ms for one in self._book.pairings.values() if one.unbound]
        times += [one.until_ms for one in self._book.questions.values()]
        times += [
            one.ended_ms + KEPT_MS
            for one in self._book.pairings.values()
            if one.ended_ms is not None
        ]
        soonest = min(times, default=now + int(LOOK_S * 1000))
        return max(0.05, min(LOOK_S, (soonest - now) / 1000))
