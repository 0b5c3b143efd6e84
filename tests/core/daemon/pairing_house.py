"""Pairings over a real database and real files, with a clock that tests move, and what they say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import msgspec

from sereno.core.config import Config, load_config
from sereno.core.daemon.pairing import Entry, Pairings
from sereno.core.home import Home, prepare
from sereno.core.protocol.pairing import (
    AnswerQuestion,
    AnswerQuestionResult,
    Device,
    OfferPairing,
    OfferPairingResult,
    PairingState,
    Question,
)
from sereno.core.store.database import Database

NOW = 1_777_000_000_000
RELAY_ON = "[daemon.relay]\nenabled = true\n"


class Ward:
    """The daemon, as far as its configuration goes: read from the file, as a reload does."""

    def __init__(self, home: Home, env: dict[str, str]) -> None:
        self._home, self._env = home, env
        self.config: Config = load_config(home, env)

    async def reload(self) -> None:
        self.config = load_config(self._home, self._env)


@dataclass
class House:
    home: Home
    database: Database
    pairings: Pairings
    clock: list[int]
    env: dict[str, str] = field(default_factory=dict)
    notes: list[tuple[str, str, str, dict[str, str]]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    changes: list[None] = field(default_factory=list)
    app_paired: list[bool] = field(default_factory=list)

    def later(self, seconds: float) -> None:
        self.clock[0] += int(seconds * 1000)

    @property
    def acts(self) -> list[str]:
        return [action for _, action, _, _ in self.notes]

    async def state(self) -> PairingState:
        return await self.pairings.state(None)

    async def offer(self, **fields: Any) -> OfferPairingResult:
        values: dict[str, Any] = {"request_id": "", "kind": "app"}
        return await self.pairings.offer(OfferPairing(**(values | fields)))

    async def made(self, **fields: Any) -> tuple[str, str]:
        """Offer id and server id of a new offer."""
        before = {one.server_id for one in self.pairings.live()}
        result = await self.offer(**fields)
        assert result.offer is not None, result.error
        offers = {one.server_id for one in self.pairings.live() if one.kind != "code"}
        (server_id,) = offers - before
        return result.offer.id, server_id

    async def answer(
        self, question: Question | str, allow: bool, **fields: Any
    ) -> AnswerQuestionResult:
        question_id = question if isinstance(question, str) else question.id
        return await self.pairings.answer(
            AnswerQuestion(request_id="", question_id=question_id, allow=allow, **fields)
        )

    async def question(self) -> Question:
        """The one that somebody waits for, once there is one."""
        with anyio.fail_after(5):
            while True:
                state = await self.state()
                waiting = [one for one in state.questions if one.waiting]
                if waiting:
                    (found,) = waiting
                    return found
                await self.pairings.state(state.revision)

    async def pair(self, client_id: str = "cid_1", **fields: Any) -> tuple[str, Device]:
        """Server id and device of a client that was confirmed."""
        _, server_id = await self.made(**fields)
        async with anyio.create_task_group() as group:
            group.start_soon(self.knock, server_id, client_id)
            result = await self.answer(await self.question(), True)
        assert result.device is not None, result.error
        return server_id, result.device

    async def knock(self, server_id: str, client_id: str = "cid_1", **fields: Any) -> Entry | None:
        values: dict[str, Any] = {
            "client_type": "mobile",
            "app_version": "0.1.65",
            "words": [],
            "device_key": None,
        }
        return await self.pairings.knock(server_id, client_id, **(values | fields))

    async def glance(self, server_id: str, client_id: str = "cid_1", **fields: Any) -> None:
        """A client that comes, is not answered, and goes away again."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._knock_unanswered, server_id, client_id, fields)
            await self.question()
            group.cancel_scope.cancel()

    async def _knock_unanswered(
        self, server_id: str, client_id: str, fields: dict[str, Any]
    ) -> None:
        assert await self.knock(server_id, client_id, **fields) is not None


@asynccontextmanager
async def house(
    root: Path,
    *,
    config: str = RELAY_ON,
    env: dict[str, str] | None = None,
    clock: list[int] | None = None,
) -> AsyncIterator[House]:
    """Opens what is there, as the next daemon of this home does."""
    home = Home(root)
    prepare(home)
    if not home.config.exists():
        home.config.write_text(config)
        home.config.chmod(0o600)
    database = Database(home.database)
    await database.open()
    try:
        yield await opened(home, database, env or {}, [NOW] if clock is None else clock)
    finally:
        await database.close()


async def opened(home: Home, database: Database, env: dict[str, str], clock: list[int]) -> House:
    notes: list[tuple[str, str, str, dict[str, str]]] = []

    async def note(actor: str, action: str, subject: str, details: dict[str, str]) -> None:
        notes.append((actor, action, subject, details))

    pairings = Pairings(home, database, Ward(home, env), note, env=env, now_ms=lambda: clock[0])
    made = House(home, database, pairings, clock, env, notes)
    pairings.drop, pairings.again = made.dropped.append, made.again.append
    pairings.changed = lambda: made.changes.append(None)
    pairings.app_paired = made.app_paired.append
    await pairings.open()
    return made


def secrets_of(home: Home) -> list[bytes]:
    """Every secret in the key files of a home, raw and as text."""
    import base64

    found = []
    for path in sorted((home.root / "pairings").glob("*")):
        text = msgspec.json.decode(path.read_bytes())
        for name in ("secretKeyB64", "secret"):
            if name in text:
                raw = base64.b64decode(text[name])
                found += [raw, text[name].encode(), raw.hex().encode()]
    return found
