"""The providers of this daemon: presets and configuration joined, and what of it is installed.

Looks for programs on the path (a few stat calls); starts nothing. Not here: how a program is
driven (protocols.py), asked about itself (asking.py, offer.py), started (core/runners) or
configured (core/config).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from sereno.core.config import BUILT_IN_PROVIDERS, Config, ProviderConfig, ProviderModel
from sereno.core.protocol.agents import Mode, Model, ProviderEntry, SelectOption
from sereno.core.protocol.values import UNSET
from sereno.core.providers.driver import Driver, Identity, Setup
from sereno.core.providers.effects import Ready
from sereno.core.providers.environment import MODEL_KEYS, child_environment, resolve
from sereno.core.providers.places import look_up
from sereno.core.providers.presets import PRESETS, Preset
from sereno.core.providers.protocols import extra_arguments, make_driver
from sereno.core.providers.trust import is_trusted, left_out

__all__ = ["Availability", "Catalog", "Provider"]

CUSTOM_ORDER = 5


class Availability(msgspec.Struct, frozen=True):
    """Whether the program was found, and if not, what the person can do."""

    installed: bool
    path: str | None
    install_hint: str | None


class Provider:
    """One way to start an agent. Remembers, while the daemon lives, what the program offered."""

    def __init__(self, preset: Preset, config: ProviderConfig | None, name: str) -> None:
        self.name = name
        self._preset = preset
        self._config = config
        self._ready: Ready | None = None
        self._listed: tuple[Model, ...] = ()
        self.changed: Callable[[], None] = lambda: None
        """Called when what it offers is not what it offered before."""

    @property
    def label(self) -> str:
        return (self._config and self._config.label) or self._preset.label

    @property
    def description(self) -> str:
        return (self._config and self._config.description) or self._preset.description

    @property
    def command(self) -> tuple[str, ...]:
        """The program as it is configured; `launch` says what is really started."""
        return (self._config and self._config.command) or self._preset.command

    @property
    def preset(self) -> Preset:
        """What this provider is built on."""
        return self._preset

    @property
    def enabled(self) -> bool:
        return self._config is None or self._config.enabled

    @property
    def real(self) -> bool:
        """False for the demo agent, which has no model."""
        return self._preset.real or self.command != self._preset.command

    @property
    def order(self) -> float:
        if self._config is not None and self._config.order is not None:
            return self._config.order
        return self._preset.order

    @property
    def default_mode(self) -> str | None:
        """What a new agent begins in. Never a mode that asks nothing only because the last agent
        ran in it."""
        own = self._preset.default_mode
        if self._ready is None or own in [mode.id for mode in self._ready.modes]:
            return own
        tiers = {mode.id: mode.color_tier for mode in self._ready.modes}
        begun = self._ready.mode_id
        return None if tiers.get(begun or "") == "dangerous" else begun

    @property
    def modes(self) -> tuple[Mode, ...]:
        return self._ready.modes if self._ready else self._preset.modes

    @property
    def models(self) -> tuple[Model, ...]:
        """The configured models, or what the program offered, and the additional ones."""
        config = self._config
        if config is not None and config.models:
            base = tuple(self._model(model) for model in config.models)
        else:
            base = (self._ready.models if self._ready else ()) or self._listed
        extra = () if config is None else config.additional_models
        known = {model.id for model in base}
        return (*base, *(self._model(model) for model in extra if model.id not in known))

    def remember(self, ready: Ready) -> None:
        """What a run of the program offered: shown for the next one."""
        before = (self.models, self.modes)
        self._ready = ready
        if (self.models, self.modes) != before:
            self.changed()

    def remember_models(self, models: tuple[Model, ...]) -> None:
        """What its own list of models says: shown until a run has offered some."""
        self._listed = models

    def env(self, base: Mapping[str, str]) -> dict[str, str]:
        """The environment of the program, made from the daemon's own (T46, T74)."""
        configured = resolve(base, self._config.env if self._config is not None else {})
        own = {**configured, **self._preset.fixed(base, configured, self._disallowed)}
        child = child_environment(base, self._preset.prefixes, own)
        found = self._path(child)
        paths = child.get("PATH", "")
        if found is not None and shutil.which(self.command[0], path=paths) is None:
            # What stands beside it may be what it runs on, such as node.
            beside = str(Path(found).parent)
            child["PATH"] = f"{paths}{os.pathsep}{beside}" if paths else beside
        return child

    def _path(self, child: Mapping[str, str]) -> str | None:
        """The program for a child environment."""
        command = self.command
        return look_up(command[0], child, self._preset.places) if command else None

    def launch(self, setup: Setup, resume: str | None, env: Mapping[str, str]) -> tuple[str, ...]:
        """The command line of one run, which begins as `setup` says or goes on with `resume`."""
        extra = extra_arguments(self._preset.protocol, self._complete(setup), resume)
        program = self.find(env).path or self.command[0]
        return (program, *self.command[1:], *extra)

    def asked_by(self, env: Mapping[str, str]) -> tuple[str, ...] | None:
        """What the program is asked about itself with, before the arguments for that; None where
        it is missing, or stands in a command of the person's that takes no others."""
        path = self.find(env).path
        if path is None:
            return None
        own, arguments = self._preset.command[1:], self.command[1:]
        if not self._preset.command:
            return (path,)
        if arguments[len(arguments) - len(own) :] != own:
            return None
        return (path, *arguments[: len(arguments) - len(own)])

    def find(self, env: Mapping[str, str]) -> Availability:
        """Looks for the program, with the daemon's environment `env`."""
        path = self._path(self.env(env))
        if path is not None:
            return Availability(True, path, None)
        if self._config is not None and self._config.command:
            hint = f"Correct `command` of [providers.{self.name}] in config.toml."
        else:
            hint = self._preset.install_hint
        return Availability(False, None, hint)

    def driver(self, setup: Setup, state: bytes | None = None) -> Driver:
        """A driver for one run; `state` is a snapshot of it from before a restart."""
        identity = Identity(self.name, self.label, self._preset.login_hint, self.command)
        return make_driver(self._preset.protocol, identity, self._complete(setup), state)

    def _complete(self, setup: Setup) -> Setup:
        """With what the preset and the configuration say."""
        mode = setup.mode or self._preset.required_mode
        setup = msgspec.structs.replace(setup, mode=mode, disallowed_tools=self._disallowed)
        if self._preset.protocol != "claude":
            return setup
        folders = () if self._config is None else self._config.trusted_folders
        trusted = is_trusted(setup.cwd, folders)
        untaken = () if trusted else left_out(setup.cwd)
        return msgspec.structs.replace(setup, trusted=trusted, left_out=untaken)

    @property
    def _disallowed(self) -> tuple[str, ...]:
        return () if self._config is None else self._config.disallowed_tools

    def entry(self, env: Mapping[str, str]) -> ProviderEntry:
        """As the wire's provider snapshot lists it (section 6.9.1)."""
        found = self.find(env)
        missing = f"{self.command[0] if self.command else self.name} was not found"
        return ProviderEntry(
            provider=self.name,
            status="ready" if found.installed else "unavailable",
            enabled=self.enabled,
            error=UNSET if found.installed else missing,
            models=list(self.models),
            modes=list(self.modes),
            label=self.label,
            description=self.description,
            default_mode_id=self.default_mode,
            command=list(self.command),
            path=found.path or UNSET,
            install_hint=found.install_hint or UNSET,
        )

    def _model(self, model: ProviderModel) -> Model:
        options = [
            SelectOption(
                id=option.id,
                label=option.label,
                description=option.description or UNSET,
                is_default=True if option.is_default else UNSET,
            )
            for option in model.thinking_options
        ]
        return Model(
            provider=self.name,
            id=model.id,
            label=model.label,
            description=model.description or UNSET,
            is_default=True if model.is_default else UNSET,
            thinking_options=options or UNSET,
        )


