"""The tables of providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sereno.core.config import (
    ProviderModel,
    ThinkingOption,
)

if TYPE_CHECKING:
    pass

from tests.core.config.helpers import load, refused


def test_a_command_alone_is_a_provider() -> None:
    provider = load('[providers.mine]\ncommand = ["opencode", "acp"]').providers["mine"]
    assert (provider.name, provider.extends, provider.label) == ("mine", "acp", None)
    assert provider.command == ("opencode", "acp")
    assert provider.enabled


def test_a_provider_with_everything() -> None:
    provider = load(
        """
        [providers.work]
        extends = "claude"
        label = "Claude, work"
        description = "with the other login"
        env = { CLAUDE_CONFIG_DIR = "/x" }
        disallowed_tools = ["WebFetch"]
        enabled = false
        order = 2
        [[providers.work.models]]
        id = "opus"
        label = "Opus"
        is_default = true
        [[providers.work.models.thinking_options]]
        id = "high"
        [[providers.work.additional_models]]
        id = "haiku"
        """
    ).providers["work"]
    assert provider.extends == "claude"
    assert provider.env == {"CLAUDE_CONFIG_DIR": "/x"}
    assert provider.disallowed_tools == ("WebFetch",)
    assert provider.order == 2.0
    option = ThinkingOption("high", "high")
    assert provider.models == (ProviderModel("opus", "Opus", None, True, (option,)),)
    assert provider.additional_models == (ProviderModel("haiku", "haiku"),)
    with pytest.raises(TypeError):
        provider.env["X"] = "y"  # type: ignore[index]


def test_a_built_in_extends_itself() -> None:
    assert load("[providers.codex]\nenabled = false").providers["codex"].extends == "codex"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("providers = 1", "must be tables"),
        ("[providers]\nx = 1", "must be a table: [providers.x]"),
        ("[providers.Claude]\nenabled = true", "lower-case"),
        ("[providers.acp]\ncommand = ['x']", "cannot name a provider"),
        ("[providers.claud]\nenabled = true", "Did you mean [providers.claude]"),
        ("[providers.zzz]\nlabel = 'x'", "Add its command"),
        ("[providers.x]\nextends = 'acp'", "has no `command`"),
        ("[providers.x]\nextends = 'claud'", 'Did you mean "claude"'),
        ("[providers.claude]\nextends = 'codex'", "is built in"),
        ("[providers.x]\ncommand = []", "program and arguments"),
        ("[providers.x]\ncommand = 'opencode acp'", "program and arguments"),
        ("[providers.x]\ncommand = [' ']", "name of a program"),
        ("[providers.x]\ncommand = ['a', 1]", "program and arguments"),
        ("[providers.claude]\nenv = { 'A=B' = 'x' }", 'no "="'),
        ("[providers.claude]\nmodels = ['opus']", "list of tables"),
        ("[providers.claude]\nmodels = [{ label = 'x' }]", "must have an id"),
        ("[providers.claude]\nmodels = [{ id = 'x', lable = 'y' }]", "models.label"),
        ("[providers.claude]\nmodels = [{ id = 'x', thinking_options = [{ ids = 1 }] }]", "id`"),
        ("[providers.claude]\nlabel = ''", "not empty"),
    ],
)
def test_providers_that_are_refused(text: str, expected: str) -> None:
    error = refused(text)
    assert expected in str(error)
    assert error.line is not None


def test_folders_are_trusted_for_claude_code_only() -> None:
    text = '[providers.work]\nextends = "claude"\ntrusted_folders = ["~/work", "/srv"]\n'
    assert load(text).providers["work"].trusted_folders == ("~/work", "/srv")
    refused(text.replace("claude", "codex"))
    refused(text.replace("~/work", "work"))
