"""Which providers there are, how they are started, and what their programs get to see."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sereno.core.config import Config, ProviderConfig, ProviderModel
from sereno.core.protocol.agents import Capabilities, Mode
from sereno.core.providers import catalog
from sereno.core.providers.asking import read_version
from sereno.core.providers.catalog import Catalog, Provider
from sereno.core.providers.driver import Setup
from sereno.core.providers.effects import Ready
from sereno.core.providers.places import USUAL

SECRETS = {
    "SERENO_HOME": "x",
    "SERENO_TOKEN": "x",
    "SERENO_DEMO_LOG": "x",
    "DATABASE_URL": "x",
    "NPM_TOKEN": "x",
    "MY_SECRET": "x",
    "LD_PRELOAD": "x",
    "PYTHONPATH": "x",
    "PWD": "/elsewhere",
}
NEEDED = {
    "HOME": "/h",
    "PATH": "/bin",
    "USER": "u",
    "LOGNAME": "u",
    "SHELL": "/bin/sh",
    "LANG": "C.UTF-8",
    "LC_ALL": "C",
    "TERM": "xterm",
    "TMPDIR": "/t",
    "TZ": "UTC",
    "XDG_CONFIG_HOME": "/c",
    "SSH_AUTH_SOCK": "/s",
    "https_proxy": "http://p",
    "NO_PROXY": "l",
}


def provider(name: str, **settings: object) -> Provider:
    extends = str(settings.pop("extends", name))
    configs = {name: ProviderConfig(name, extends, **settings)} if settings else {}  # type: ignore[arg-type]
    found = Catalog(Config(providers=configs)).get(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", Catalog(Config()).names())
def test_t74_programs_see_an_allowlist(name: str) -> None:
    child = provider(name).env({**NEEDED, **SECRETS})
    assert {key: child[key] for key in NEEDED} == NEEDED
    assert not set(SECRETS) & set(child)


def test_t74_keys_of_models_reach_only_programs_that_use_them() -> None:
    base = {"ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "o", "GEMINI_API_KEY": "g"}
    seen = {name: set(provider(name).env(base)) & set(base) for name in Catalog(Config()).names()}
    assert seen["claude"] == {"ANTHROPIC_API_KEY"}
    assert seen["codex"] == {"OPENAI_API_KEY"}
    assert seen["gemini"] == {"GEMINI_API_KEY"}
    assert seen["opencode"] == set(base)
    assert seen["demo"] == set()


def test_configured_variables() -> None:
    env = {"A": "plain", "B": "$MY_SECRET", "C": "${MY_SECRET}", "D": "$NOT_SET", "E": "$A/b"}
    child = provider("demo", env=env).env({"MY_SECRET": "s"})
    assert child == {"A": "plain", "B": "s", "C": "s", "E": "$A/b"}


def test_opencode_asks_unless_the_person_said_otherwise() -> None:
    def rules(base: dict[str, str], **env: str) -> object:
        return json.loads(provider("opencode", env=env).env(base)["OPENCODE_PERMISSION"])

    asks = {"edit": "ask", "bash": "ask", "webfetch": "ask", "external_directory": "ask"}
    assert rules({}) == asks
    own = '{"bash": {"git status": "allow", "*": "ask"}}'
    assert rules({}, OPENCODE_PERMISSION=own) == asks | json.loads(own)
    assert rules({"OPENCODE_PERMISSION": own}) == asks | json.loads(own)
    assert rules({}, OPENCODE_PERMISSION="broken") == asks
    allowed = {"OPENCODE_PERMISSION": '{"webfetch": "allow"}'}
    strict = provider("opencode", env=allowed, disallowed_tools=("webfetch", "task"))
    found = json.loads(strict.env({})["OPENCODE_PERMISSION"])
    assert found == asks | {"webfetch": "deny", "task": "deny"}


def test_what_opencode_would_ask_for_a_sub_agent_is_refused_to_it() -> None:
    def agents(base: dict[str, str], **env: str) -> Any:
        return json.loads(provider("opencode", env=env).env(base)["OPENCODE_CONFIG_CONTENT"])

    refused = {"edit": "deny", "bash": "deny", "webfetch": "deny", "external_directory": "deny"}
    refused["doom_loop"] = "deny"
    found = agents({}, OPENCODE_CONFIG_CONTENT='{"model": "a/b"}')
    assert found["model"] == "a/b"
    assert [found["agent"][name]["permission"] for name in ("general", "explore")] == [refused] * 2
    own = '{"webfetch": "allow", "bash": {"git *": "allow", "*": "ask"}}'
    told = agents({"OPENCODE_PERMISSION": own})["agent"]["general"]["permission"]
    assert told == refused | {"webfetch": "allow", "bash": {"git *": "allow", "*": "deny"}}
    chosen = '{"agent": {"general": {"permission": {"bash": "allow"}}}}'
    told = agents({"OPENCODE_CONFIG_CONTENT": chosen})["agent"]["general"]["permission"]
    assert told == refused | {"bash": "allow"}
    commented = provider("opencode").env({"OPENCODE_CONFIG_CONTENT": "{ // mine\n}"})
    assert commented["OPENCODE_CONFIG_CONTENT"] == "{ // mine\n}", "what is not JSON stays"


def test_programs_that_would_not_ask_are_told_to() -> None:
    assert provider("goose").env({})["GOOSE_MODE"] == "approve"
    claude, codex = provider("claude"), provider("codex")
    assert (claude.default_mode, codex.default_mode) == ("default", "auto")
    for one in (claude, codex):
        tiers = {mode.id: mode.color_tier for mode in one.modes}
        assert tiers[one.default_mode or ""] == "safe"
        assert "dangerous" in tiers.values()


def test_a_program_is_found_where_installers_put_it(tmp_path: Path) -> None:
    def install(folder: str, name: str, words: str = "") -> str:
        program = tmp_path / folder / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\necho {words}\n")
        program.chmod(0o755)
        return str(program)

    home = {"HOME": str(tmp_path), "PATH": "/bin"}
    usual = ("~/.local/bin", "~/.claude/local", "~/.nvm/versions/node/*/bin", "/usr/local/bin")
    assert set(usual) <= {*USUAL, *provider("claude").preset.places}
    node = install(".nvm/versions/node/v9.11.2/bin", "codex")
    assert provider("codex").find(home).path == node
    node = install(".nvm/versions/node/v22.1.0/bin", "codex")
    assert provider("codex").find(home).path == node
    assert provider("codex").env(home)["PATH"] == f"/bin:{Path(node).parent}"
    local = install(".claude/local", "claude")
    assert provider("claude").find(home).path == local
    own = provider("opencode", extends="opencode", label="x")
    assert own.find(home).installed is False
    opencode = install(".opencode/bin", "opencode")
    assert own.launch(Setup("/r"), None, home) == (opencode, "acp")
    on_path = {**home, "PATH": str(tmp_path / "bin")}
    first = install("bin", "opencode")
    assert own.launch(Setup("/r"), None, on_path) == (first, "acp")
    assert own.env(on_path)["PATH"] == on_path["PATH"]
    named = provider("mine", extends="acp", command=("./opencode",))
    assert named.find(home).path is None


def test_every_run_is_told_what_the_configuration_says(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Setup] = []

    def arguments(_: str, setup: Setup, resume: str | None) -> tuple[str, ...]:
        told.append(setup)
        return ("--resume", resume) if resume else ()

    monkeypatch.setattr(catalog, "extra_arguments", arguments)
    one = provider("work", extends="claude", command=("/x/claude", "-v"), disallowed_tools=("Web",))
    assert one.preset.protocol == "claude"
    assert one.launch(Setup("/r", mode="plan"), "s", {}) == ("/x/claude", "-v", "--resume", "s")
    assert (told[0].mode, told[0].disallowed_tools) == ("plan", ("Web",))
    provider("codex").launch(Setup("/r"), None, {})
    assert told[1].mode == "auto"


def test_a_folder_is_trusted_by_configuration_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[Setup] = []

    def arguments(_: str, setup: Setup, __: str | None) -> tuple[str, ...]:
        told.append(setup)
        return ()

    monkeypatch.setattr(catalog, "extra_arguments", arguments)
    (tmp_path / ".mcp.json").touch()
    here = Setup(str(tmp_path))
    provider("claude").launch(here, None, {})
    provider("work", extends="claude", trusted_folders=(str(tmp_path),)).launch(here, None, {})
    assert [each.trusted for each in told] == [False, True]
    assert [each.left_out for each in told] == [(".mcp.json",), ()]


def test_nothing_of_a_session_around_the_daemon_is_passed_on() -> None:
    outer = {
        "CLAUDECODE": "1",
        "CLAUDE_CODE_ENTRYPOINT": "cli",
        "CLAUDE_CODE_SSE_PORT": "1",
        "CLAUDE_CODE_SESSION_ACCESS_TOKEN": "secret",
        "CODEX_SANDBOX_NETWORK_DISABLED": "1",
    }
    kept = {"CLAUDE_CONFIG_DIR": "/c", "CODEX_HOME": "/x"}
    for name in ("claude", "codex"):
        env = provider(name).env({**outer, **kept})
        assert not outer.keys() & env.keys()
        assert kept.keys() & env.keys()


def test_order_names_and_defaults(tmp_path: Path) -> None:
    known = Catalog(Config())
    assert known.names()[0] == "claude"
    assert known.names()[-1] == "demo"
    assert known.default({"PATH": str(tmp_path)}).name == "demo"
    program = tmp_path / "opencode"
    program.write_text("#!/bin/sh\necho opencode 9.8.7-beta\n")
    program.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert known.default(env).name == "opencode"
    found = known.default(env)
    assert found.find(env).path == str(program)
    assert read_version(found, env) == "9.8.7-beta"
    mine = ProviderConfig("mine", "acp", command=(str(program), "acp"))
    assert Catalog(Config(providers={"mine": mine})).default(env).name == "mine"


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    off = {"demo": ProviderConfig("demo", "demo", enabled=False)}
    known = Catalog(Config(providers=off))
    assert known.get("demo") is None
    assert "demo" in known.names()
    with pytest.raises(LookupError):
        known.default({"PATH": str(tmp_path)})


def test_a_program_that_is_missing_says_how_to_get_it(tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path)}
    entry = provider("opencode").entry(env)
    assert entry.status == "unavailable"
    assert "opencode-ai" in str(entry.install_hint)
    entry = provider("opencode", command=("/no/such",)).entry(env)
    assert "[providers.opencode]" in str(entry.install_hint)
    assert read_version(provider("opencode"), env) is None


def test_any_configured_command_is_a_provider() -> None:
    own = provider("mine", extends="acp", command=("prog", "--acp"), label="Mine")
    assert (own.command, own.label, own.real) == (("prog", "--acp"), "Mine", True)
    assert own.env({"OPENAI_API_KEY": "k"}) == {"OPENAI_API_KEY": "k"}
    child = provider("work", extends="opencode", env={"X": "1"})
    assert child.command == ("opencode", "acp")
    assert child.env({})["OPENCODE_PERMISSION"]
    assert Catalog(Config(providers={"pi": ProviderConfig("pi", "pi")})).get("pi") is None


def test_models_and_modes_come_from_the_program_and_the_configuration() -> None:
    one = provider("opencode", additional_models=(ProviderModel("extra", "Extra"),))
    assert [model.id for model in one.models] == ["extra"]
    assert one.default_mode == "build"
    modes = (Mode(id="m", label="M"),)
    told: list[int] = []
    one.changed = lambda: told.append(1)
    one.remember(Ready("s", False, Capabilities(), modes=modes, mode_id="m"))
    one.remember(Ready("t", False, Capabilities(), modes=modes, mode_id="m"))
    assert told == [1]
    assert (one.modes, one.default_mode) == (modes, "m")
    two = provider("opencode", models=(ProviderModel("only", "Only", is_default=True),))
    assert [(model.id, model.is_default) for model in two.models] == [("only", True)]


def test_what_one_agent_dared_is_no_default_for_the_next() -> None:
    claude = provider("claude")
    ready = Ready("s", False, Capabilities(), modes=claude.modes, mode_id="bypassPermissions")
    claude.remember(ready)
    assert claude.default_mode == "default"
    other = provider("mine", extends="acp", command=("prog",))
    yolo = (Mode(id="yolo", label="Y", color_tier="dangerous"), Mode(id="ask", label="A"))
    other.remember(Ready("s", False, Capabilities(), modes=yolo, mode_id="yolo"))
    assert other.default_mode is None
    other.remember(Ready("s", False, Capabilities(), modes=yolo, mode_id="ask"))
    assert other.default_mode == "ask"
