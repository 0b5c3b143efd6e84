"""Devices grow old: who was away for too long must pair again (C-55).

Who is here does not grow old, however long the connection lasts. Belongs to pairing.py, which calls
it inside `changing` or `looking` of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable

from sereno.core.daemon.pairing_knock import Note
from sereno.core.daemon.pairing_ledger import Ledger
from sereno.core.security.pairings import Event
from sereno.core.store.pairings import DeviceRow

__all__ = ["Ages"]

AGAIN_MS = 60 * 60 * 1000
"""How often it is written down that a device is still here: a daemon that is killed did not see it
leave."""


class Ages:
    """Belongs to the daemon's loop."""

    def __init__(self, ledger: Ledger, note: Note, now_ms: Callable[[], int]) -> None:
        self._ledger = ledger
        self._book = ledger.book
        self._note = note
        self._now_ms = now_ms

    def still_here(self) -> list[str]:
        """The devices of which it should be written down again that they are here."""
        now = self._now_ms()
        return [
            one.id
            for one in self._book.devices.values()
            if self._book.is_here(one.id) and now - (one.seen_ms or 0) >= AGAIN_MS
        ]

    async def end_old(self, server_id: str | None = None) -> bool:
        """Whether there was one, of this pairing or of any. Of a pairing of its own nothing stays;
        on a shared one the person is asked when it comes again. Raises StoreError or HomeError for
        what the disk has kept; then too nobody comes by it."""
        old = [one for one in self._absent(server_id) if self._is_old(one)]
        for device in old:
            pairing = self._book.pairings[device.pairing]
            try:
                await self._note("daemon", "device.expired", device.id, {"offer": pairing.id})
            finally:
                if pairing.kind == "paseo":
                    await self._ledger.forget_device(device)
                else:
                    await self._ledger.end(pairing.move(Event.EXPIRE, self._now_ms()))
        return bool(old)

    def _absent(self, server_id: str | None) -> list[DeviceRow]:
        everybody = list(self._book.devices.values())
        devices = everybody if server_id is None else self._book.devices_of(server_id)
        return [one for one in devices if not one.blocked and not self._book.is_here(one.id)]

    def _is_old(self, device: DeviceRow) -> bool:
        expires = self._book.expires_ms(device)
        return expires is not None and self._now_ms() >= expires
