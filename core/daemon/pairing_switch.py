"""Switches the relay on or off: in config.toml, with the person's comments kept, then a reload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import anyio.to_thread

from sereno.core.config import Config, edit_config, put
from sereno.core.config.keys import VARIABLES
from sereno.core.daemon.pairing_offers import Refused
from sereno.core.home import Home, HomeError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["Ward", "switch_relay"]

_KEY = "daemon.relay.enabled"


class Ward(Protocol):
    """What is needed of the daemon."""

    @property
    def config(self) -> Config: ...

    async def reload(self) -> None: ...


async def switch_relay(
    home: Home, ward: Ward, env: Mapping[str, str], enabled: bool
) -> Refused | None:
    """None where it is as wanted now. What a variable sets is not changed: the file would lie."""
    if ward.config.daemon.relay.enabled is enabled:
        return None
    name = next(name for name, key in VARIABLES.items() if key == _KEY)
    if env.get(name, "").strip():
        return Refused(
            "relay_forced",
            f"The variable {name} of the daemon's environment sets {_KEY}.",
            "Change it there and start the daemon again.",
        )

    def change(document: TOMLDocument) -> None:
        put(document, _KEY, enabled)

    try:
        await anyio.to_thread.run_sync(edit_config, home, change)
        await ward.reload()
    except HomeError as error:
        return Refused(error.code, error.message, error.next_step)
    return None
