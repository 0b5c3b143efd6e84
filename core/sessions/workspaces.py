"""Workspaces as apps see them: which there are, opening and putting away, and word of changes.

Nothing is computed while nobody subscribed; else all of it at most each `PAUSE_S`, however much the
agents say. What a workspace is stands in core/workspaces/overview.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import anyio
import anyio.to_thread

from sereno.core.agents.views import AgentView
from sereno.core.protocol.agents import ProjectPlacement
from sereno.core.protocol.frames import encode_payload
from sereno.core.protocol.outgoing import WORKSPACES, Kind, Outgoing
from sereno.core.protocol.workspaces import Workspace, WorkspaceRemoved, WorkspaceUpserted
from sereno.core.store import workspaces as rows
from sereno.core.store.database import Database
from sereno.core.store.workspaces import Marks
from sereno.core.workspaces.overview import overview
from sereno.core.workspaces.paths import resolve_cwd
from sereno.core.workspaces.placement import Placements

__all__ = ["PAUSE_S", "Workspaces"]

PAUSE_S = 0.1


class Workspaces:
    """`views`: all agents. `watched`: whether anybody subscribed. `state`: Sereno's own home, in
    which nobody works. Belongs to the daemon's loop."""

    def __init__(
        self,
        database: Database,
        views: Callable[[], Iterable[AgentView]],
        publish: Callable[[Outgoing], None],
        watched: Callable[[], bool],
        *,
        state: Path,
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._views = views
        self._publish = publish
        self._watched = watched
        self._state = state
        self._now_ms = now_ms
        self._placements = Placements()
        self._marks: Marks | None = None
        self._told: dict[str, Workspace] = {}
        self._due = False
        self._writing = anyio.Lock()

    def folders(self) -> Iterable[str]:
        """The folders that somebody opened: their files may be looked at, as those of agents."""
        return () if self._marks is None else self._marks.opened

    async def current(self) -> dict[str, Workspace]:
        """All that are to be shown, by id. Raises StoreError."""
        return self._overview(await self._known())

    async def watch(self) -> dict[str, Workspace]:
        """As `current`, for somebody who is told of every change after this."""
        self._told = await self.current()
        return self._told

    async def open(self, cwd: str) -> Workspace:
        """A folder that is to be shown from now on. Raises WorkspaceError, StoreError."""
        folder = str(await anyio.to_thread.run_sync(lambda: resolve_cwd(cwd, state=self._state)))
        await self._placements.refresh(folder)
        marks = await self._known()
        hidden = {one: at for one, at in marks.hidden.items() if one != folder}
        await self._keep(Marks(marks.opened | {folder: self._now_ms()}, hidden))
        return (await self.current())[folder]

    async def put_away(self, folder: str) -> int | None:
        """Shows a folder no more, until it needs the person or somebody works there again. When, in
        epoch milliseconds; None where it is not shown. Its agents stay as they are."""
        marks = await self._known()
        if folder not in self._overview(marks):
            return None
        now = self._now_ms()
        opened = {one: at for one, at in marks.opened.items() if one != folder}
        await self._keep(Marks(opened, marks.hidden | {folder: now}))
        return now

    def touched(self) -> None:
        """An agent has changed: perhaps its workspace too."""
        if not self._due and self._watched():
            self._due = True
            asyncio.get_running_loop().call_later(PAUSE_S, self._tell)

    async def _known(self) -> Marks:
        async with self._writing:
            if self._marks is None:
                marks = await self._database.read(rows.load)
                for folder in marks.opened:
                    await self._placements.refresh(folder)
                self._marks = marks
            return self._marks

    async def _keep(self, marks: Marks) -> None:
        async with self._writing:
            await self._database.write(lambda connection: rows.save(connection, marks))
            self._marks = marks
        self.touched()

    def _overview(self, marks: Marks) -> dict[str, Workspace]:
        agents = ((view.snapshot, view.project) for view in self._views())
        return overview(agents, marks, self._place)

    def _place(self, folder: str) -> ProjectPlacement:
        return self._placements.get(folder)

    def _tell(self) -> None:
        """The difference to what was told before, for all who subscribed."""
        self._due = False
        if self._marks is None:
            return
        before, self._told = self._told, self._overview(self._marks)
        for folder, workspace in self._told.items():
            if before.get(folder) != workspace:
                self._say(folder, encode_payload(WorkspaceUpserted(workspace=workspace)))
        for folder in before.keys() - self._told.keys():
            self._say(folder, encode_payload(WorkspaceRemoved(id=folder)))

    def _say(self, folder: str, frame: bytes) -> None:
        self._publish(Outgoing(Kind.STATE, folder, frame, needs=WORKSPACES))
