"""Anything at any moment, by dice: restarts, a full disk, killed runners, stops, answers.

Whatever happens, each prompt reaches a program at most once and becomes one row, what a program
says becomes rows once and in its order, and a request is closed once.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import anyio
import pytest

from sereno.core.agents.context import Timings
from sereno.core.agents.errors import AgentError
from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.timeline import AssistantMessage, UserMessage
from sereno.core.store.database import Database
from sereno.core.store.errors import StoreError
from tests.core.agents.fakes import Machine, Process
from tests.core.agents.place import BY, Place, running

T = TypeVar("T")


class Chatty:
    """Says numbered words, asks now and then, and ends its turns when it likes."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.words = 0
        self.asked = 0
        self.waits: set[int] = set()
        """The processes that wait for an answer."""

    def __call__(self, process: Process, line: str) -> None:
        word = line.partition(" ")[0]
        match word:
            case "start":
                process.say("ready")
            case "cancel" if id(process) in self.waits:
                self.waits.discard(id(process))
                process.say("end canceled")
            case "prompt" | "answer":
                self.talk(process)
                self.waits.discard(id(process))
                if word == "prompt" and self.dice.random() < 0.4:
                    self.asked += 1
                    self.waits.add(id(process))
                    process.say(f"ask r{self.asked}")
                else:
                    process.say("end completed")

    def talk(self, process: Process) -> None:
        for _ in range(self.dice.randint(1, 4)):
            self.words += 1
            process.say(f"say <{self.words}>")


class Moody(Database):
    """A database that refuses some writes, before or after they were made."""

    dice = random.Random()
    mood = 0.0

    async def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        if self.dice.random() < self.mood:
            raise StoreError("disk_full", "The disk is full.", "Free some space.")
        return await super().write(work, durable=durable)


async def act(place: Place, agent: str, machine: Machine, chatty: Chatty, sent: list[str]) -> None:
    """One thing that may happen."""
    dice = chatty.dice
    view = place.fleet.view(agent).snapshot
    match dice.choice(["prompt", "prompt", "answer", "answer", "stop", "kill", "end", "pause"]):
        case "prompt":
            message = f"m{len(sent)}"
            sent.append(message)
            delivery: Literal["queue", "interrupt"] = (
                "interrupt" if dice.random() < 0.2 else "queue"
            )
            await place.fleet.prompt(agent, message, by=BY, message_id=message, delivery=delivery)
        case "answer" if view.pending_permissions:
            asked = dice.choice(view.pending_permissions)
            await place.fleet.answer(agent, asked.id, Allow(), by=BY)
        case "stop" if dice.random() < 0.4:
            await place.fleet.interrupt(agent, by=BY)
        case "kill" if dice.random() < 0.3 and machine.processes:
            machine.last.kill_runner()
        case "end" if dice.random() < 0.2:
            await place.fleet.end(agent, by=BY)
        case _:
            await anyio.sleep(dice.random() * 0.01)


async def live(
    root: Path, machine: Machine, chatty: Chatty, agent: str | None, sent: list[str]
) -> str:
    """One daemon's life with some things happening in it."""
    database = Moody(root / "home" / "sereno.db")
    database.dice, database.mood = chatty.dice, 0.0
    timings = Timings(retry=0.002, text_window=chatty.dice.choice([0.0, 0.005]))
    async with running(root, machine.runners, timings=timings, database=database) as place:
        if agent is None:
            agent = (await place.create("")).snapshot.id
        database.mood = chatty.dice.choice([0.0, 0.0, 0.2])
        for _ in range(chatty.dice.randint(1, 12)):
            try:
                await act(place, agent, machine, chatty, sent)
            except (StoreError, AgentError):
                continue
    return agent


@pytest.mark.parametrize("seed", range(12))
async def test_anything_may_happen(tmp_path: Path, seed: int) -> None:
    chatty = Chatty(random.Random(seed))
    machine = Machine(chatty)
    (tmp_path / "home").mkdir(mode=0o700)
    agent: str | None = None
    sent: list[str] = []
    for _ in range(4):
        agent = await live(tmp_path, machine, chatty, agent, sent)
    assert agent is not None
    async with running(tmp_path, machine.runners, timings=Timings(retry=0.002)) as place:
        for message in sent:
            await place.fleet.prompt(agent, message, by=BY, message_id=message)
        with anyio.fail_after(10):
            while (await place.fleet.wait(agent, None)).status == "permission":
                for asked in place.fleet.view(agent).snapshot.pending_permissions:
                    await place.fleet.answer(agent, asked.id, Allow(), by=BY)
        entries = (await place.page(agent)).entries
        closed = await place.fleet.requests(closed=True)
        verdict = await place.database.read(
            lambda c: c.execute("SELECT count(*) FROM writes").fetchone()[0]
        )
    heard = [line for one in machine.processes.values() for line in one.heard]
    prompts = Counter(line.split(" ", 2)[2] for line in heard if line.startswith("prompt "))
    answers = Counter(line.split()[1] for line in heard if line.startswith("answer "))
    rows = Counter(e.item.text for e in entries if isinstance(e.item, UserMessage))
    assert [entry.seq_start for entry in entries] == list(range(1, len(entries) + 1))
    assert set(rows) == set(sent), "each prompt became a row"
    assert set(rows.values()) <= {1}
    assert set(prompts.values()) <= {1}
    assert set(answers.values()) <= {1}
    assert len(closed) == len({entry.request.id for entry in closed})
    assert all(entry.state != "open" for entry in closed)
    said = "".join(e.item.text for e in entries if isinstance(e.item, AssistantMessage))
    words = [int(part.partition(">")[0]) for part in said.split("<")[1:]]
    assert words == sorted(set(words)), "each word once, in order"
    assert words == list(range(1, chatty.words + 1)), "and none is missing"
    assert verdict == 0
