"""The providers as clients see them: what is configured, what is installed, which version, and
whether it is signed in.

A snapshot is answered at once from a look at the search path; the rest means starting programs, so
it is asked for once, in the background, and told to everybody when it is known.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import anyio.to_thread
import msgspec

from sereno.core.protocol.agents import ProviderEntry, SignIn
from sereno.core.protocol.frames import encode_payload
from sereno.core.protocol.messages import ProvidersSnapshotUpdate
from sereno.core.protocol.values import UNSET, UnsetType, iso
from sereno.core.providers import asking, offer

if TYPE_CHECKING:
    from sereno.core.providers.asking import SignedIn
    from sereno.core.providers.catalog import Catalog, Provider

__all__ = ["ProviderDirectory"]


class _Wish(msgspec.Struct, frozen=True):
    """`ask`: the programs about themselves, where that is not known; else only tell what is.
    `models`: also ask which models they have."""

    cwd: str | None = None
    ask: bool = True
    models: bool = False


class _Known(msgspec.Struct, frozen=True):
    version: str | None
    signed_in: SignedIn | None


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
        self._known: dict[str, _Known] = {}
        self._asked_models: set[str] = set()
        self._one_at_a_time: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)
        self._wishes_in, self._wishes = anyio.create_memory_object_stream[_Wish](math.inf)

    def names(self) -> tuple[str, ...]:
        return self._catalog.names()

    @property
    def env(self) -> Mapping[str, str]:
        """The daemon's environment, from which programs get theirs."""
        return self._env

    async def installed(self) -> list[Provider]:
        """The enabled providers whose program was found."""
        enabled = [one for one in self._catalog.all() if one.enabled]
        return await anyio.to_thread.run_sync(
            lambda: [one for one in enabled if one.find(self._env).installed]
        )

    def find(self, name: str) -> Provider | None:
        return next((one for one in self._catalog.all() if one.name == name), None)

    async def entries(self) -> list[ProviderEntry]:
        """All providers in order; looking at the search path is done in a thread."""
        found = await anyio.to_thread.run_sync(
            lambda: [provider.entry(self._env) for provider in self._catalog.all()]
        )
        return [self._with_known(entry) for entry in found]

    def _with_known(self, entry: ProviderEntry) -> ProviderEntry:
        known = self._known.get(entry.provider)
        if known is None:
            return entry
        sign_in: SignIn | UnsetType = UNSET
        if known.signed_in is not None and entry.status == "ready":
            provider = self.find(entry.provider)
            hint = provider.preset.login_hint if provider is not None else ""
            needed = hint and known.signed_in.state != "yes"
            sign_in = SignIn(
                state=known.signed_in.state,
                words=known.signed_in.words,
                hint=hint if needed else UNSET,
            )
        return msgspec.structs.replace(entry, version=known.version or UNSET, sign_in=sign_in)

    def look_closer(self, cwd: str | None, *, again: bool, models: bool = False) -> None:
        """Asks the programs about themselves, unless that was done and is not wished again. The
        push carries `cwd` back: it is the key of clients' caches (6.9.1)."""
        if again:
            self._known.clear()
            self._asked_models.clear()
        names = {provider.name for provider in self._catalog.all() if provider.enabled}
        if not self._known or (models and not names <= self._asked_models):
            self._wishes_in.send_nowait(_Wish(cwd, models=models))

    async def models(self, provider: Provider, cwd: str | None) -> str | None:
        """Makes `provider.models` known, where that is possible; else why not, in words."""
        async with self._one_at_a_time[provider.name]:
            self._asked_models.add(provider.name)
            if provider.models or not provider.real:
                return None
            try:
                found = await anyio.to_thread.run_sync(
                    _offer_of, provider, self._env, cwd, abandon_on_cancel=True
                )
            except offer.OfferError as error:
                return str(error)
            if found.ready is not None:
                provider.remember(found.ready)
            provider.remember_models(found.models)
            return None

    async def run(
        self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Until it is cancelled."""
        task_status.started()
        self._catalog.watch(lambda: self._wishes_in.send_nowait(_Wish(ask=False)))
        try:
            async with self._wishes_in, self._wishes:
                async for wish in self._wishes:
                    await self._fulfil(wish)
        finally:
            self._catalog.watch(lambda: None)

    async def _fulfil(self, wish: _Wish) -> None:
        enabled = [one for one in self._catalog.all() if one.enabled]
        for provider in enabled:
            if wish.ask and provider.name not in self._known:
                self._known[provider.name] = await anyio.to_thread.run_sync(
                    _ask_about, provider, self._env, abandon_on_cancel=True
                )
        await self._say(wish.cwd)
        if wish.models:
            for provider in enabled:
                if provider.name not in self._asked_models:
                    await self.models(provider, wish.cwd)
            await self._say(wish.cwd)

    async def _say(self, cwd: str | None) -> None:
        update = ProvidersSnapshotUpdate(
            entries=await self.entries(),
            generated_at=iso(self._now_ms()),
            cwd=UNSET if cwd is None else cwd,
        )
        self._tell(encode_payload(update))


def _offer_of(provider: Provider, env: Mapping[str, str], cwd: str | None) -> offer.Offer:
    """In a thread: starts the program. A folder that is gone is no reason to say nothing."""
    known = cwd is not None and Path(cwd).is_dir()
    return offer.read_offer(provider, env, cwd if cwd and known else env.get("HOME", "/"))


def _ask_about(provider: Provider, env: Mapping[str, str]) -> _Known:
    """In a thread: starts the program twice."""
    if not provider.real or not provider.find(env).installed:
        return _Known(None, None)
    return _Known(asking.read_version(provider, env), asking.read_sign_in(provider, env))
