"""`sereno provider`: installed, signed in, next step; it waits for what the daemon still asks."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from sereno.core.protocol.agents import ProviderEntry
from sereno.tui.cli import providers
from sereno.tui.cli.providers import next_steps, row, settled
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, Message, message
from tests.tui.cli.scripted import AT, reply

CLAUDE = {
    "provider": "claude",
    "status": "ready",
    "enabled": True,
    "command": ["/opt/bin/claude"],
    "version": "2.1.329",
    "signIn": {"state": "yes", "words": "a Claude account (max)"},
}
CODEX = {
    "provider": "codex",
    "status": "ready",
    "command": ["codex", "app-server"],
    "signIn": {"state": "no", "words": "", "hint": "Run `codex login` in a terminal."},
}
ACP = {
    "provider": "mine",
    "status": "ready",
    "signIn": {
        "state": "unknown",
        "words": "It has no command that says so.",
        "hint": "Run `mine login` in a terminal.",
    },
}
ABSENT = {
    "provider": "opencode",
    "status": "unavailable",
    "error": "opencode was not found",
    "installHint": "npm install -g opencode-ai",
}
OFF = {"provider": "goose", "status": "unavailable", "enabled": False, "installHint": "x"}
DEMO = {
    "provider": "demo",
    "status": "ready",
    "defaultModeId": "ask",
    "modes": [{"id": "ask", "label": "Ask"}, {"id": "plan", "label": "Plan"}],
}


def entry(value: dict[str, Any]) -> ProviderEntry:
    return msgspec.convert(value, ProviderEntry)


def lists(daemon: FakeDaemon, *entries: dict[str, Any]) -> None:
    daemon.answers["get_providers_snapshot_request"] = reply(
        "get_providers_snapshot_response", entries=list(entries), generatedAt=AT
    )


def test_the_list_says_what_is_there_and_the_next_step_whole(
    daemon: FakeDaemon, sereno: Run
) -> None:
    lists(daemon, CLAUDE, CODEX, ACP, ABSENT, OFF, DEMO)
    result = sereno("provider", "ls")
    assert result.code == 0
    head, *rest = result.out.splitlines()
    assert head.split("  ")[0] == "NAME"
    assert "yes, a Claude account (max)" in rest[0]
    assert "2.1.329" in rest[0]
    assert "/opt/bin/claude" in rest[0]
    assert rest[6:] == [
        "",
        "codex     sign in: Run `codex login` in a terminal.",
        "mine      sign-in not known: it has no command that says so. If it fails: "
        "Run `mine login` in a terminal.",
        "opencode  install it: npm install -g opencode-ai",
    ]
    value = json.loads(sereno("provider", "ls", "--json").out)
    assert value[1]["id"] == "codex"
    assert value[1]["signIn"]["state"] == "no"
    assert sereno("provider", "ls", "-q").out.split()[-1] == "demo"


@pytest.mark.parametrize(
    ("value", "cells"),
    [
        (CODEX, ("codex", "ready", "-", "no", "codex app-server")),
        (ACP, ("mine", "ready", "-", "not known", "-")),
        (ABSENT, ("opencode", "not found", "-", "-", "-")),
        (OFF, ("goose", "disabled", "-", "-", "-")),
    ],
)
def test_rows(value: dict[str, Any], cells: tuple[str, ...]) -> None:
    assert row(entry(value)) == cells


def test_nobody_who_is_ready_or_disabled_is_told_anything() -> None:
    assert next_steps([entry(CLAUDE), entry(OFF), entry(DEMO)]) == []


def test_it_waits_for_what_is_still_asked(daemon: FakeDaemon, sereno: Run) -> None:
    early = {name: value for name, value in CLAUDE.items() if name not in ("version", "signIn")}

    def answer(asked: Message) -> list[Message]:
        first = {"requestId": asked["requestId"], "entries": [early], "generatedAt": AT}
        later = {"entries": [CLAUDE], "generatedAt": AT}
        return [
            message("get_providers_snapshot_response", first),
            message("providers_snapshot_update", later),
        ]

    daemon.answers["get_providers_snapshot_request"] = answer
    assert "2.1.329" in sereno("provider", "ls").out


def test_it_does_not_wait_for_ever(
    daemon: FakeDaemon, sereno: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "SETTLE_S", 0.05)
    lists(daemon, {"provider": "slow", "status": "loading"})
    assert "loading" in sereno("provider", "ls").out


def test_what_counts_as_settled() -> None:
    assert settled([entry(DEMO), entry(ABSENT)], closely=True), "nobody is there to be asked"
    assert not settled([entry({"provider": "a", "status": "ready"})], closely=True)
    assert settled([entry({"provider": "a", "status": "ready"})], closely=False)


def test_models_with_the_modes(daemon: FakeDaemon, sereno: Run) -> None:
    lists(daemon, DEMO)
    model = {"provider": "demo", "id": "big", "label": "Big", "isDefault": True}
    daemon.answers["list_provider_models_request"] = reply(
        "list_provider_models_response", provider="demo", fetchedAt=AT, models=[model]
    )
    out = sereno("provider", "models", "demo").out
    assert "big*" in out
    assert out.endswith("modes: ask*, plan\n")


def test_models_of_a_program_that_is_not_here_say_how_to_install_it(
    daemon: FakeDaemon, sereno: Run
) -> None:
    lists(daemon, CLAUDE, ABSENT)
    daemon.answers["list_provider_models_request"] = reply(
        "list_provider_models_response",
        provider="opencode",
        error="OpenCode is not installed",
        fetchedAt=AT,
    )
    result = sereno("provider", "models", "opencode")
    assert result.code == 1
    words = "OpenCode is not installed. Install it: npm install -g opencode-ai."
    assert result.err == f"sereno: {words}\n"
