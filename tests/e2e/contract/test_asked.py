"""What programs say about themselves before an agent runs; and that only they read credentials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.messages import ProviderModels, ProvidersSnapshot
from sereno.core.protocol.requests import GetProvidersSnapshot, ListProviderModels
from sereno.core.protocol.values import given
from sereno.core.providers.asking import PATIENCE
from tests.e2e.contract.conftest import Stage
from tests.e2e.contract.programs import PROGRAMS
from tests.e2e.contract.scenarios import scenario
from tests.e2e.contract.session import TURN_S, Session
from tests.e2e.harness import World, until
from tests.e2e.model_server import ModelServer, prompt_with
from tests.e2e.model_server.thread import running_models

ASKED_S = 2 * PATIENCE + 10
SECRETS = {
    ".claude/.credentials.json": {"claudeAiOauth": {"accessToken": "x"}},
    ".claude.json": {},
    ".codex/auth.json": {"OPENAI_API_KEY": "x"},
    ".local/share/opencode/auth.json": {},
}
WATCH = """
import sys
log = open({path!r}, "a", buffering=1)
def watch(event, arguments, names=("open", "os.listdir", "os.scandir", "shutil.copyfile")):
    if event in names:
        log.write(f"{{arguments[0]}}\\n")
sys.addaudithook(watch)
"""


def entry(world: World, name: str) -> ProviderEntry:
    """As the daemon tells it once it has asked the program."""

    def find() -> ProviderEntry | None:
        with world.client() as client:
            reply = client.request(GetProvidersSnapshot(request_id=""))
        assert isinstance(reply, ProvidersSnapshot)
        found = next(one for one in reply.entries if one.provider == name)
        return found if given(found.sign_in, None) is not None else None

    return until(find, "it was asked", ASKED_S) or pytest.fail("never")


def models_of(world: World, name: str) -> list[str]:
    with world.client() as client:
        reply = client.request(ListProviderModels(request_id="", provider=name), TURN_S)
    assert isinstance(reply, ProviderModels)
    assert given(reply.error, None) is None
    return [model.id for model in given(reply.models, [])]


@scenario("asked")
def test_asked(stage: Stage) -> None:
    program = stage.program
    found = entry(stage.world, program.name)
    assert given(found.version, "")[0].isdigit()
    sign_in: Any = found.sign_in
    assert sign_in.state == program.signed_in
    assert bool(given(sign_in.hint, "")) == (program.signed_in != "yes")
    assert set(program.models) <= set(models_of(stage.world, program.name))


@pytest.mark.node
@pytest.mark.timeout(120)
def test_c09_t74_credentials_are_opened_by_their_programs_only(world: World) -> None:
    for name, content in SECRETS.items():
        path = world.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    opened = world.root / "opened"
    with running_models() as models:
        _configure(world, models)
        world.serve(WATCH.format(path=str(opened)))
        for program in PROGRAMS:
            entry(world, program.name)
            if program.name == "opencode":
                continue  # Each start of it costs seconds; its agents need nothing more of us.
            models_of(world, program.name)
            session = Session(world, program.name, prompt_with("hello", {"text": "Hello."}))
            session.finish()
            session.end()
    paths = opened.read_text().splitlines()
    assert str(world.home.config) in paths, "the watch saw what the daemon opened"
    own = {str(world.home.root), str(world.work)}
    homes = [path for path in paths if path.startswith(str(world.root))]
    assert not [path for path in homes if not path.startswith(tuple(own))], homes
    assert not [path for path in paths if Path(path).name in {"auth.json", ".credentials.json"}]


def _configure(world: World, models: ModelServer) -> None:
    """All programs, their files where they are for everybody: below the home."""
    tables = []
    places = {
        "CLAUDE_CONFIG_DIR": ".claude",
        "CODEX_HOME": ".codex",
        "XDG_DATA_HOME": ".local/share",
    }
    for program in PROGRAMS:
        table = program.settings(world, models)
        for variable, folder in places.items():
            before = program.environment(world, models).get(variable)
            if before is not None:
                table = table.replace(json.dumps(before), json.dumps(str(world.root / folder)))
        tables.append(table)
    config = world.root / "codex" / "config.toml"
    (world.root / ".codex" / "config.toml").write_text(config.read_text())
    world.configure("\n".join(tables))
