"""The words of this room: frames, specs, what is known of a runner, and what can go wrong.

Values only. `Frame.end` is what the store commits together with the events of the frame.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path

import msgspec

from sereno.core.runners.process.wire import Kind

MIB = 1024 * 1024


class Stream(enum.IntEnum):
    """Where a frame comes from.

    WROTE: data is a write id (`Frame.write_id`). EXIT: a JSON object {"code", "signal"}, one of
    them null; nothing follows it. NOTE: `code` or `code:detail`, see docs/runner-protocol.md.
    START: a JSON object, the first frame of each journal.
    """

    OUT = Kind.OUT
    ERR = Kind.ERR
    WROTE = Kind.WROTE
    EXIT = Kind.EXIT
    NOTE = Kind.NOTE
    START = Kind.START


class Frame(msgspec.Struct, frozen=True):
    """One frame of a journal.

    `end`: the journal's offset behind it, from which one may go on reading. `at_ms`: milliseconds
    since 1970. OUT and ERR hold one or more whole lines with their newlines; `partial` means that
    the data ends inside a line and the stream's next frame goes on with it.
    """

    end: int
    stream: Stream
    at_ms: int
    data: bytes
    partial: bool = False

    @property
    def write_id(self) -> int:
        """Of a WROTE frame: the id that is now written whole."""
        return int.from_bytes(self.data[:8], "little", signed=True)


class RunnerSpec(msgspec.Struct, frozen=True):
    """An agent program to be run.

    `folder`: new, or empty, for this run alone. `env`: all that the program gets, besides the two
    marker variables (`MARKERS`). `journal_limit`: bytes kept for a daemon that is away; when they
    are full the agent is not read until the daemon takes some.
    """

    agent_id: str
    folder: Path
    command: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    journal_limit: int = 64 * MIB


MARKERS = ("SERENO_AGENT_ID", "SERENO_RUN")
"""Variables in every agent's environment; SERENO_RUN's random value finds what a run left over."""


class Seen(msgspec.Struct, frozen=True):
    """A process, named so that no other process that gets its pid is taken for it (T83)."""

    pid: int
    start: str


class RunnerInfo(msgspec.Struct, frozen=True):
    """What stands in runner.json. `child` is None when the runner died before it had one."""

    agent_id: str
    folder: Path
    run: str
    command: tuple[str, ...]
    started_ms: int
    protocol: int
    runner: Seen
    child: Seen | None

    @property
    def runner_pid(self) -> int:
        return self.runner.pid

    @property
    def child_pid(self) -> int | None:
        return self.child.pid if self.child else None


class EndResult(msgspec.Struct, frozen=True):
    """`remaining`: pids of the agent's processes that could not be ended; empty means verified."""

    remaining: tuple[int, ...] = ()

    @property
    def verified(self) -> bool:
        return not self.remaining


class ProcessInfo(msgspec.Struct, frozen=True):
    """One process of a runner's tree. `rss_kib`: resident memory in KiB; `pss_kib`: the same with
    what it shares with others counted in parts, None where the system does not tell. `group`: its
    process group. `age_s`: seconds since it began, None where that is not known."""

    pid: int
    ppid: int
    command: str
    rss_kib: int
    pss_kib: int | None = None
    group: int = 0
    age_s: float | None = None

    @property
    def memory_kib(self) -> int:
        """What would be free without it, as well as that is known."""
        return self.rss_kib if self.pss_kib is None else self.pss_kib


class RunnerError(Exception):
    """Something went wrong with a runner: `message` says the cause, `next_step` what to do."""

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step}")
        self.code = code
        self.message = message
        self.next_step = next_step


class RunnerStartError(RunnerError):
    """The agent could not be started; nothing runs.

    Codes: not_found, not_executable, cwd_missing, cwd_denied, too_long, disk_full, read_only,
    not_allowed, folder_in_use, no_answer, too_many, failed.
    """


class RunnerGone(RunnerError):
    """The runner does not live any more (code gone): `read_journal`, then `sweep`."""


class RunnerVersionError(RunnerError):
    """Runner and daemon have no protocol version in common (code version)."""


class JournalGap(RunnerError):
    """The journal does not hold the offset that was asked for (code offset).

    `first` and `end` bound what it holds. Only an older copy of the database asks for less.
    """

    def __init__(self, offset: int, first: int, end: int) -> None:
        super().__init__(
            "offset",
            f"The runner's journal begins at {first} and ends at {end}; {offset} was asked for.",
            "What lies between is lost if an older copy of the database was put back; go on from "
            f"{first}.",
        )
        self.first = first
        self.end = end
