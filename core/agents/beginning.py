"""How a run of an agent begins: what its driver and its program's command line are told. Pure."""

from __future__ import annotations

import uuid

from sereno.core.agents.record import AgentRecord
from sereno.core.providers.driver import Setup

__all__ = ["setup_of"]


def setup_of(record: AgentRecord, run: int) -> Setup:
    """The same at each asking, also by the next daemon: the program and its driver must agree on
    the id of a new session."""
    wish = record.wish
    session_id = uuid.uuid5(uuid.NAMESPACE_OID, f"sereno {record.id} {run}")
    return Setup(
        record.cwd,
        run,
        wish.mode,
        wish.model,
        wish.thinking,
        title=record.title,
        session_id=str(session_id),
        spent=record.usage,
    )
