"""Handlers by subject; together they answer every request that the protocol knows."""

from __future__ import annotations

from sereno.core.sessions.dispatch import Table
from sereno.core.sessions.handlers import (
    agents,
    apps,
    daemon,
    directory,
    files,
    importing,
    pairing,
    permissions,
    providers,
    security,
    settings,
    timeline,
    workspaces,
)

__all__ = ["TABLES"]

TABLES: tuple[Table, ...] = (
    agents.table,
    apps.table,
    daemon.table,
    directory.table,
    files.table,
    importing.table,
    pairing.table,
    permissions.table,
    providers.table,
    security.table,
    settings.table,
    timeline.table,
    workspaces.table,
)
