"""Who comes in from this machine: the rules of core/security with the daemon's own tables (T46)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from sereno.core.security.admission import is_runner, role_of
from sereno.core.security.peers import Credentials, process_table, runners_above
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer

__all__ = ["Admission"]

log = logging.getLogger("sereno.daemon")


class Admission:
    """Both questions may be asked on any thread."""

    def __init__(self, is_ours: Callable[[str], bool]) -> None:
        """`is_ours`: whether an agent id is of this daemon's fleet."""
        self._is_ours = is_ours
        self._uid = os.geteuid()
        self._above = runners_above(os.getpid(), is_runner, process_table) or frozenset()

    def of_unix(self, credentials: Credentials) -> Peer | None:
        """Who connected to a unix socket; None to refuse it."""
        role = self._role(credentials)
        if role is None:
            log.warning("refused a connection of uid %d", credentials.uid)
            return None
        if role is Role.AGENT:
            log.info("process %d connects as an agent", credentials.pid)
        return Peer(f"unix:{role.value}", role, "unix")

    def is_agent(self, pid: int) -> bool:
        """Whether a process of our uid was started by an agent of ours."""
        return self._role(Credentials(pid, self._uid)) is Role.AGENT

    def _role(self, credentials: Credentials) -> Role | None:
        return role_of(credentials, uid=self._uid, above=self._above, is_ours=self._is_ours)
