"""kill -9 in the middle of what a person asked for: it was done, or it was not."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.agents.fakes import Machine
from tests.core.agents.place import BY, extra, running
from tests.core.agents.programs import obedient
from tests.lives import Lives


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    with Lives("tests.core.agents.kill_acts_driver", tmp_path_factory.mktemp("lives")) as lives:
        yield lives


def killed_in(lives: Lives, root: Path, act: str, moment: str, commit: int) -> str | None:
    """The agent's id, where the process was killed at that commit of the act; None behind it."""
    done = lives.live(str(root), act, moment, str(commit))
    agent, *rest = done.stdout.split()
    if rest == ["done"]:
        return None
    assert done.returncode == -signal.SIGKILL, done.stderr
    return agent


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_kill_while_a_prompt_is_taken_back(
    lives: Lives, tmp_path: Path, moment: str
) -> None:
    agent = killed_in(lives, tmp_path, "take_back", moment, 1)
    assert agent is not None
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        queue = [one.text for one in extra(place.fleet.view(agent)).queue]
        assert queue == (["queued"] if moment == "before" else [])
        taken = await place.fleet.take_back(agent, None, by=BY)
        assert (taken is not None) == (moment == "before")


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_kill_while_an_agent_is_deleted(lives: Lives, tmp_path: Path, moment: str) -> None:
    """At each of its commits: the agent is there and can be deleted again, or gone with all."""
    for commit in range(1, 10):
        root = tmp_path / str(commit)
        root.mkdir()
        agent = killed_in(lives, root, "delete", moment, commit)
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
