"""How many examples the costliest properties are tried with.

SERENO_TEST_EFFORT=10 tries each with ten times as many: for whoever changes what they hold.
"""

from __future__ import annotations

import os

__all__ = ["examples"]

EFFORT = int(os.environ.get("SERENO_TEST_EFFORT", "1"))


def examples(count: int) -> int:
    return count * EFFORT
