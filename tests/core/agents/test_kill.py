"""kill -9 of the daemon at any moment: every prompt, answer and event once, in order.

Real runner, real demo agent, real database; the daemon's fleet runs in a process of its own
(kill_driver.py) that kills itself at chosen points, again and again, until all is done.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.protocol.timeline import AssistantMessage, Entry, UserMessage
from tests.core.agents.kill_driver import TOOLS, catalog, scenario
from tests.core.agents.place import BY, numbers, running
from tests.lives import Lives

SHORT, LONG = 200, 1_500


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    with Lives("tests.core.agents.kill_driver", tmp_path_factory.mktemp("lives")) as lives:
        yield lives


def life(lives: Lives, root: Path, point: str, count: int, lines: int = SHORT) -> str:
    """One life of the daemon; what it said last, "" where it was killed."""
    home = root / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    child = lives.live(str(root), str(root / "demo.log"), str(lines), point, str(count))
    assert child.returncode in (0, -9), child.stderr
    return child.stdout.strip()


def agent_log(root: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (root / "demo.log").read_text().splitlines()]


async def check(root: Path, lines: int = SHORT) -> None:
    """The timeline and the agent's own log tell the same, and each thing once."""
    async with running(root, catalog=catalog(root / "demo.log", root / "sessions")) as place:
        (view,) = place.fleet.list()
        agent = view.snapshot.id
        entries = (await place.page(agent)).entries
        closed = await place.fleet.requests(closed=True)
        await place.fleet.end(agent, by=BY)
    assert [entry.seq_start for entry in entries] == list(range(1, len(entries) + 1))
    turns = by_turn(entries)
    assert [turn[0] for turn in turns] == list(scenario(lines)), "each prompt once, in order"
    assert numbers(turns[0][1]) == list(range(1, TOOLS + 1))
    assert numbers(turns[3][1]) == list(range(1, TOOLS + 1))
    text = said(turns[2][1]).splitlines()
    streamed = [int(line[:6]) for line in text if line[:6].isdigit()]
    assert streamed == list(range(1, lines + 1))
    assert len(closed) == 3
    assert {(entry.state, entry.answered_by) for entry in closed} == {("answered", BY)}
    events = agent_log(root)
    heard = [event["text"] for event in events if event["event"] == "prompt"]
    assert heard == list(scenario(lines)), "the agent heard each prompt once"
    answers = Counter(event["call"] for event in events if event["event"] == "answer")
    assert list(answers.values()) == [1, 1, 1], "and each answer once"
    assert sum(event["event"] == "start" for event in events) == 1, "in one process"


def by_turn(entries: list[Entry]) -> list[tuple[str, list[Entry]]]:
    turns: list[tuple[str, list[Entry]]] = []
    for entry in entries:
        if isinstance(entry.item, UserMessage):
            turns.append((entry.item.text, []))
        else:
            turns[-1][1].append(entry)
    return turns


def said(entries: list[Entry]) -> str:
    return "".join(e.item.text for e in entries if isinstance(e.item, AssistantMessage))


async def test_without_a_kill(lives: Lives, tmp_path: Path) -> None:
    assert life(lives, tmp_path, "never", 0) == "idle"
    await check(tmp_path)


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "before_write", "after_write"])
async def test_c84_t60_killed_at_every_commit_and_write(
    lives: Lives, tmp_path: Path, point: str
) -> None:
    """The first lives die at the first, second, third… moment; each life gets a little further."""
    killed = 0
    for count in (1, 2, 6):
        killed += not life(lives, tmp_path, point, count)
    assert killed >= 2
    assert life(lives, tmp_path, "never", 0) == "idle"
    await check(tmp_path)


@pytest.mark.parametrize(
    "point", ["before_answer", "after_answer", "before_prompt", "after_prompt"]
)
async def test_c84_t60_killed_between_the_ledgers_commit_and_the_write(
    lives: Lives, tmp_path: Path, point: str
) -> None:
    """The answer, or the prompt, is committed; the agent has not heard of it, or only just."""
    killed = [not life(lives, tmp_path, point, count) for count in (1, 1)]
    assert all(killed)
    assert life(lives, tmp_path, "never", 0) == "idle"
    await check(tmp_path)


async def test_killed_at_random_moments(lives: Lives, tmp_path: Path) -> None:
    dice = random.Random(20)
    killed = 0
    for _ in range(10):
        if life(lives, tmp_path, "time", dice.randint(300, 800), LONG):
            break
        killed += 1
    assert killed >= 2
    assert life(lives, tmp_path, "never", 0, LONG) == "idle"
    await check(tmp_path, LONG)
