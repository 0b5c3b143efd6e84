"""How an agent's processes are ended: by stages, each with a time, until none is left.

Pure: a table of stages and a clock given as argument. What a stage does stands in `runner`.
"""

from __future__ import annotations

import enum

LEFTOVER_GRACE = 1.0
"""Seconds that processes have between TERM and KILL which outlived the agent program itself."""
KILL_LIMIT = 5.0
"""Seconds after which what cannot be killed is reported as remaining."""
KILL_PAUSE = 0.002


class Stage(enum.IntEnum):
    """Stages only grow, except that new processes after a report start the killing again."""

    RUNNING = 0
    INPUT_CLOSED = 1
    TERMINATED = 2
    KILLED = 3
    REPORTED = 4


class Ending:
    """Where the ending of one tree of processes stands. Times are of a monotonic clock, seconds."""

    def __init__(self) -> None:
        self.stage = Stage.RUNNING
        self.deadline: float | None = None
        self._half = LEFTOVER_GRACE
        self._latest: float | None = None
        """When KILL was promised to whoever asked for the end."""

    def ask(self, now: float, grace: float) -> bool:
        """The daemon wants the end within `grace` seconds; True when stdin must be closed now."""
        if self.stage < Stage.KILLED:
            promised = now + grace
            self._latest = promised if self._latest is None else min(self._latest, promised)
        if self.stage is Stage.RUNNING:
            self._half = grace / 2
            self._enter(Stage.INPUT_CLOSED, now + self._half)
            return True
        if self.stage is Stage.REPORTED:  # something outlived the last try
            self._enter(Stage.KILLED, now + KILL_LIMIT)
        if self.deadline is not None and self.stage < Stage.KILLED:
            self._half = min(self._half, grace / 2)
            self.deadline = min(self.deadline, now + self._half)
        return False

    def agent_gone(self, now: float) -> bool:
        """The agent program exited and left others; True when these must get TERM now."""
        if self.stage < Stage.TERMINATED:
            kill_at = now + min(self._half, LEFTOVER_GRACE)
            if self._latest is not None:
                kill_at = min(kill_at, self._latest)
            self._enter(Stage.TERMINATED, kill_at)
            return True
        return False

    def due(self, now: float) -> Stage | None:
        """The stage that is entered now because the time of the last one is over."""
        if self.deadline is None or now < self.deadline:
            return None
        match self.stage:
            case Stage.INPUT_CLOSED:
                self._enter(Stage.TERMINATED, now + self._half)
            case Stage.TERMINATED:
                self._enter(Stage.KILLED, now + KILL_LIMIT)
            case _:
                self._enter(Stage.REPORTED, None)
        return self.stage

    def finish(self) -> None:
        """No process is left."""
        self._enter(Stage.REPORTED, None)

    def _enter(self, stage: Stage, deadline: float | None) -> None:
        self.stage = stage
        self.deadline = deadline
