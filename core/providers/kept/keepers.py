"""Which providers keep sessions that can be listed and read, and by what."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

from sereno.core.providers.kept.model import Keeper

if TYPE_CHECKING:
    from sereno.core.providers.catalog import Provider

__all__ = ["keeper_of"]

_MODULES = ("claude", "codex", "opencode")


def keeper_of(provider: Provider) -> Keeper | None:
    """None for a program that keeps no list, or none that we can read. Imported at first use."""
    name = provider.preset.keeps
    if name not in _MODULES:
        return None
    return cast("Keeper", importlib.import_module(f"sereno.core.providers.kept.{name}"))
