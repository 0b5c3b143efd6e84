"""All pairings, questions and devices of this daemon as they stand in memory, and how they look to
their owner.

No decision, no disk: pairing.py decides and writes first. Here is also who waits for an answer, and
how many connections each device has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import anyio
import msgspec

from sereno.core.protocol.pairing import (
    Device,
    Offer,
    PairingState,
    RelayStatus,
)
from sereno.core.protocol.pairing import Question as ShownQuestion
from sereno.core.protocol.values import iso
from sereno.core.security.pairings import (
    LASTS_MS,
    Pairing,
    Question,
    State,
    client_mark,
    expires_ms,
)
from sereno.core.security.roles import Role
from sereno.core.store.pairings import DeviceRow

__all__ = ["KEPT_MS", "Book", "Entry", "Wait"]

KEPT_MS = LASTS_MS
"""How long an offer that ended, or was taken, is shown."""


class Entry(msgspec.Struct, frozen=True):
    """Somebody may come in. `server_id`: what server_info must name."""

    device_id: str
    role: Role
    server_id: str


class Wait:
    """One connection that waits for the answer to a question."""

    def __init__(self, question_id: str) -> None:
        self.question_id = question_id
        self.entry: Entry | None = None
        self.event = anyio.Event()


class Book:
    """Belongs to the daemon's loop."""

    def __init__(self, device_days: Callable[[], int]) -> None:
        """`device_days`: how long a device may stay away; 0 for as long as it likes."""
        self._device_days = device_days
        self.pairings: dict[str, Pairing] = {}
        """By server id."""
        self.questions: dict[str, Question] = {}
        self.devices: dict[str, DeviceRow] = {}
        """By id; those that are blocked, too."""
        self._waits: dict[str, set[Wait]] = {}
        self._connections: dict[str, int] = {}

    # Looking

    def device_of(self, server_id: str, client: bytes) -> DeviceRow | None:
        """Who this client is on this pairing, blocked or not."""
        for device in self.devices.values():
            if device.pairing == server_id and device.client == client:
                return device
        return None

    def question_of(self, server_id: str, client: bytes) -> Question | None:
        for question in self.questions.values():
            if question.server_id == server_id and question.client == client:
                return question
        return None

    def questions_of(self, server_id: str) -> list[Question]:
        return [one for one in self.questions.values() if one.server_id == server_id]

    def devices_of(self, server_id: str) -> list[DeviceRow]:
        return [one for one in self.devices.values() if one.pairing == server_id]

    def offer(self, offer_id: str) -> Pairing | None:
        """The pairing with this id, for people."""
        return next((one for one in self.pairings.values() if one.id == offer_id), None)

    def server_id_of(self, client_id: str) -> str | None:
        """The newest pairing that is bound to a client id; None for a stranger."""
        marks = {
            one: client_mark(one, client_id.strip())
            for one, pairing in self.pairings.items()
            if pairing.state is State.PAIRED and pairing.kind != "sereno"
        }
        found = [
            one
            for one in self.devices.values()
            if not one.blocked and marks.get(one.pairing) == one.client
        ]
        newest = max(found, key=lambda one: (one.paired_ms, one.id), default=None)
        return None if newest is None else newest.pairing

    def entry(self, device: DeviceRow) -> Entry:
        role = Role.VIEWER if device.rights == "viewer" else Role.OPERATOR
        return Entry(device.id, role, device.pairing)

    # Waiting

    def wait(self, question_id: str) -> Wait:
        """Somebody waits for the answer to a question that stands; `leave` it in any case."""
        wait = Wait(question_id)
        self._waits.setdefault(question_id, set()).add(wait)
        return wait

    def leave(self, wait: Wait) -> None:
        waits = self._waits.get(wait.question_id, set())
        waits.discard(wait)
        if not waits:
            self._waits.pop(wait.question_id, None)

    def settle(self, question_id: str, entry: Entry | None) -> None:
        """A question is over: it is gone, and whoever waits goes on."""
        self.questions.pop(question_id, None)
        for wait in self._waits.pop(question_id, set()):
            wait.entry = entry
            wait.event.set()

    # Devices

    def arrived(self, device_id: str) -> None:
        self._connections[device_id] = self._connections.get(device_id, 0) + 1

    def left(self, device_id: str) -> None:
        left = self._connections.get(device_id, 0) - 1
        if left > 0:
            self._connections[device_id] = left
        else:
            self._connections.pop(device_id, None)

    def is_here(self, device_id: str) -> bool:
        return device_id in self._connections

    def expires_ms(self, device: DeviceRow) -> int | None:
        """When it must pair again unless it comes before; None for never."""
        return expires_ms(device.paired_ms, device.seen_ms, self._device_days())

    def forget(self, server_id: str) -> list[str]:
        """Everything of a pairing but itself. Gives the ids of its devices."""
        for question in self.questions_of(server_id):
            self.settle(question.id, None)
        gone = [one.id for one in self.devices_of(server_id)]
        for device_id in gone:
            del self.devices[device_id]
        return gone

    # How it looks

    def shown(self, revision: int, relay: RelayStatus, now_ms: int) -> PairingState:
        return PairingState(
            revision=revision,
            relay=relay,
            offers=[self.shown_offer(one) for one in self._offers(now_ms)],
            questions=[self._shown_question(one) for one in self.questions.values()],
            devices=[self.shown_device(one) for one in self.devices.values() if not one.blocked],
        )

    def _offers(self, now_ms: int) -> Iterable[Pairing]:
        """Those that may be used, and those that ended or were taken in the last minutes."""
        for pairing in self.pairings.values():
            if pairing.state is not State.PAIRED:
                yield pairing
            elif pairing.kind != "paseo":
                taken = [one.paired_ms for one in self.devices_of(pairing.server_id)]
                if taken and now_ms - max(taken) < KEPT_MS:
                    yield pairing

    def shown_offer(self, pairing: Pairing) -> Offer:
        device = next(iter(self.devices_of(pairing.server_id)), None)
        return Offer(
            id=pairing.id,
            kind=pairing.kind,
            made_at=iso(pairing.made_ms),
            expires_at=iso(pairing.until_ms),
            ended=pairing.ended,
            device_id=None if device is None else device.id,
        )

    def _shown_question(self, question: Question) -> ShownQuestion:
        pairing = self.pairings[question.server_id]
        return ShownQuestion(
            id=question.id,
            offer_id=pairing.id,
            kind=pairing.kind,
            client_type=question.client_type,
            app_version=question.app_version,
            words=list(question.words),
            asked_at=iso(question.asked_ms),
            waiting=question.id in self._waits,
        )

    def shown_device(self, device: DeviceRow) -> Device:
        expires = self.expires_ms(device)
        return Device(
            id=device.id,
            kind=self.pairings[device.pairing].kind,
            name=device.name,
            rights=device.rights,
            paired_at=iso(device.paired_ms),
            last_seen_at=None if device.seen_ms is None else iso(device.seen_ms),
            way=device.way,
            connections=self._connections.get(device.id, 0),
            expires_at=None if expires is None else iso(expires),
        )
