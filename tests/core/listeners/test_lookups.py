"""One look for all that wait for it, and nobody's answer is lost with somebody else."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import anyio
import pytest

from sereno.core.listeners.lookups import Together


class Slow:
    """Answers when it is let go; keeps what it was asked."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, questions: Sequence[int]) -> list[int]:
        self.batches.append(list(questions))
        self.begun.set()
        assert self.go.wait(10)
        return [-one for one in questions]


async def begun(slow: Slow) -> None:
    with anyio.fail_after(10):
        while not slow.begun.is_set():
            await anyio.sleep(0.001)


async def test_what_is_asked_meanwhile_is_answered_together_and_afterwards() -> None:
    slow, answers = Slow(), {}
    together = Together(slow)

    async def ask(one: int) -> None:
        answers[one] = await together.ask(one)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(ask, 1)
            await begun(slow)
            for one in (2, 3, 4):
                group.start_soon(ask, one)
            await anyio.wait_all_tasks_blocked()
            slow.go.set()
    assert answers == {1: -1, 2: -2, 3: -3, 4: -4}
    assert slow.batches == [[1], [2, 3, 4]]


async def test_who_leaves_takes_no_answer_with_it_and_asks_nothing_more() -> None:
    slow = Slow()
    together = Together(slow)
    answers: list[int] = []

    async def ask(one: int, scope: anyio.CancelScope) -> None:
        with scope:
            answers.append(await together.ask(one))

    first, second, third = (anyio.CancelScope() for _ in range(3))
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(ask, 1, first)
            await begun(slow)
            group.start_soon(ask, 2, second)
            group.start_soon(ask, 3, third)
            await anyio.wait_all_tasks_blocked()
            first.cancel()
            second.cancel()
            await anyio.wait_all_tasks_blocked()
            slow.go.set()
    assert -3 in answers
    assert -2 not in answers
    assert slow.batches == [[1], [3]]


async def test_an_error_is_everybodys_who_asked_and_the_next_ones_are_served() -> None:
    broken = True

    def answer(questions: Sequence[int]) -> list[int]:
        if broken:
            raise OSError("no table")
        return list(questions)

    together = Together(answer)
    for _ in range(2):
        with pytest.raises(OSError, match="no table"):
            await together.ask(1)
    broken = False
    with anyio.fail_after(5):
        assert await together.ask(2) == 2
