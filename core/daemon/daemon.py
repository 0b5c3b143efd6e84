"""The daemon: builds the parts, starts them in order, and stops them in the opposite one.

Nothing is decided here that a part could decide. It runs the same way embedded in the UI's process
(handover.py) and headless (headless.py); textual and rich are never imported.
"""

from __future__ import annotations

import enum
import logging
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import anyio
import msgspec

from sereno.core.agents.auditing import add_entry
from sereno.core.agents.fleet import Fleet
from sereno.core.config import Config
from sereno.core.daemon.descriptors import Descriptors
from sereno.core.daemon.desk import Desk, Identity, version
from sereno.core.daemon.logs import FILE_ONLY, LogFile
from sereno.core.home import DaemonLock, Home, HomeError, atomic_write, prepare
from sereno.core.listeners import unix
from sereno.core.listeners.memory import MemoryListener
from sereno.core.protocol.frames import CloseCode, encode_payload
from sereno.core.protocol.messages import ServerFeatures, ServerInfo
from sereno.core.protocol.values import iso
from sereno.core.providers.catalog import Catalog
from sereno.core.security.admission import is_runner, own_runner_above, role_of
from sereno.core.security.peers import MARKER, Credentials, process_table, runners_above
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.handlers import TABLES
from sereno.core.sessions.providers import ProviderDirectory
from sereno.core.sessions.registry import Sessions
from sereno.core.sessions.services import Services
from sereno.core.store import meta
from sereno.core.store.audit import Entry
from sereno.core.store.database import Database
from sereno.core.store.errors import StoreError
from sereno.core.workspaces.suggestions import Suggestions

__all__ = ["Daemon", "Outcome"]

log = logging.getLogger("sereno.daemon")

DRAIN_S = 2.0
"""Seconds for requests under way when the daemon stops."""
GOODBYE_S = 0.3
"""Seconds for clients to answer the close."""
ADDITIONS = 1
"""Version of Sereno's additions to the wire."""


