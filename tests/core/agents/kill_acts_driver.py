"""A daemon's fleet in a process of its own (tests/lives.py), killed at a commit of one act."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio

from sereno.core.store.database import Database
from tests.core.agents.fakes import Machine
from tests.core.agents.place import BY, running
from tests.core.agents.programs import obedient


async def main(root: Path, act: str, moment: str, skip: int) -> None:
    async with running(root, Machine(obedient).runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        await place.fleet.prompt(agent, "queued", by=BY)
        print(agent, flush=True)
        write, seen = Database.write, 0

        async def deadly(self: Database, work: Callable[..., Any]) -> Any:
            nonlocal seen
            seen += 1
            if seen == skip and moment == "before":
                os.kill(os.getpid(), 9)
            done = await write(self, work)
            if seen == skip:
                os.kill(os.getpid(), 9)
            return done

        Database.write = deadly  # type: ignore[method-assign, assignment]
        if act == "take_back":
            await place.fleet.take_back(agent, None, by=BY)
        else:
            await place.fleet.delete(agent, by=BY)
        print("done", flush=True)


def live(root: str, act: str, moment: str, skip: str) -> None:
    anyio.run(main, Path(root), act, moment, int(skip))
