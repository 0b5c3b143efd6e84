"""Which driver speaks a provider's protocol, and what it adds to the command line.

Drivers are imported when one is used for the first time: most daemons never use all of them, and
none when it starts. Each package has a `driver.py` and, where its program is told by flags how to
begin, an `arguments.py`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Literal, cast

from sereno.core.providers.driver import Driver, Identity, Setup

__all__ = ["ProtocolName", "extra_arguments", "make_driver"]

ProtocolName = Literal["acp", "claude", "codex"]
_DRIVERS: dict[ProtocolName, str] = {
    "acp": "AcpDriver",
    "claude": "ClaudeDriver",
    "codex": "CodexDriver",
}


def make_driver(
    protocol: ProtocolName, identity: Identity, setup: Setup, state: bytes | None
) -> Driver:
    """A driver for one run; `state` is a snapshot of it from before a restart of the daemon."""
    module = importlib.import_module(f"sereno.core.providers.{protocol}.driver")
    make = cast(
        "Callable[[Identity, Setup, bytes | None], Driver]", getattr(module, _DRIVERS[protocol])
    )
    return make(identity, setup, state)


def extra_arguments(protocol: ProtocolName, setup: Setup, resume: str | None) -> tuple[str, ...]:
    """What follows the command for this run. `resume`: the session that it goes on with."""
    if protocol == "acp":
        return ()
    module = importlib.import_module(f"sereno.core.providers.{protocol}.arguments")
    arguments = cast("Callable[[Setup, str | None], tuple[str, ...]]", module.arguments)
    return arguments(setup, resume)
