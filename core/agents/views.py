"""What the fleet hands out: plain values for sessions, never the living agent itself.

Not here: how they are made (snapshot.py, timeline.py, agent.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from sereno.core.protocol.additions import LogLine, ProcessRow
from sereno.core.protocol.agents import AgentSnapshot, ProjectPlacement
from sereno.core.protocol.requests import Image
from sereno.core.protocol.values import UNSET, UnsetType

__all__ = [
    "AgentView",
    "Ended",
    "Inspection",
    "LogPage",
    "Principal",
    "PromptResult",
    "TakenBack",
    "WaitOutcome",
]

Principal = str
"""Who does something, in words for the ledger and the audit: "owner (cli)", "Pixel 9"."""


class AgentView(msgspec.Struct, frozen=True):
    """One agent as lists show it. `encoded` is the JSON of an `AgentEntry` ({agent, project}),
    made once per change and shared by all readers."""

    snapshot: AgentSnapshot
    project: ProjectPlacement
    encoded: bytes
    updated_ms: int
    provider_available: bool


class PromptResult(msgspec.Struct, frozen=True):
    """`queued`: the prompt waits (for a running turn or for the program to be ready).

    `repeated`: this message id was accepted before; nothing was done again.
    """

    prompt_id: str
    queued: bool
    repeated: bool = False


class TakenBack(msgspec.Struct, frozen=True):
    """A prompt that was taken out of the queue, whole."""

    prompt_id: str
    text: str
    images: tuple[Image, ...] = ()
    attachments: tuple[Mapping[str, Any], ...] = ()


class Ended(msgspec.Struct, frozen=True):
    """`remaining`: pids of the agent's process tree that could not be ended; empty = verified."""

    remaining: tuple[int, ...] = ()

    @property
    def verified(self) -> bool:
        return not self.remaining


class WaitOutcome(msgspec.Struct, frozen=True):
    """Wire reference 6.6.5. `error` only with status "error"."""

    status: Literal["idle", "error", "permission", "timeout"]
    view: AgentView
    error: str | None
    last_message: str | None


class Inspection(msgspec.Struct, frozen=True):
    """What stands behind an agent; pids are None where no process runs."""

    run: int
    command: tuple[str, ...]
    runner_pid: int | None
    agent_pid: int | None
    processes: tuple[ProcessRow, ...]
    journal_bytes: int
    started_ms: int | None
    exit: str | None
    stderr_tail: tuple[str, ...] = ()

    @property
    def memory_kib(self) -> int:
        return sum(row.rss_kib for row in self.processes)

    @property
    def pss_kib(self) -> int | UnsetType:
        """Where it is known of each process."""
        parts = [row.pss_kib for row in self.processes if row.pss_kib is not UNSET]
        return sum(parts) if len(parts) == len(self.processes) else UNSET


class LogPage(msgspec.Struct, frozen=True):
    """Lines of an agent's stderr and diagnostics. Cursors: see `Fleet.log`."""

    lines: tuple[LogLine, ...]
    start_cursor: int
    end_cursor: int
    has_older: bool
