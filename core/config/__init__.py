"""The settings of Sereno: read from four places, checked, and edited without losing comments."""

from __future__ import annotations

from sereno.core.config.edit import edit_config, put
from sereno.core.config.errors import ConfigError
from sereno.core.config.keys import as_variables
from sereno.core.config.listen import TcpAddress, UnixAddress, parse_listen
from sereno.core.config.load import load_config
from sereno.core.config.model import (
    BUILT_IN_PROVIDERS,
    AgentsConfig,
    Config,
    DaemonConfig,
    LogConfig,
    ProviderConfig,
    ProviderModel,
    ThinkingOption,
    UiConfig,
)

__all__ = [
    "BUILT_IN_PROVIDERS",
    "AgentsConfig",
    "Config",
    "ConfigError",
    "DaemonConfig",
    "LogConfig",
    "ProviderConfig",
    "ProviderModel",
    "TcpAddress",
    "ThinkingOption",
    "UiConfig",
    "UnixAddress",
    "as_variables",
    "edit_config",
    "load_config",
    "parse_listen",
    "put",
]
