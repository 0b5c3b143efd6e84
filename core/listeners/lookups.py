"""What the system knows of who connects, asked in a thread: one look for all that wait for it.

The tables of the kernel and of the processes are read as a whole, so a hundred connections at once
cost a few readings. What the answers mean is core/security.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

import anyio
import anyio.to_thread

from sereno.core.security.same_user import Owner
from sereno.core.security.sockets import agent_behind, held_sockets

__all__ = ["Together", "agents_behind"]

Question = TypeVar("Question")
Answer = TypeVar("Answer")
_MOST: Final = 64


class Together(Generic[Question, Answer]):
    """Gathers questions while those that came before are answered. Belongs to one loop.

    `answer` blocks, and gets only questions that were asked before it is called.
    """

    def __init__(self, answer: Callable[[Sequence[Question]], Sequence[Answer]]) -> None:
        self._answer = answer
        self._waiting: list[_Asked[Question, Answer]] = []
        self._turn = anyio.Lock()

    async def ask(self, question: Question) -> Answer:
        """Raises what `answer` raised."""
        mine: _Asked[Question, Answer] = _Asked(question)
        self._waiting.append(mine)
        try:
            async with self._turn:
                if not mine.done:
                    # What others wait for is not given up because this one went away.
                    with anyio.CancelScope(shield=True):
                        await self._work()
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
        if mine.error is not None:
            raise mine.error
        return mine.answers[0]

    async def _work(self) -> None:
        batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            answers = await anyio.to_thread.run_sync(self._answer, [one.question for one in batch])
            for one, answer in zip(batch, answers, strict=True):
                one.answers.append(answer)
        except Exception as error:  # noqa: BLE001 - everybody who asked is told
            for one in batch:
                one.error = error
        for one in batch:
            one.done = True


class _Asked(Generic[Question, Answer]):
    def __init__(self, question: Question) -> None:
        self.question = question
        self.answers: list[Answer] = []
        self.error: Exception | None = None
        self.done = False


def agents_behind(owners: Sequence[Owner], is_agent: Callable[[int], bool]) -> list[bool]:
    """Whether each socket belongs to an agent; one scan for all of one user, and each process is
    judged once."""
    scans = {owner.uid: held_sockets(owner.uid) for owner in owners}
    known: dict[int, bool] = {}

    def judged(pid: int) -> bool:
        if pid not in known:
            known[pid] = is_agent(pid)
        return known[pid]

    return [agent_behind(owner, judged, scans[owner.uid]) for owner in owners]
