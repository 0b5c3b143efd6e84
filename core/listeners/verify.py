"""Has passwords compared with their hash: in threads of its own, two at once, one for equals.

The threads are nice to everything else: a stranger's wrong passwords must not be felt by whoever
works here (T27). What a comparison means is core/security/gate.py's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from sereno.core.security.passwords import matches

__all__ = ["AT_ONCE", "Verifier"]

AT_ONCE: Final = 2
_NICENESS: Final = 5
"""Enough that the loop wakes first; more would starve a right password beside busy agents."""


class Verifier:
    """Belongs to one loop; its threads end with it."""

    def __init__(self, compare: Callable[[str, str], bool] = matches) -> None:
        self._compare = compare
        self._threads = ThreadPoolExecutor(AT_ONCE, "bcrypt", _be_nice)
        self._under_way: dict[tuple[str, str], asyncio.Future[bool]] = {}

    @property
    def waiting(self) -> int:
        """Different comparisons under way or in the queue."""
        return len(self._under_way)

    async def __call__(self, password: str, kept: str) -> bool:
        """Whether the password has this hash. Equal questions at the same time are one."""
        key = (password, kept)
        found = self._under_way.get(key)
        if found is None:
            loop = asyncio.get_running_loop()
            found = loop.run_in_executor(self._threads, self._compare, password, kept)
            self._under_way[key] = found
            found.add_done_callback(lambda _: self._under_way.pop(key))
        # Who goes away meanwhile takes nothing from the others who ask the same.
        return await asyncio.shield(found)


def _be_nice() -> None:
    """Than the daemon is itself. Linux counts niceness by thread; elsewhere it is the whole
    process's, and stays."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            mine = threading.get_native_id()
            before = os.getpriority(os.PRIO_PROCESS, mine)
            os.setpriority(os.PRIO_PROCESS, mine, min(before + _NICENESS, 19))
