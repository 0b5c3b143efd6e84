"""The providers as clients see them: what is configured, what is installed, which version.

A snapshot is answered at once from a look at the search path; versions mean starting programs, so
they are asked for once, in the background, and told to everybody when they are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import anyio.to_thread
import msgspec

from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.frames import encode_payload
from sereno.core.protocol.messages import ProvidersSnapshotUpdate
from sereno.core.protocol.values import UNSET, iso
from sereno.core.providers.catalog import read_version

if TYPE_CHECKING:
    from sereno.core.providers.catalog import Catalog, Provider

__all__ = ["ProviderDirectory"]


class ProviderDirectory:
    """`tell` pushes a frame to all sessions. `run` owns the work in the background."""

    def __init__(
        self,
        catalog: Catalog,
        env: Mapping[str, str],
        tell: Callable[[bytes], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._catalog = catalog
        self._env = env
        self._tell = tell
        self._now_ms = now_ms
        self._versions: dict[str, str | None] = {}
        self._wishes_in, self._wishes = anyio.create_memory_object_stream[str | None](math.inf)

    def names(self) -> tuple[str, ...]:
        return self._catalog.names()

    def find(self, name: str) -> Provider | None:
        return next((one for one in self._catalog.all() if one.name == name), None)

    async def entries(self) -> list[ProviderEntry]:
        """All providers in order; looking at the search path is done in a thread."""
        found = await anyio.to_thread.run_sync(
            lambda: [provider.entry(self._env) for provider in self._catalog.all()]
        )
        return [
            msgspec.structs.replace(one, version=self._versions.get(one.provider) or UNSET)
            for one in found
        ]

    def look_closer(self, cwd: str | None, *, again: bool) -> None:
        """Asks the programs for their versions, unless that was done and is not wished again. The
        push carries `cwd` back: it is the key of clients' caches (6.9.1)."""
        if again:
            self._versions.clear()
        if not self._versions:
            self._wishes_in.send_nowait(cwd)

    async def run(
        self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Until it is cancelled."""
        task_status.started()
        async with self._wishes:
            async for cwd in self._wishes:
                for provider in self._catalog.all():
                    if provider.enabled and provider.name not in self._versions:
                        version = await anyio.to_thread.run_sync(
                            read_version, provider, self._env, abandon_on_cancel=True
                        )
                        self._versions[provider.name] = version
                update = ProvidersSnapshotUpdate(
                    entries=await self.entries(),
                    generated_at=iso(self._now_ms()),
                    cwd=UNSET if cwd is None else cwd,
                )
                self._tell(encode_payload(update))
