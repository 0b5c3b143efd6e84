"""A daemon's fleet in a process of its own (tests/lives.py) that is killed at a chosen moment.

POINT: before_ or after_ commit, write, answer, prompt (the COUNT-th in this process), time (COUNT
milliseconds after the start), or never. LINES: length of the streamed text. Does what of the
scenario is not done yet, answers what is asked, and leaves with the agent's status when all is
quiet.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio

from sereno.core.agents.context import Runners
from sereno.core.agents.errors import RequestGone
from sereno.core.agents.fleet import real_runners
from sereno.core.config import Config, ProviderConfig
from sereno.core.protocol.permissions import Allow
from sereno.core.providers.catalog import Catalog
from sereno.core.store.database import Database
from tests.core.agents.place import BY, Place, running

T = TypeVar("T")

TOOLS = 60


def scenario(lines: int) -> tuple[str, ...]:
    return (
        f"stream {TOOLS} tools",
        "ask One",
        f"stream {lines} events of 40 bytes every 2ms",
        f"ask Two\nstream {TOOLS} tools every 2ms",
        "ask Three",
    )


class Trap:
    """Kills this process, without a word, at the chosen moment."""

    def __init__(self, point: str, count: int) -> None:
        self.point, self.left = point, count
        if point == "time":
            threading.Timer(count / 1000, self._kill).start()

    def passed(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                self._kill()

    def _kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class TrappedDatabase(Database):
    def __init__(self, path: Path, trap: Trap) -> None:
        super().__init__(path)
        self._trap = trap

    async def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        def trapped(connection: sqlite3.Connection) -> T:
            result = work(connection)
            self._trap.passed("before_commit")
            return result

        result = await super().write(trapped, durable=durable)
        self._trap.passed("after_commit")
        return result


def trapped_runners(trap: Trap) -> Runners:
    real = real_runners()

    async def attach(folder: Path, offset: int) -> Any:
        link = await real.attach(folder, offset)
        write = link.write

        async def trapped_write(write_id: int, data: bytes) -> None:
            kind = "answer" if b'"optionId"' in data else "other"
            kind = "prompt" if b'"session/prompt"' in data else kind
            trap.passed("before_write")
            trap.passed(f"before_{kind}")
            await write(write_id, data)
            trap.passed("after_write")
            trap.passed(f"after_{kind}")

        link.write = trapped_write  # type: ignore[method-assign]
        return link

    return Runners(
        real.start,
        attach,
        real.read_journal,
        real.sweep,
        real.processes,
        real.remove,
        real.started,
        real.claimed,
    )


def catalog(log: Path, sessions: Path) -> Catalog:
    command = (
        sys.executable,
        *("-P", "-m", "sereno.core.providers.demo", "--pace", "0"),
        *("--log", str(log), "--state", str(sessions)),
    )
    return Catalog(Config(providers={"demo": ProviderConfig("demo", "demo", command=command)}))


async def answer_all(place: Place, agent: str) -> None:
    while True:
        more = place.audience.more
        for asked in place.fleet.view(agent).snapshot.pending_permissions:
            try:
                allow = next(one for one in asked.actions or [] if one.behavior == "allow")
                response = Allow(selected_action_id=allow.id)
                await place.fleet.answer(agent, asked.id, response, by=BY)
            except RequestGone:
                pass
        await more.wait()


async def main(root: Path, log: Path, lines: int, point: str, count: int) -> None:
    trap = Trap(point, count)
    database = TrappedDatabase(root / "home" / "sereno.db", trap)
    async with running(
        root, trapped_runners(trap), catalog=catalog(log, root / "sessions"), database=database
    ) as place:
        views = place.fleet.list()
        agent = views[0].snapshot.id if views else (await place.create("", "demo")).snapshot.id
        async with anyio.create_task_group() as group:
            group.start_soon(answer_all, place, agent)
            for number, text in enumerate(scenario(lines)):
                await place.fleet.prompt(agent, text, by=BY, message_id=f"m{number}")
            with anyio.fail_after(30):
                while True:
                    more = place.audience.more
                    outcome = await place.fleet.wait(agent, None)
                    if outcome.status != "permission":
                        break
                    await more.wait()
            print(outcome.status, outcome.error or "", flush=True)
            group.cancel_scope.cancel()


def live(root: str, log: str, lines: str, point: str, count: str) -> None:
    anyio.run(main, Path(root), Path(log), int(lines), point, int(count))
