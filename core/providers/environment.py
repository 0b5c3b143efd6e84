"""The environment of an agent program: an allowlist, so that no secret of ours or of another
program reaches it by accident (threats T46, T74).

Pure. What a provider needs beyond the common names is in its preset; what the person wants beyond
that stands in `[providers.NAME] env`, where `"$NAME"` passes a variable on by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["COMMON", "COMMON_PREFIXES", "MODEL_KEYS", "child_environment", "resolve"]

_COMMON = """
    HOME PATH USER LOGNAME SHELL LANG LANGUAGE TERM COLORTERM NO_COLOR TMPDIR TMP TEMP TZ
    HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY FTP_PROXY
    http_proxy https_proxy all_proxy no_proxy ftp_proxy
    SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
    SSH_AUTH_SOCK SSH_AGENT_PID GPG_TTY GNUPGHOME DBUS_SESSION_BUS_ADDRESS
    VIRTUAL_ENV CONDA_PREFIX PYENV_ROOT NVM_DIR NVM_BIN FNM_DIR VOLTA_HOME PNPM_HOME BUN_INSTALL
    CARGO_HOME RUSTUP_HOME GOPATH GOROOT GOBIN JAVA_HOME GRADLE_USER_HOME MAVEN_HOME
    ANDROID_HOME ANDROID_SDK_ROOT DOTNET_ROOT ASDF_DIR ASDF_DATA_DIR MISE_DATA_DIR RBENV_ROOT
    GEM_HOME DOCKER_HOST DOCKER_CONTEXT KUBECONFIG NIX_PATH NIX_PROFILES NIX_SSL_CERT_FILE
    DEVELOPER_DIR SDKROOT WSL_DISTRO_NAME WSL_INTEROP CI
"""

COMMON = frozenset(_COMMON.split())
"""Where things are and how the network is reached: no credentials among them."""

COMMON_PREFIXES = ("LC_", "XDG_", "HOMEBREW_", "MISE_", "GIT_AUTHOR_", "GIT_COMMITTER_")

MODEL_KEYS = (
    "ANTHROPIC_",
    "OPENAI_",
    "OPENROUTER_",
    "GEMINI_",
    "GOOGLE_",
    "AZURE_",
    "AWS_",
    "GROQ_",
    "MISTRAL_",
    "DEEPSEEK_",
    "XAI_",
    "TOGETHER_",
    "FIREWORKS_",
    "OLLAMA_",
    "LM_STUDIO_",
    "HF_",
    "CEREBRAS_",
    "GITHUB_TOKEN",
    "GH_TOKEN",
)
"""For programs that reach many models with keys from the environment. Passed on, never read."""

_OUTER = (
    "CLAUDECODE",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_REMOTE",
    "CLAUDE_CODE_SESSION",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_ENV_FILE",
    "CLAUDE_PROJECT_DIR",
    "CODEX_SANDBOX",
    "CODEX_THREAD",
    "SERENO_",
)
"""Beginnings of names that are never passed on: ours, and what an agent program that the daemon was
started from tells its own children about itself, which a new one would take for its own."""

_REFERENCE = r"\$(?:\{(\w+)\}|(\w+))"


def resolve(base: Mapping[str, str], configured: Mapping[str, str]) -> dict[str, str]:
    """The configured variables; `$NAME` or `${NAME}` is that variable of `base`, or left out."""
    found: dict[str, str] = {}
    for name, value in configured.items():
        reference = re.fullmatch(_REFERENCE, value)
        if reference is None:
            found[name] = value
        elif (source := reference.group(1) or reference.group(2)) in base:
            found[name] = base[source]
    return found


def child_environment(
    base: Mapping[str, str], prefixes: tuple[str, ...], own: Mapping[str, str]
) -> dict[str, str]:
    """What a child gets of `base`, and over it the provider's `own` variables.

    `prefixes`: beginnings of names that this provider needs besides the common ones. Nothing of
    ours, and of a session that the daemon stands in, is taken from `base`.
    """
    wanted = (*COMMON_PREFIXES, *prefixes)
    child = {
        name: value
        for name, value in base.items()
        if (name in COMMON or name.startswith(wanted)) and not name.startswith(_OUTER)
    }
    return {**child, **own}
