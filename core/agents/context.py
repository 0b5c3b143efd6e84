"""What every agent of a daemon is given: store, providers, runners, clock, limits.

One value instead of globals, so that tests can put their own parts in. No behaviour.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from sereno.core.home import Home
from sereno.core.protocol.agents import ProjectPlacement
from sereno.core.protocol.outgoing import Outgoing
from sereno.core.store.database import Database

if TYPE_CHECKING:
    from sereno.core.config import AgentsConfig
    from sereno.core.providers.catalog import Catalog
    from sereno.core.runners.link import RunnerLink
    from sereno.core.runners.model import EndResult, Frame, ProcessInfo, RunnerInfo, RunnerSpec

__all__ = ["Context", "Publisher", "Runners", "Timings"]


class Publisher(Protocol):
    """Implemented by core/sessions: hands one message, encoded once, to every session."""

    def publish(self, message: Outgoing) -> None: ...


class Timings(msgspec.Struct, frozen=True):
    """Seconds. `text_window`: how long rows are gathered, and chunks of text joined, after a
    commit. `start`: how long a program may take to say that its session stands. `cancel`: how long
    it may take to end an interrupted turn before its process is ended. `deaf`: how long one may
    still exit by itself that has closed its input. `drain`: how long the output of a program that
    was ended is still read. `retry`: pause after the store refused.
    `parking`: how often idle agents are looked for."""

    text_window: float = 0.033
    start: float = 120.0
    cancel: float = 10.0
    deaf: float = 2.0
    drain: float = 3.0
    retry: float = 1.0
    parking: float = 15.0


class Runners(msgspec.Struct, frozen=True):
    """The functions of core/runners, replaceable one by one."""

    start: Callable[[RunnerSpec], Awaitable[RunnerInfo]]
    attach: Callable[[Path, int], Awaitable[RunnerLink]]
    read_journal: Callable[[Path, int], Awaitable[list[Frame]]]
    sweep: Callable[[Path], Awaitable[EndResult]]
    processes: Callable[[Path], tuple[ProcessInfo, ...]]
    remove: Callable[[Path], None]
    started: Callable[[Path], bool]
    claimed: Callable[[Path], bool]


class Context(msgspec.Struct, frozen=True):
    """`clock`: epoch milliseconds. `monotonic`: seconds, for windows and deadlines. `place`: reads
    a folder's placement from disk; called in a thread."""

    database: Database
    catalog: Catalog
    publisher: Publisher
    home: Home
    config: AgentsConfig
    server_id: str
    clock: Callable[[], int]
    monotonic: Callable[[], float]
    place: Callable[[str], ProjectPlacement]
    runners: Runners
    timings: Timings = Timings()
