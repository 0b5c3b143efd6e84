"""Everything at once: people who want the opposite of each other, daemons, runners and programs
that are killed, a machine that lacks something; and afterwards each event, prompt and answer is
where it must be, once (tests/e2e/chaos/truths.py).

Short by default. SERENO_TEST_CHAOS_SECONDS makes it longer, with a new seed for each minute;
SERENO_TEST_CHAOS_SEED chooses the first one. `python -m tests.e2e.chaos` does the same by hand.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from pathlib import Path

import pytest

from tests.e2e.chaos.driver import chaos
from tests.e2e.chaos.house import House

SECONDS = float(os.environ.get("SERENO_TEST_CHAOS_SECONDS", "8"))
SEED = int(os.environ.get("SERENO_TEST_CHAOS_SEED", "20261121"))
A_SEED_S = 60.0
HEAVY = frozenset({"window", "race_of_starts", "stop_and_start", "restart_daemon"})
"""Faults that start several programs: left out where time is short."""


@pytest.mark.timeout(300 + 3 * int(SECONDS))
def test_nothing_is_lost_or_done_twice_in_chaos() -> None:
    over = time.monotonic() + SECONDS
    chance = random.Random(SEED)
    seed = SEED
    while True:
        with tempfile.TemporaryDirectory(prefix="sereno-chaos-", ignore_cleanup_errors=True) as at:
            house = House(Path(at))
            try:
                result = chaos(
                    house,
                    seed,
                    min(A_SEED_S, over - time.monotonic()),
                    people=2,
                    leave_out=HEAVY if SECONDS < A_SEED_S else frozenset(),
                )
            finally:
                house.close_windows()
                house.end()
        assert not result.found, f"seed {seed}: {result}"
        assert result.acts.get("_send"), f"seed {seed}: nobody did anything: {result}"
        seed = chance.getrandbits(32)
        if time.monotonic() >= over:
            return
