"""Who comes in through a unix socket: the rule of core/security with this daemon's own tables."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from sereno.core.security.admission import is_runner, role_of
from sereno.core.security.peers import Credentials, process_table, runners_above
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer

__all__ = ["unix_judge"]

log = logging.getLogger("sereno.daemon")


def unix_judge(is_ours: Callable[[str], bool]) -> Callable[[Credentials], Peer | None]:
    """`is_ours`: whether an agent id is of this daemon's fleet."""
    uid = os.geteuid()
    above = runners_above(os.getpid(), is_runner, process_table) or frozenset()

    def judge(credentials: Credentials) -> Peer | None:
        role = role_of(credentials, uid=uid, above=above, is_ours=is_ours)
        if role is None:
            log.warning("refused a connection of uid %d", credentials.uid)
            return None
        if role is Role.AGENT:
            log.info("process %d connects as an agent", credentials.pid)
        return Peer(f"unix:{role.value}", role, "unix")

    return judge