class Outcome(enum.Enum):
    """Why a daemon ended. STOP and RESTART were asked for by somebody; LEAVE means that another
    process goes on with the same descriptors, so socket and lock stay where they are."""

    STOP = "stop"
    RESTART = "restart"
    LEAVE = "leave"


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
    ) -> None:
        """`memory`: where the UI of this process connects. `taken`: of the daemon before."""
        self._home = home
        self._config = config
        self._embedded = embedded
        self._memory = memory
        self._taken = taken
        self._lock = DaemonLock(home)
        self._socket: socket.socket | None = None
        self._outcome: Outcome | None = None
        self._stopping = anyio.Event()
        self._env = dict(os.environ)

    # From outside, on the daemon's loop

    def stop(self, outcome: Outcome) -> None:
        """Begins to stop; the first word counts."""
        if self._outcome is None:
            self._outcome = outcome
            self._stopping.set()

    def keep(self) -> Descriptors:
        """Duplicates of lock and socket (CLOEXEC), for whoever takes over. The caller owns them."""
        assert self._socket is not None
        return Descriptors(os.dup(self._lock.fd), os.dup(self._socket.fileno()))

    # The run

    async def run(self, started: Callable[[], None]) -> Outcome:
        """Until it is stopped. `started` is called when clients are served.

        Raises:
            HomeError: the home is locked, read-only, not ours, we are inside of an agent, …
            StoreError: the database is corrupt, too new, …
        """
        _refuse_inside_agent(self._home)
        repairs = prepare(self._home)
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
            self._listen()
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

    def _listen(self) -> None:
        """Clients may connect from here on; they wait until everything else is there."""
        path = self._home.socket
        self._socket = unix.adopt(self._taken.unix, path) if self._taken else unix.bind(path)

    async def _serve(self, started: Callable[[], None]) -> Outcome:
        assert self._socket is not None
        database = Database(self._home.database)
        await database.open()
        try:
            server_id = await database.write(
                lambda connection: meta.set_once(connection, "server_id", _new_server_id())
            )
            identity = Identity(
                version(), iso(_now_ms()), (str(self._home.socket),), self._embedded
            )
            sessions = Sessions(greeting=lambda: greeting(server_id, identity.version))
            catalog = Catalog(self._config)
            fleet = Fleet(
                database=database,
                catalog=catalog,
                publisher=sessions,
                home=self._home,
                config=self._config,
                server_id=server_id,
            )
            providers = ProviderDirectory(catalog, self._env, sessions.tell, _now_ms)
            desk = Desk(self._home, identity, fleet, sessions, database, self._asked)

            async def note(actor: str, action: str, subject: str, details: dict[str, str]) -> None:
                text = msgspec.json.encode(details).decode()
                await add_entry(database, Entry(_now_ms(), actor, action, subject, text))

            services = Services(
                fleet=fleet,
                providers=providers,
                suggestions=Suggestions(),
                daemon=desk,
                user_home=Path.home(),
                now_ms=_now_ms,
                note=note,
            )
            async with anyio.create_task_group() as group:
                await group.start(sessions.run, services, TABLES)
                await group.start(fleet.run)
                await group.start(providers.run)
                listener = unix.UnixListener(self._socket, sessions, self._judge(fleet))
                # First, because whoever gets an answer may want to know of whom.
                self._write_status(identity)
                listener.start()
                if self._memory is not None:
                    self._memory.start(sessions)
                log.info("started: pid %d, version %s", os.getpid(), identity.version)
                started()
                await self._stopping.wait()
                await self._say_goodbye(listener, sessions)
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await database.close()
        assert self._outcome is not None
        return self._outcome

    async def _say_goodbye(self, listener: unix.UnixListener, sessions: Sessions) -> None:
        listener.stop()
        await sessions.drain(DRAIN_S if self._outcome is not Outcome.LEAVE else GOODBYE_S)
        if self._outcome is Outcome.STOP:
            sessions.close(CloseCode.GOING_AWAY, "The daemon stops")
        else:
            sessions.close(CloseCode.RESTART, "The daemon changes hands")
        if self._memory is not None:
            self._memory.stop()
        await listener.wait_closed(GOODBYE_S)

    def _asked(self, reason: Literal["stop", "restart"]) -> None:
        self.stop(Outcome(reason))

    def _judge(self, fleet: Fleet) -> Callable[[Credentials], Peer | None]:
        uid = os.geteuid()
        above = runners_above(os.getpid(), is_runner, process_table) or frozenset()

        def is_ours(agent_id: str) -> bool:
            return any(view.snapshot.id == agent_id for view in fleet.list())

        def judge(credentials: Credentials) -> Peer | None:
            role = role_of(credentials, uid=uid, above=above, is_ours=is_ours)
            if role is None:
                log.warning("refused a connection of uid %d", credentials.uid)
                return None
            if role is Role.AGENT:
                log.info("process %d connects as an agent", credentials.pid)
            return Peer(f"unix:{role.value}", role, "unix")

        return judge

    def _write_status(self, identity: Identity) -> None:
        """For the command line: which process this is, said so that no other is taken for it."""
        me = process_table(os.getpid())
        status = {
            "pid": os.getpid(),
            "start": me.start if me else 0,
            "version": identity.version,
            "startedAt": identity.started_at,
            "socket": str(self._home.socket),
            "embedded": self._embedded,
        }
        atomic_write(self._home.status, msgspec.json.encode(status))

    def _let_go(self) -> None:
        """Names first, then the lock: whoever gets the lock next puts his own there."""
        if self._socket is not None:
            if self._outcome is Outcome.STOP:
                self._home.socket.unlink(missing_ok=True)
                self._home.status.unlink(missing_ok=True)
            self._socket.close()
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


def greeting(server_id: str, daemon_version: str) -> bytes:
    """The server_info frame (wire reference 5.3)."""
    reason = "Sereno has no voice"
    off = {"enabled": False, "reason": reason}
    return encode_payload(
        ServerInfo(
            server_id=server_id,
            hostname=socket.gethostname() or None,
            version=daemon_version,
            capabilities={"voice": {"dictation": off, "voice": off}},
            features=ServerFeatures(providers_snapshot=True, sereno=ADDITIONS),
        )
    )


def _new_server_id() -> str:
    """As the wire reference 1.4 has it: 9 random bytes in base64url."""
    import base64

    return "srv_" + base64.urlsafe_b64encode(os.urandom(9)).decode()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
