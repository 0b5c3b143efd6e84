"""The daemon: builds the parts, starts them in order, and stops them in the opposite one.

Nothing is decided here that a part could decide. It runs the same way embedded in the UI's process
(handover.py) and headless (headless.py); textual and rich are never imported.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import os
from collections.abc import Callable
from functools import partial
from typing import Literal

import anyio
import anyio.to_thread
import msgspec

from sereno import __version__
from sereno.core.agents.errors import AgentError
from sereno.core.agents.fleet import Fleet
from sereno.core.config import Config
from sereno.core.daemon.admitting import Admission
from sereno.core.daemon.descriptors import Descriptors
from sereno.core.daemon.desk import Identity
from sereno.core.daemon.encryption import what_is_kept
from sereno.core.daemon.entrance import Entrance
from sereno.core.daemon.greeting import page
from sereno.core.daemon.logs import FILE_ONLY, LogFile, set_level
from sereno.core.daemon.parts import Parts, build, now_ms
from sereno.core.daemon.remnants import remove_remnants
from sereno.core.home import DaemonLock, Home, HomeError, atomic_write, prepare
from sereno.core.home.prepare import prove_writable
from sereno.core.listeners.memory import MemoryListener
from sereno.core.protocol.additions import DoorStatus, MakeOfferResult
from sereno.core.protocol.frames import CloseCode
from sereno.core.protocol.values import iso
from sereno.core.security.admission import own_runner_above
from sereno.core.security.peers import MARKER, process_table
from sereno.core.sessions.registry import Sessions
from sereno.core.store.database import Database
from sereno.core.store.errors import StoreError

__all__ = ["Daemon", "Outcome", "Phase"]

log = logging.getLogger("sereno.daemon")

DRAIN_S = 2.0
"""Seconds for requests under way when the daemon stops."""
GOODBYE_S = 0.3
"""Seconds for clients to answer the close."""


class Outcome(enum.Enum):
    """Why a daemon ended. STOP and RESTART were asked for by somebody; LEAVE means that another
    process goes on with the same descriptors, so socket and lock stay where they are."""

    STOP = "stop"
    RESTART = "restart"
    LEAVE = "leave"


class Phase(enum.Enum):
    """What a service manager is told of: SERVING follows RELOADING, also where the configuration
    was refused. STOPPING or RESTARTING come when the end begins, whoever asked for it."""

    SERVING = "serving"
    RELOADING = "reloading"
    STOPPING = "stopping"
    RESTARTING = "restarting"


class Daemon:
    """One run of the daemon. `run` once; then make a new one."""

    def __init__(
        self,
        home: Home,
        config: Config,
        *,
        embedded: bool = False,
        memory: MemoryListener | None = None,
        taken: Descriptors | None = None,
        strict: bool = False,
        load: Callable[[], Config] | None = None,
        moved: Callable[[], None] = lambda: None,
        phase: Callable[[Phase], None] = lambda _: None,
        password_forced: bool = False,
    ) -> None:
        """`memory`: where the UI of this process connects. `taken`: of the daemon before.
        `strict`: an address that cannot be opened is a refusal. `load`: reads the configuration
        anew, on a thread. `moved` is called when there are other sockets than before: whoever
        keeps duplicates shall `keep` again. `phase` hears what happens as a whole.
        `password_forced`: the password of `config` is not that of the file, and wins over it."""
        self._home = home
        self._config = config
        self._embedded = embedded
        self._memory = memory
        self._taken = taken
        self._strict = strict
        self._load = load
        self._moved = moved
        self._phase = phase
        self._password_forced = password_forced
        self._lock = DaemonLock(home)
        self._entrance = Entrance(home)
        self._identity: Identity | None = None
        self._parts: Parts | None = None
        self._outcome: Outcome | None = None
        self._stopping = anyio.Event()
        self._reload_wanted = anyio.Event()
        self._applying = anyio.Lock()
        self._env = dict(os.environ)

    # From outside, on the daemon's loop

    def stop(self, outcome: Outcome) -> None:
        """Begins to stop; the first word counts."""
        if self._outcome is None:
            self._outcome = outcome
            self._stopping.set()
            self._phase(Phase.STOPPING if outcome is Outcome.STOP else Phase.RESTARTING)

    def keep(self) -> Descriptors:
        """Duplicates of lock and sockets (CLOEXEC) for whoever takes over; the caller owns them."""
        return self._entrance.descriptors(self._lock.fd).duplicate()

    def reload_soon(self) -> None:
        """Reads the configuration again and applies it; one that is not valid is logged, and the
        old one stays."""
        self._reload_wanted.set()

    async def reload(self) -> None:
        """The same at once. Raises HomeError for a configuration that is not valid."""
        if self._load is None:
            return
        self._phase(Phase.RELOADING)
        try:
            async with self._applying:
                # A mistake in the configuration must not keep an old token alive.
                self._entrance.renew(self._config)
            await self.apply(await anyio.to_thread.run_sync(self._load))
        finally:
            self._phase(Phase.SERVING)

    async def apply(self, config: Config) -> None:
        """Goes on with another configuration and drops nothing that still may be there. Raises
        HomeError for a token that cannot be used, and everything is as before; and at its end for a
        certificate, when all else is in force."""
        async with self._applying:
            moved, refused = await self._entrance.apply(config)
            before, self._config = self._config, config
            set_level(config.log.level)
            if self._parts is not None:
                self._parts.remote.apply(config.daemon.relay)
            if moved:
                self._moved()
                self._write_status()
            log.info("the configuration was read again")
            if (config.agents, config.providers) != (before.agents, before.providers):
                log.info("[agents] and [providers] take effect with `sereno daemon restart`")
            if refused is not None:
                raise refused

    # The run

    async def run(self, started: Callable[[], None]) -> Outcome:
        """Until it is stopped. `started` is called when clients are served.

        Raises:
            HomeError: the home is locked, read-only, not ours, an address is taken, …
            StoreError: the database is corrupt, too new, …
        """
        _refuse_inside_agent(self._home)
        repairs = prepare(self._home, prove=False)
        if self._taken is None:
            self._lock.acquire()
        else:
            self._lock.adopt(self._taken.lock)
        logfile: LogFile | None = None
        try:
            logfile = LogFile(self._home.daemon_log)
            logfile.attach(self._config.log.level)
            for words in repairs:
                log.warning("%s", words)
            self._entrance.open(self._config, self._taken, strict=self._strict)
            outcome = await self._serve(started)
            log.info("stopped: %s", outcome.value)
            return outcome
        except (HomeError, StoreError) as error:
            # Whoever runs us tells the person; the file keeps it as well.
            log.error("%s", error, extra={FILE_ONLY: True})
            raise
        except Exception as error:
            log.critical("the daemon broke: %s", error, exc_info=error)
            raise
        finally:
            self._let_go()
            if logfile is not None:
                logfile.detach()

    async def _serve(self, started: Callable[[], None]) -> Outcome:
        database = Database(self._home.database)
        try:
            await self._open(database)
            identity = Identity(__version__, iso(now_ms()), self._embedded)
            self._identity = identity
            parts = await build(
                self._home,
                self._config,
                database,
                self,
                identity,
                env=self._env,
                password_forced=self._password_forced,
            )
            self._parts = parts
            sessions, pairings = parts.sessions, parts.pairings
            async with anyio.create_task_group() as group:
                await parts.start(group)
                # First, because whoever gets an answer may want to know of whom.
                self._write_status()
                self._entrance.serve(
                    self._config,
                    sessions,
                    Admission(partial(_knows, parts.fleet)),
                    group,
                    lambda: page(parts.server_id, identity.version),
                    parts.services.files,
                )
                if self._memory is not None:
                    self._memory.start(sessions)
                group.start_soon(parts.remote.run)
                group.start_soon(self._reload_when_wanted)
                group.start_soon(anyio.to_thread.run_sync, remove_remnants, self._home)
                log.info("started: pid %d, version %s", os.getpid(), identity.version)
                started()
                self._phase(Phase.SERVING)
                await self._stopping.wait()
                pairings.close()
                await self._say_goodbye(sessions)
                if self._outcome is not Outcome.LEAVE:
                    await pairings.restarted()
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await database.close()
        assert self._outcome is not None
        return self._outcome

    async def _open(self, database: Database) -> None:
        """And proves the disk beside it: both wait for it."""
        proof = asyncio.get_running_loop().run_in_executor(None, prove_writable, self._home)
        try:
            await database.open()
        finally:
            await proof

    async def _reload_when_wanted(self) -> None:
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted = anyio.Event()
            try:
                await self.reload()
            except HomeError as error:
                log.error("%s: %s", what_is_kept(error), error)
            except OSError as error:
                # No descriptor for a file, say: that is no reason to end.
                log.error("the configuration could not be read again: %s", error)

    async def _say_goodbye(self, sessions: Sessions) -> None:
        self._entrance.stop()
        await sessions.drain(DRAIN_S if self._outcome is not Outcome.LEAVE else GOODBYE_S)
        if self._outcome is Outcome.STOP:
            sessions.close(CloseCode.GOING_AWAY, "The daemon stops")
        else:
            sessions.close(CloseCode.RESTART, "The daemon changes hands")
        if self._memory is not None:
            self._memory.stop()
        await self._entrance.wait_closed(GOODBYE_S)

    # What our parts tell and ask of us

    @property
    def config(self) -> Config:
        return self._config

    def asked(self, reason: Literal["stop", "restart"]) -> None:
        self.stop(Outcome(reason))

    @property
    def open_texts(self) -> list[str]:
        return self._entrance.open_texts

    def door_states(self) -> list[DoorStatus]:
        return self._entrance.states()

    def let_app_in(self, paired: bool) -> None:
        self._entrance.let_app_in(self._config, paired)

    def offer(self, request_id: str) -> MakeOfferResult:
        return self._entrance.offer(request_id)

    def _write_status(self) -> None:
        """For the command line: which process this is, said so that no other is taken for it."""
        assert self._identity is not None
        me = process_table(os.getpid())
        status = {
            "pid": os.getpid(),
            "start": me.start if me else 0,
            "version": self._identity.version,
            "startedAt": self._identity.started_at,
            "socket": str(self._home.socket),
            "listen": self._entrance.open_texts,
            "embedded": self._embedded,
        }
        atomic_write(self._home.status, msgspec.json.encode(status), durable=False)

    def _let_go(self) -> None:
        """Names first, then the lock: whoever gets the lock next puts his own there."""
        for_good = self._outcome is Outcome.STOP
        if for_good and self._entrance.is_open:
            self._home.status.unlink(missing_ok=True)
        self._entrance.close(for_good=for_good)
        self._lock.release()


def _refuse_inside_agent(home: Home) -> None:
    """An agent of this home must not become the parent of its daemon: it would answer for the
    person, and its end would be the end of all others (T46)."""
    if own_runner_above(home.agents, os.environ.get(MARKER)):
        raise HomeError(
            "inside_agent",
            "This process was started by an agent of this very home, and agents do not start "
            "its daemon.",
            "Start sereno from a terminal of your own, or set SERENO_HOME for a second home.",
        )


def _knows(fleet: Fleet, agent_id: str) -> bool:
    """On any thread: one look into a table."""
    try:
        fleet.view(agent_id)
    except AgentError:
        return False
    return True
