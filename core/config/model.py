"""The settings of Sereno as typed, frozen values, with their defaults.

What a setting means and in which unit stands here, under its name. Where values come from, how
they are checked and how the file is edited is in the files beside this one. Keys are those of the
wire reference's section 8, in snake case.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

Loopback = Literal["same-user", "token", "trust"]
LogLevel = Literal["trace", "debug", "info", "warn", "error", "fatal"]
LogFormat = Literal["json", "pretty"]
Hostnames = tuple[str, ...] | Literal[True]

# Names that need no `extends`: Sereno knows how to drive them (wire reference 6.2.1, and our demo).
BUILT_IN_PROVIDERS = ("claude", "codex", "copilot", "demo", "gemini", "goose", "opencode", "pi")
GENERIC_PROVIDER = "acp"


class CorsConfig(msgspec.Struct, frozen=True):
    """`allowed_origins`: web origins that may connect besides our own, exact text, or `*`."""

    allowed_origins: tuple[str, ...] = ()


class AuthConfig(msgspec.Struct, frozen=True):
    """`password`: a bcrypt hash, never the password. `loopback`: who may connect on this machine
    while no password is set. `device_days`: a paired device that was away for longer must pair
    again (C-55); 0 for never."""

    password: str | None = None
    loopback: Loopback = "same-user"
    device_days: int = 90


class RelayConfig(msgspec.Struct, frozen=True):
    """`endpoint`: where the daemon dials; `public_endpoint`: what offers name, if it differs.
    `pins`: public keys of which the relay's certificate must have one, `sha256/…` (C-29); none:
    whichever a trusted authority has signed."""

    enabled: bool = False
    endpoint: str = "relay.paseo.sh:443"
    public_endpoint: str | None = None
    pins: tuple[str, ...] = ()


class TlsConfig(msgspec.Struct, frozen=True):
    """Paths of a PEM certificate chain and its key; both or neither."""

    cert: str | None = None
    key: str | None = None


class DaemonConfig(msgspec.Struct, frozen=True):
    """`listen`: addresses that are opened besides the home's own unix socket, which always is.
    `hostnames`: names that a Host header may carry besides localhost; True allows all."""

    listen: tuple[str, ...] = ("127.0.0.1:6767",)
    hostnames: Hostnames = ()
    cors: CorsConfig = msgspec.field(default_factory=CorsConfig)
    auth: AuthConfig = msgspec.field(default_factory=AuthConfig)
    relay: RelayConfig = msgspec.field(default_factory=RelayConfig)
    tls: TlsConfig = msgspec.field(default_factory=TlsConfig)


class AppConfig(msgspec.Struct, frozen=True):
    """`base_url`: the web app that pairing links open."""

    base_url: str = "https://app.paseo.sh"


class LogConfig(msgspec.Struct, frozen=True):
    """What the daemon writes to `logs/daemon.log`, and how."""

    level: LogLevel = "info"
    format: LogFormat = "json"


class AgentsConfig(msgspec.Struct, frozen=True):
    """`end_grace_seconds`: how long an agent may take to leave by itself before it is killed.
    `queue_limit`: prompts that may wait for one agent. `journal_limit_mb`: MiB that a runner keeps
    on disk for a daemon that is away; when they are full it stops reading the agent.
    `park_after_minutes`: an agent that had nothing to do for so long is parked: its program ends,
    its session goes on at the next prompt; 0 for never. `park_memory_mb`: how many MiB all agents
    may take together before the longest idle ones are parked; 0 for no limit."""

    end_grace_seconds: float = 3.0
    queue_limit: int = 50
    journal_limit_mb: int = 64
    park_after_minutes: float = 0
    park_memory_mb: int = 0


class UiConfig(msgspec.Struct, frozen=True):
    """How the terminal UI looks and makes itself heard. `bell`: once for each new request. `keys`:
    other keys for the bindings of these ids; which there are is the UI's to know."""

    theme: str = "sereno"
    mouse: bool = True
    bell: bool = True
    animations: bool = True
    keys: Mapping[str, str] = msgspec.field(default_factory=dict)


class ThinkingOption(msgspec.Struct, frozen=True):
    """One amount of thinking that a model offers."""

    id: str
    label: str
    description: str | None = None
    is_default: bool = False


class ProviderModel(msgspec.Struct, frozen=True):
    """A model that the configuration names itself."""

    id: str
    label: str
    description: str | None = None
    is_default: bool = False
    thinking_options: tuple[ThinkingOption, ...] = ()


class ProviderConfig(msgspec.Struct, frozen=True):
    """One `[providers.NAME]`: a new way to start an agent, or a change to a built-in one.

    `extends` is a built-in name or `acp`; for a built-in one it is its own name. `command` is the
    program and its arguments, empty for the built-in's own. `models` replaces what the program
    says it has, `additional_models` adds to it. `order` sorts lists, small first. What lies in
    `trusted_folders` or below may bring settings of its own for the program (Claude Code).
    """

    name: str
    extends: str
    label: str | None = None
    description: str | None = None
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    models: tuple[ProviderModel, ...] = ()
    additional_models: tuple[ProviderModel, ...] = ()
    disallowed_tools: tuple[str, ...] = ()
    trusted_folders: tuple[str, ...] = ()
    enabled: bool = True
    order: float | None = None


class Config(msgspec.Struct, frozen=True):
    """Every setting."""

    daemon: DaemonConfig = msgspec.field(default_factory=DaemonConfig)
    app: AppConfig = msgspec.field(default_factory=AppConfig)
    log: LogConfig = msgspec.field(default_factory=LogConfig)
    agents: AgentsConfig = msgspec.field(default_factory=AgentsConfig)
    ui: UiConfig = msgspec.field(default_factory=UiConfig)
    providers: Mapping[str, ProviderConfig] = msgspec.field(
        default_factory=lambda: MappingProxyType({})
    )
