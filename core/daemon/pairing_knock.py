"""Who comes by a pairing: let in, asked about, or not; the daemon's side of a hello.

Everything here runs inside the ledger's `changing`. What a client says of itself is made fit for a
line before it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine

import msgspec

from sereno.core.daemon.pairing_book import Entry
from sereno.core.daemon.pairing_ledger import Ledger
from sereno.core.protocol.pairing import Rights
from sereno.core.security.pairings import (
    LASTS_MS,
    AskedEvent,
    Event,
    Knock,
    Pairing,
    Question,
    State,
    knocked,
)
from sereno.core.security.sanitise import sanitise_line
from sereno.core.store.pairings import DeviceRow

__all__ = ["BY", "Knocking", "Note", "called"]

MOST_QUESTIONS = 8
"""Of a shared pairing: whoever has its link may ask under any number of names."""
NAME = 64
WORD = 32
BY = "relay"
"""Who did what a client brought about, for the audit."""

Note = Callable[[str, str, str, dict[str, str]], Coroutine[None, None, None]]
_CALLED = {"mobile": "Phone", "browser": "Browser", "cli": "Command line", "mcp": "Tool server"}


class Knocking:
    """Belongs to the daemon's loop."""

    def __init__(
        self,
        ledger: Ledger,
        note: Note,
        now_ms: Callable[[], int],
        new_id: Callable[[str], str],
    ) -> None:
        """`new_id`: a new id that begins with this."""
        self._ledger = ledger
        self._book = ledger.book
        self._note = note
        self._now_ms = now_ms
        self._new_id = new_id
        self._strangers: set[str] = set()

    async def judge(
        self,
        server_id: str,
        client: bytes,
        client_type: str,
        app_version: str | None,
        words: list[str],
    ) -> Entry | Question | None:
        """An Entry, the question to wait for, or None for no. `client`: a mark."""
        pairing = self._book.pairings.get(server_id)
        if pairing is None or not pairing.alive:
            return None
        device = self._book.device_of(server_id, client)
        if device is not None:
            return None if device.blocked else self._book.entry(device)
        now = self._now_ms()
        verdict = Knock.ASK
        if pairing.kind != "paseo":
            pairing, verdict = knocked(pairing, client, now)
        if not pairing.alive:
            await self._ended_by_that(pairing)
            return None
        if verdict is not Knock.ASK:
            await self._stranger(pairing)
            return None
        question = await self._question(pairing, client, client_type, app_version, words, now)
        if question is None or pairing.confirm:
            return question
        return await self.let_in(pairing, question, pairing.name, pairing.rights)

    async def _stranger(self, pairing: Pairing) -> None:
        """Somebody has the link of a pairing that is bound to another: they stay outside, and the
        person can find it in the audit, once for each run of the daemon (T16)."""
        if pairing.id not in self._strangers:
            self._strangers.add(pairing.id)
            await self._note(BY, "pairing.stranger", pairing.id, {})

    async def _ended_by_that(self, pairing: Pairing) -> None:
        try:
            await self._note(BY, f"pairing.{pairing.ended}", pairing.id, {})
        finally:
            await self._ledger.end(pairing)

    async def _question(
        self,
        pairing: Pairing,
        client: bytes,
        client_type: str,
        app_version: str | None,
        words: list[str],
        now: int,
    ) -> Question | None:
        """The one that stands for this client, asked again, or a new one; None for too many."""
        question = self._book.question_of(pairing.server_id, client)
        shown = tuple(sanitise_line(" ".join(words), NAME).split())
        if question is not None:
            # Of this handshake: those of the one before stand nowhere any more, and would differ.
            question = msgspec.structs.replace(question.move(AskedEvent.AGAIN, now), words=shown)
        elif len(self._book.questions_of(pairing.server_id)) >= MOST_QUESTIONS:
            return None
        else:
            question = Question(
                self._new_id("ask"),
                pairing.server_id,
                client,
                sanitise_line(client_type, WORD),
                None if app_version is None else sanitise_line(app_version, WORD),
                shown,
                now,
                now + LASTS_MS,
            )
            told = {"client_type": question.client_type, "question": question.id}
            await self._note(BY, "pairing.knock", pairing.id, told)
        await self._ledger.ask(pairing, question)
        return question

    async def let_in(
        self, pairing: Pairing, question: Question, name: str, rights: Rights
    ) -> Entry:
        """Yes. What the person did, or was told beforehand, is in the audit already; here is which
        device came of it."""
        now = self._now_ms()
        question.move(AskedEvent.YES, now)
        if pairing.state is not State.PAIRED:
            pairing = pairing.move(Event.YES, now)
        device = DeviceRow(
            self._new_id("dev"),
            pairing.server_id,
            question.client,
            sanitise_line(name, NAME) or called(question.client_type),
            rights,
            False,
            now,
        )
        told = {"offer": pairing.id, "question": question.id, "rights": rights}
        await self._note(BY, "device.paired", device.id, told)
        await self._ledger.bind(pairing, question, device)
        return self._book.entry(device)


def called(client_type: str) -> str:
    """A name for who has none, of what a client says that it is: official apps a kind, our own
    clients their machine."""
    return _CALLED.get(client_type, client_type) or "Device"
