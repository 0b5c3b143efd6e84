"""What the tests of the configuration share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sereno.core.config import (
    Config,
    ConfigError,
)
from sereno.core.config.load import build_config
from sereno.core.config.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Mapping


def load(text: str, env: Mapping[str, str] | None = None, **flags: object) -> Config:
    source = parse_source(Path("/h/config.toml"), text.encode())
    return build_config(source, env or {}, {k.replace("__", "."): v for k, v in flags.items()})


def refused(text: str, env: Mapping[str, str] | None = None, **flags: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(text, env, **flags)
    assert caught.value.message
    assert caught.value.next_step
    return caught.value


def value_of(config: Config, key: str) -> Any:
    part: Any = config
    for name in key.split("."):
        part = getattr(part, name)
    return part
