"""The providers as clients get them: asked once, in the background, and told when it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from sereno.core.config import Config, ProviderConfig
from sereno.core.protocol.agents import Capabilities, Model, ProviderEntry
from sereno.core.protocol.frames import decode_daemon_frame
from sereno.core.protocol.messages import ProvidersSnapshotUpdate
from sereno.core.protocol.values import UNSET, given
from sereno.core.providers.catalog import Catalog
from sereno.core.providers.effects import Ready
from sereno.core.sessions.providers import ProviderDirectory

PROGRAM = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$1" in
--version) echo 1.2.3 ;;
auth) echo '└  2 credentials' ;;
models) echo fake/one ;;
esac
"""


class House:
    """A directory over one scripted OpenCode and one Codex that is not installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[ProvidersSnapshotUpdate] = []
        self.more = anyio.Event()
        program = folder / "opencode"
        program.write_text(PROGRAM.format(folder=folder))
        program.chmod(0o755)
        providers = {
            name: ProviderConfig(name, name, enabled=False)
            for name in Catalog(Config()).names()
            if name not in ("opencode", "codex")
        }
        command = (str(program), "acp")
        providers["opencode"] = ProviderConfig("opencode", "opencode", command=command)
        providers["codex"] = ProviderConfig("codex", "codex", command=("/no/such", "app-server"))
        self.catalog = Catalog(Config(providers=providers))
        env = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
        self.directory = ProviderDirectory(self.catalog, env, self._hear, lambda: 0)

    def _hear(self, frame: bytes) -> None:
        update = decode_daemon_frame(frame)
        assert isinstance(update, ProvidersSnapshotUpdate)
        self.told.append(update)
        self.more.set()
        self.more = anyio.Event()

    async def heard(self, count: int) -> None:
        with anyio.fail_after(20):
            while len(self.told) < count:
                await self.more.wait()

    async def entry(self, name: str) -> ProviderEntry:
        return next(one for one in await self.directory.entries() if one.provider == name)

    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().splitlines()


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    made = House(folder)
    async with anyio.create_task_group() as group:
        await group.start(made.directory.run)
        yield made
        group.cancel_scope.cancel()


async def test_programs_are_asked_once_and_everybody_is_told(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        assert (await one.entry("opencode")).sign_in is UNSET
        one.directory.look_closer("/repo", again=False)
        await one.heard(1)
        assert one.told[0].cwd == "/repo"
        entry = await one.entry("opencode")
        sign_in = given(entry.sign_in, None)
        assert sign_in is not None
        assert (sign_in.state, sign_in.words, sign_in.hint) == ("yes", "2 credentials", UNSET)
        assert (entry.version, entry.path) == ("1.2.3", str(tmp_path / "opencode"))
        missing = await one.entry("codex")
        assert (missing.sign_in, missing.version, missing.status) == (UNSET, UNSET, "unavailable")
        one.directory.look_closer(None, again=False)
        one.directory.look_closer("/repo", again=True)
        await one.heard(2)
        assert one.asked() == ["--version", "auth list"] * 2


async def test_models_are_asked_for_when_they_are_needed(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        provider = one.directory.find("opencode")
        assert provider is not None
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(one.directory.models, provider, str(tmp_path / "gone"))
        assert [model.id for model in provider.models] == ["fake/one"]
        assert one.asked() == ["models"]
        missing = one.directory.find("codex")
        assert missing is not None
        assert "not installed" in (await one.directory.models(missing, None) or "")


async def test_apps_get_the_models_with_the_list(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        one.directory.look_closer(None, again=False, models=True)
        await one.heard(2)
        (entry,) = [e for e in one.told[1].entries if e.provider == "opencode"]
        assert [model.id for model in given(entry.models, [])] == ["fake/one"]


async def test_what_an_agent_finds_its_program_to_offer_is_told(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        provider = one.catalog.get("opencode")
        assert provider is not None
        model = Model(provider="opencode", id="m", label="M")
        provider.remember(Ready("s", False, Capabilities(), models=(model,)))
        provider.remember(Ready("s", False, Capabilities(), models=(model,)))
        await one.heard(1)
        (entry,) = [e for e in one.told[0].entries if e.provider == "opencode"]
        assert [model.id for model in given(entry.models, [])] == ["m"]
        assert len(one.told) == 1
