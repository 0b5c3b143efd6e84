"""What programs say about themselves: version, sign-in, models; told by real words of theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sereno.core.config import Config, ProviderConfig
from sereno.core.providers.asking import SignedIn, read_sign_in, read_version
from sereno.core.providers.catalog import Catalog, Provider
from sereno.core.providers.offer import OfferError, read_offer

Install = Callable[[str, str], Provider]
OPENCODE_LIST = """\
\x1b[0m
┌  Credentials \x1b[90m~/.local/share/opencode/auth.json
│
└  {credentials} credentials

"""
OPENCODE_ENVIRONMENT = """\
┌  Environment
│
●  OpenAI \x1b[90mOPENAI_API_KEY
│
└  1 environment variable
"""


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """A provider whose program is a shell script; it writes its arguments down."""

    def make(name: str, script: str) -> Provider:
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{script}\n')
        program.chmod(0o755)
        preset = Catalog(Config()).get(name)
        assert preset is not None
        command = (str(program), *preset.command[1:])
        settings = ProviderConfig(name, name, command=command)
        found = Catalog(Config(providers={name: settings})).get(name)
        assert found is not None
        return found

    return make


def env(tmp_path: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}


def saying(text: str, code: int = 0, stream: int = 1) -> str:
    return f"cat >&{stream} <<'END'\n{text}\nEND\nexit {code}"


CLAUDE_KEY = {"loggedIn": True, "authMethod": "api_key", "apiKeySource": "ANTHROPIC_API_KEY"}
CLAUDE_PLAN = {"loggedIn": True, "authMethod": "claude.ai", "subscriptionType": "max"}
UNCLEAR = SignedIn("unknown", "Its answer was not understood.")


@pytest.mark.parametrize(
    ("name", "script", "expected"),
    [
        ("claude", saying('{"loggedIn": false, "authMethod": "none"}', 1), SignedIn("no")),
        (
            "claude",
            saying(json.dumps(CLAUDE_KEY)),
            SignedIn("yes", "an API key (ANTHROPIC_API_KEY)"),
        ),
        ("claude", saying(json.dumps(CLAUDE_PLAN)), SignedIn("yes", "a Claude account (max)")),
        ("claude", saying("error: unknown command auth", 1), UNCLEAR),
        ("codex", saying("Not logged in", 1, 2), SignedIn("no")),
        ("codex", saying("Logged in using ChatGPT", 0, 2), SignedIn("yes", "a ChatGPT account")),
        (
            "codex",
            saying("API key configured - sk-abcde***45678", 0, 2),
            SignedIn("yes", "an API key"),
        ),
        ("codex", saying("error: no such command", 2, 2), UNCLEAR),
        (
            "opencode",
            saying(OPENCODE_LIST.format(credentials=2) + OPENCODE_ENVIRONMENT),
            SignedIn("yes", "2 credentials and 1 environment variable"),
        ),
        (
            "opencode",
            saying(OPENCODE_LIST.format(credentials=0)),
            SignedIn("unknown", "It keeps no credentials; some of its models need none."),
        ),
        ("opencode", saying("what?"), UNCLEAR),
        ("gemini", "exit 1", SignedIn("unknown", "It has no command that says so.")),
        ("codex", "exec sleep 60", SignedIn("unknown", "It was asked and gave no answer.")),
    ],
)
def test_sign_in(
    install: Install, tmp_path: Path, name: str, script: str, expected: SignedIn
) -> None:
    limit = 0.3 if "sleep" in script else 15.0
    assert read_sign_in(install(name, script), env(tmp_path), limit) == expected


def test_no_part_of_a_key_goes_on(install: Install, tmp_path: Path) -> None:
    codex = install("codex", saying("API key configured - sk-abcde***45678", 0, 2))
    assert "sk-" not in repr(read_sign_in(codex, env(tmp_path)))


def test_programs_are_asked_by_their_own_commands(install: Install, tmp_path: Path) -> None:
    for name in ("claude", "codex", "opencode"):
        provider = install(name, "echo 1.2.3")
        read_sign_in(provider, env(tmp_path))
        assert read_version(provider, env(tmp_path)) == "1.2.3"
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[::2] == ["auth status --json", "login status", "auth list"]
    assert set(asked[1::2]) == {"--version"}


def test_a_command_that_takes_no_others_is_not_asked(tmp_path: Path) -> None:
    def built(command: tuple[str, ...], extends: str = "codex") -> Provider:
        settings = ProviderConfig("mine", extends, command=command)
        found = Catalog(Config(providers={"mine": settings})).get("mine")
        assert found is not None
        return found

    here = env(tmp_path)
    assert built(("sh", "app-server")).asked_by(here) == ("/usr/bin/sh",)
    assert built(("sh", "-c", "codex", "app-server")).asked_by(here) == (
        "/usr/bin/sh",
        "-c",
        "codex",
    )
    assert built(("sh", "-c", "codex app-server")).asked_by(here) is None
    assert built(("sh", "--acp"), "acp").asked_by(here) == ("/usr/bin/sh",)
    assert built(("/no/such", "app-server")).asked_by(here) is None
    said = read_sign_in(built(("sh", "-c", "codex app-server")), here)
    assert said.state == "unknown"


def test_models_of_a_program_that_lists_them(install: Install, tmp_path: Path) -> None:
    lines = "fake/one\nWarning: something else\n\nfake/\x1b[31mtwo"
    provider = install("opencode", saying(lines))
    offer = read_offer(provider, env(tmp_path), str(tmp_path))
    assert [model.id for model in offer.models] == ["fake/one", "fake/two"]
    provider.remember_models(offer.models)
    assert [model.id for model in provider.models] == ["fake/one", "fake/two"]
    assert (tmp_path / "asked").read_text() == "models\n"


@pytest.mark.parametrize(
    ("name", "script", "words"),
    [
        ("opencode", "exit 3", "gave no answer"),
        ("claude", "exit 3", "ended with exit code 3"),
        ("claude", "exec <&-; sleep 0.1; exit 4", "ended with exit code 4"),
        ("claude", "exec sleep 60", "did not say in time"),
        ("gemini", "exit 0", "when an agent has started"),
    ],
)
def test_a_program_that_does_not_say(
    install: Install, tmp_path: Path, name: str, script: str, words: str
) -> None:
    provider = install(name, script)
    limit = 0.5 if "sleep" in script else 15.0
    with pytest.raises(OfferError) as caught:
        read_offer(provider, env(tmp_path), str(tmp_path), limit)
    assert words in str(caught.value)
    assert str(caught.value)


def test_missing_programs_are_not_started(tmp_path: Path) -> None:
    provider = Catalog(Config()).get("claude")
    assert provider is not None
    with pytest.raises(OfferError, match="not installed"):
        read_offer(provider, {"PATH": str(tmp_path)}, str(tmp_path))
