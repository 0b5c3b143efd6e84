"""The people of the chaos test: clients that want things of agents, all at once.

They have a generator each, so that a seed says what each of them wants, if not when.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from pathlib import Path

from sereno.core.client.errors import ClientError
from sereno.core.home import Home
from tests.e2e.chaos.diary import Diary
from tests.e2e.chaos.person import Person

__all__ = ["Crowd"]


class Crowd:
    """Several clients, each with a generator of its own; they rest between `rest` and `go`."""

    def __init__(self, home: Home, work: Path, chance: random.Random, people: int) -> None:
        self.diary = Diary()
        self._home = home
        self._work = work
        self._numbers = itertools.count(1)
        self._awake = threading.Event()
        self._over = threading.Event()
        self._busy = [threading.Lock() for _ in range(people)]
        self._threads = [
            threading.Thread(target=self._live, args=(random.Random(chance.random()), lock))
            for lock in self._busy
        ]
        for thread in self._threads:
            thread.start()

    def go(self) -> None:
        self._awake.set()

    def rest(self) -> None:
        """Returns when nobody has anything under way."""
        self._awake.clear()
        for lock in self._busy:
            with lock:
                pass

    def end(self) -> None:
        self._over.set()
        self._awake.set()
        for thread in self._threads:
            thread.join()

    def _live(self, chance: random.Random, lock: threading.Lock) -> None:
        person = Person(self._home, self._work, chance, self.diary, self._numbers)
        while self._awake.wait() and not self._over.is_set():
            with lock:
                if self._awake.is_set():
                    try:
                        person.act()
                    except (ClientError, OSError) as error:
                        person.stumble(error)
            time.sleep(chance.uniform(0.01, 0.25))
        person.leave()