class Catalog:
    """All providers, in the order in which they are listed."""

    def __init__(self, config: Config) -> None:
        found = [_provider(config, name) for name in {**PRESETS, **config.providers}]
        listed = [provider for provider in found if provider is not None]
        listed.sort(key=lambda provider: (provider.order, provider.name))
        self._providers = {provider.name: provider for provider in listed}

    def names(self) -> tuple[str, ...]:
        return tuple(self._providers)

    def watch(self, changed: Callable[[], None]) -> None:
        """`changed` is called when a provider offers other models or modes than before."""
        for provider in self._providers.values():
            provider.changed = changed

    def all(self) -> tuple[Provider, ...]:
        """Disabled ones too."""
        return tuple(self._providers.values())

    def get(self, name: str) -> Provider | None:
        """The provider, or None if there is none of this name or it is disabled."""
        provider = self._providers.get(name)
        return provider if provider is not None and provider.enabled else None

    def default(self, env: Mapping[str, str]) -> Provider:
        """The first real agent that is installed, else the demo agent.

        Raises:
            LookupError: nothing is installed and the demo agent is disabled.
        """
        usable = [p for p in self._providers.values() if p.enabled and p.find(env).installed]
        for provider in (*(p for p in usable if p.real), *usable):
            return provider
        raise LookupError("no provider is enabled and installed")


def _provider(config: Config, name: str) -> Provider | None:
    settings = config.providers.get(name)
    if name in PRESETS:
        return Provider(PRESETS[name], settings, name)
    if settings is None:
        return None
    if settings.extends in PRESETS:
        parent = PRESETS[settings.extends]
        preset = msgspec.structs.replace(parent, name=name, label=name, order=CUSTOM_ORDER)
        return Provider(preset, settings, name)
    if name in BUILT_IN_PROVIDERS and not settings.command:
        return None  # known by name, but this release has no driver for it
    hint = f"Set `command` of [providers.{name}] to a program that speaks the protocol."
    custom = Preset(name, name, "", (), CUSTOM_ORDER, hint, prefixes=MODEL_KEYS)
    return Provider(custom, settings, name)
