"""What happens to pairings, one change at a time, in memory, database and key files.

What lets somebody in is on disk before it counts; what sends somebody away counts before it is on
disk, and is never taken back by a disk that fails. What is to happen is decided in pairing.py.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from typing import Literal

import anyio
import msgspec

from sereno.core.daemon.pairing_book import Book
from sereno.core.daemon.pairing_keys import Keys
from sereno.core.daemon.pairing_rows import pairing_of, pairing_row, question_of, question_row
from sereno.core.home import HomeError
from sereno.core.protocol.pairing import Kind
from sereno.core.security.pairings import DAY_MS, Event, Pairing, Question, State
from sereno.core.store import pairings as store
from sereno.core.store.database import Database
from sereno.core.store.pairings import DeviceRow

__all__ = ["Ledger", "Live"]

log = logging.getLogger("sereno.pairing")


class Live(msgspec.Struct, frozen=True):
    """What must be reachable now: a pairing, or the place of a code that is typed. `place`: the id
    at the relay, one of perhaps several."""

    server_id: str
    kind: Kind | Literal["code"]
    place: str


class Ledger:
    """Belongs to the daemon's loop. Everything that changes runs inside `changing`."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        now_ms: Callable[[], int],
        device_days: Callable[[], int],
    ) -> None:
        self.book = Book(device_days)
        self.keys = keys
        self.changed: Callable[[], None] = lambda: None
        self.drop: Callable[[str], None] = lambda _: None
        self.again: Callable[[str], None] = lambda _: None
        self.revision = now_ms()  # A daemon never repeats a number of the one before it.
        self._database = database
        self._now_ms = now_ms
        self._lock = anyio.Lock()
        self._news = anyio.Event()
        self._over = False

    # Reading

    def live(self) -> list[Live]:
        """Those whose keys are there and that somebody may come by."""
        return [
            Live(one.server_id, one.kind, place)
            for one in self.book.pairings.values()
            if one.alive and one.server_id in self.keys
            for place in self._places(one)
        ]

    def _places(self, pairing: Pairing) -> list[str]:
        """A device of our own calls by an id that changes each day (T14), once it is bound and has
        kept its secret. The offer's id stays until it was seen to do so, and for a day, so that
        whoever else has the link is told at once that it is dead."""
        server_id = pairing.server_id
        if pairing.kind != "sereno" or pairing.state is not State.PAIRED:
            return [server_id]
        from sereno.relay_client.noise import places  # crypto is loaded when needed

        secret, now = self.keys.psk(server_id), self._now_ms()
        found = [places.place(secret, day) for day in places.days_at(now / 1000)]
        has_left = self.keys.has_moved(server_id) and now >= pairing.until_ms + DAY_MS
        return found if has_left else [server_id, *found]

    def touched(self) -> None:
        """Something looks different: whoever waits for that is answered."""
        self.revision += 1
        self._news.set()
        self._news = anyio.Event()

    def close(self) -> None:
        """Nobody shall wait for news any more."""
        self._over = True
        self._news.set()

    async def newer(self, revision: int) -> None:
        """Until the revision is another one, or nobody shall wait."""
        while self.revision == revision and not self._over:
            await self._news.wait()

    @contextlib.asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """One at a time, and whole: who began it may leave, memory and disk stay of one mind."""
        async with self.looking():
            try:
                yield
            finally:
                self.touched()

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """The same where most of the time nothing changes: without the news."""
        async with self._lock:
            with anyio.CancelScope(shield=True):
                yield

    async def read(self) -> None:
        """Everything of the database and the key files. Raises StoreError, and HomeError for a file
        that is damaged. What has lost its keys is told in the log: an offer ends by that."""
        rows, questions, devices = await self._database.read(
            lambda c: (store.pairings(c), store.questions(c), store.devices(c))
        )
        for row in rows:
            pairing = pairing_of(row)
            self.book.pairings[pairing.server_id] = pairing
            if pairing.alive and not await self.keys.load(pairing.server_id, pairing.kind):
                await self._without_keys(pairing)
        alive = {one.server_id for one in self.book.pairings.values() if one.alive}
        for question in map(question_of, questions):
            if question.server_id in alive:
                self.book.questions[question.id] = question
        self.book.devices.update((one.id, one) for one in devices if one.pairing in alive)
        for path in await self.keys.strangers(frozenset(self.book.pairings)):
            log.warning("%s belongs to no pairing of this home; remove it if you need it not", path)

    async def _without_keys(self, pairing: Pairing) -> None:
        if pairing.unbound:
            await self.end(pairing.move(Event.CLOSE, self._now_ms()))
            return
        log.error(
            "the keys of a pairing are gone: who was paired by it cannot come. Put the file back "
            "into %s and start Sereno again, or revoke that device and pair it anew.",
            self.keys.place(pairing.server_id, pairing.kind),
        )

    # Changing

    async def claim(self, server_id: str, fingerprint: bytes) -> bool:
        """See core/store/pairings.py; on disk when this returns."""
        return await self._database.write(
            lambda c: store.claim(c, server_id, fingerprint), durable=True
        )

    async def add(self, pairing: Pairing) -> None:
        """A new offer. The row first: a key file without one would belong to nobody. Raises
        StoreError or HomeError; then there is none."""
        await self._write(lambda c: store.put(c, pairing_row(pairing)))
        try:
            await self.keys.make(pairing.server_id, pairing.kind)
        except HomeError:
            with contextlib.suppress(HomeError):
                await self.keys.remove(pairing.server_id, pairing.kind)
            await self._write(lambda c: store.forget(c, pairing.server_id))
            raise
        self.book.pairings[pairing.server_id] = pairing
        self.changed()

    async def ask(self, pairing: Pairing, question: Question) -> None:
        """Somebody waits for an answer, for the first time or again."""

        def work(connection: sqlite3.Connection) -> None:
            store.put(connection, pairing_row(pairing))
            store.put_question(connection, question_row(question))

        await self._write(work)
        self.book.pairings[pairing.server_id] = pairing
        self.book.questions[question.id] = question

    async def bind(self, pairing: Pairing, question: Question, device: DeviceRow) -> None:
        """Yes: the device may come in."""

        def work(connection: sqlite3.Connection) -> None:
            store.put(connection, pairing_row(pairing))
            store.put_device(connection, device)
            store.forget_question(connection, question.id)

        await self._write(work)
        self.book.pairings[pairing.server_id] = pairing
        self.book.devices[device.id] = device
        self.book.settle(question.id, self.book.entry(device))
        self.changed()

    async def block(self, device: DeviceRow, question: Question | None = None) -> None:
        """One of many on a shared pairing is not let in (any more)."""
        self.book.devices[device.id] = device
        if question is not None:
            self.book.settle(question.id, None)
        self.drop(device.id)

        def work(connection: sqlite3.Connection) -> None:
            store.put_device(connection, device)
            if question is not None:
                store.forget_question(connection, question.id)

        await self._write(work)
        self.changed()

    async def forget_device(self, device: DeviceRow) -> None:
        """One of many on a shared pairing; it is asked about when it comes again."""
        del self.book.devices[device.id]
        self.drop(device.id)
        await self._write(lambda c: store.forget_device(c, device.id))
        self.changed()

    async def put_device(self, device: DeviceRow) -> None:
        """Another name, other rights."""
        await self._write(lambda c: store.put_device(c, device))
        self.book.devices[device.id] = device

    async def drop_question(self, question: Question) -> None:
        """Nobody answered it, and its pairing goes on."""
        self.book.settle(question.id, None)
        await self._write(lambda c: store.forget_question(c, question.id))

    async def end(self, *ended: Pairing) -> None:
        """These are dead at once for everybody, whatever the disk says afterwards: connections are
        closed, keys are let go. Raises HomeError or StoreError for what could not be removed."""
        before = {one.server_id: self.book.pairings.get(one.server_id) for one in ended}
        for pairing in ended:
            self.book.pairings[pairing.server_id] = pairing
            self.keys.forget(pairing.server_id)
            for device_id in self.book.forget(pairing.server_id):
                self.drop(device_id)
            self.drop(pairing.server_id)
        self.changed()
        bound = {key for key, one in before.items() if one and one.state is State.PAIRED}
        failed: HomeError | None = None
        for pairing in ended:
            try:
                await self.keys.remove(pairing.server_id, pairing.kind)
            except HomeError as error:
                log.error("a key file stays: %s", error)
                failed = error

        def work(connection: sqlite3.Connection) -> None:
            for pairing in ended:
                if pairing.server_id in bound:
                    store.forget(connection, pairing.server_id)
                else:
                    store.put(connection, pairing_row(pairing))

        for server_id in bound:
            # An offer that was taken long ago is no news; that a device went is its own.
            del self.book.pairings[server_id]
        await self._write(work)
        if failed is not None:
            raise failed

    async def forget(self, server_ids: list[str]) -> None:
        """Offers that ended a while ago."""

        def work(connection: sqlite3.Connection) -> None:
            for server_id in server_ids:
                store.forget(connection, server_id)

        await self._write(work)
        for server_id in server_ids:
            self.book.pairings.pop(server_id, None)

    async def seen(self, device_ids: list[str]) -> None:
        """Writes when and how these were connected last."""
        rows = [one for key in device_ids if (one := self.book.devices.get(key)) is not None]

        def work(connection: sqlite3.Connection) -> None:
            for row in rows:
                if row.seen_ms is not None and row.way is not None:
                    store.seen(connection, row.id, row.seen_ms, row.way)

        if rows:
            await self._database.write(work)

    async def _write(self, work: Callable[[sqlite3.Connection], None]) -> None:
        await self._database.write(work, durable=True)
