"""What every agent of a daemon is given: store, providers, runners, clock, limits.

One value instead of globals, so that tests can put their own parts in. No behaviour.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sereno.core import runners
from sereno.core.home import Home
from sereno.core.protocol.outgoing import Outgoing
from sereno.core.store.database import Database

if TYPE_CHECKING:
    from sereno.core.config import AgentsConfig
    from sereno.core.providers.catalog import Catalog

__all__ = ["Context", "Publisher", "Runners", "Timings"]


class Publisher(Protocol):
    """Implemented by core/sessions: hands one message, encoded once, to every session."""

    def publish(self, message: Outgoing) -> None: ...


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds. `text_window`: how long chunks of text are gathered into one row. `start`: how
    long a program may take to say that its session stands. `cancel`: how long it may take to end
    an interrupted turn before its process is ended. `retry`: pause after the store refused."""

    text_window: float = 0.033
    start: float = 30.0
    cancel: float = 10.0
    retry: float = 1.0


@dataclass(frozen=True, slots=True)
class Runners:
    """The functions of core/runners, replaceable one by one."""

    start: Callable[[runners.RunnerSpec], Awaitable[runners.RunnerInfo]] = runners.start_runner
    attach: Callable[[Path, int], Awaitable[runners.RunnerLink]] = runners.attach
    read_journal: Callable[[Path, int], Awaitable[list[runners.Frame]]] = runners.read_journal
    sweep: Callable[[Path], Awaitable[runners.EndResult]] = runners.sweep
    processes: Callable[[Path], tuple[runners.ProcessInfo, ...]] = runners.processes
    remove: Callable[[Path], None] = runners.remove


@dataclass(frozen=True, slots=True)
class Context:
    """`clock`: epoch milliseconds. `monotonic`: seconds, for windows and deadlines."""

    database: Database
    catalog: Catalog
    publisher: Publisher
    home: Home
    config: AgentsConfig
    server_id: str
    clock: Callable[[], int]
    monotonic: Callable[[], float]
    runners: Runners = field(default_factory=Runners)
    timings: Timings = field(default_factory=Timings)
