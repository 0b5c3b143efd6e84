"""kill -9 in the middle of what a person asked for: it was done, or it was not."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.core.agents.fakes import Machine
from tests.core.agents.place import BY, extra, running
from tests.core.agents.programs import obedient

ACT = """
    import asyncio, os, sys
    from pathlib import Path
    from sereno.core.store.database import Database
    from tests.core.agents.fakes import Machine
    from tests.core.agents.place import BY, running
    from tests.core.agents.programs import obedient

    root, act, moment, skip = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])

    async def main():
        async with running(root, Machine(obedient).runners) as place:
            agent = (await place.create("work")).snapshot.id
            await place.until_said("Working.")
            await place.fleet.prompt(agent, "queued", by=BY)
            print(agent, flush=True)
            write, seen = Database.write, 0

            async def deadly(self, work):
                nonlocal seen
                seen += 1
                if seen == skip and moment == "before":
                    os.kill(os.getpid(), 9)
                done = await write(self, work)
                if seen == skip:
                    os.kill(os.getpid(), 9)
                return done

            Database.write = deadly
            if act == "take_back":
                await place.fleet.take_back(agent, None, by=BY)
            else:
                await place.fleet.delete(agent, by=BY)
            print("done", flush=True)

    asyncio.run(main())
"""


def killed_in(root: Path, act: str, moment: str, commit: int) -> str | None:
    """The agent's id, where the process was killed at that commit of the act; None behind it."""
    command = [sys.executable, "-c", textwrap.dedent(ACT), str(root), act, moment, str(commit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    agent, *rest = done.stdout.split()
    if rest == ["done"]:
        return None
    assert done.returncode == -signal.SIGKILL, done.stderr
    return agent


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_kill_while_a_prompt_is_taken_back(tmp_path: Path, moment: str) -> None:
    agent = killed_in(tmp_path, "take_back", moment, 1)
    assert agent is not None
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        queue = [one.text for one in extra(place.fleet.view(agent)).queue]
        assert queue == (["queued"] if moment == "before" else [])
        taken = await place.fleet.take_back(agent, None, by=BY)
        assert (taken is not None) == (moment == "before")


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_kill_while_an_agent_is_deleted(tmp_path: Path, moment: str) -> None:
    """At each of its commits: the agent is there and can be deleted again, or gone with all."""
    for commit in range(1, 10):
        root = tmp_path / str(commit)
        root.mkdir()
        agent = killed_in(root, "delete", moment, commit)
        if agent is None:
            assert commit > 2, "it has more than one commit: the end, and the deletion"
            return
        async with running(root, Machine(obedient).runners) as place:
            if place.fleet.list():
                await place.fleet.delete(agent, by=BY)
            assert place.fleet.list() == []
            rows = await place.database.read(
                lambda c: c.execute(
                    "SELECT (SELECT count(*) FROM timeline) + (SELECT count(*) FROM prompts)"
                    " + (SELECT count(*) FROM progress) + (SELECT count(*) FROM writes)"
                ).fetchone()
            )
            assert rows == (0,)
    raise AssertionError("it never came to its end")
