"""A context that lasts over several runs of the loop: entered and left in a task of its own."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

__all__ = ["Held"]

T = TypeVar("T")


class Held(Generic[T]):
    """`begin` once, then `stop` once."""

    def __init__(self, context: AbstractAsyncContextManager[T]) -> None:
        self._context = context

    async def begin(self) -> T:
        """What the context gives; raises what it raises."""
        self._over = asyncio.Event()
        entered: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live(entered))
        self._task.add_done_callback(lambda _: entered.cancel())
        try:
            return await entered
        except asyncio.CancelledError:
            self._task.result()
            raise

    async def stop(self) -> None:
        self._over.set()
        await self._task

    async def _live(self, entered: asyncio.Future[T]) -> None:
        async with self._context as found:
            entered.set_result(found)
            await self._over.wait()
