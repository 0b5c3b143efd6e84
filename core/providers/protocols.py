"""Which driver speaks a provider's protocol, and what it adds to the command line.

Native drivers are imported when one is used for the first time, because most daemons never use all
of them. Each package has a `driver.py` and, where its program is told by flags how to begin, an
`arguments.py`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Literal, cast

from sereno.core.providers.acp.driver import AcpDriver
from sereno.core.providers.driver import Driver, Identity, Setup

__all__ = ["ProtocolName", "extra_arguments", "make_driver"]

ProtocolName = Literal["acp", "claude", "codex"]
_NATIVE: dict[ProtocolName, str] = {"claude": "ClaudeDriver", "codex": "CodexDriver"}


def make_driver(
    protocol: ProtocolName, identity: Identity, setup: Setup, state: bytes | None
) -> Driver:
    """A driver for one run; `state` is a snapshot of it from before a restart of the daemon."""
    if protocol not in _NATIVE:
        return AcpDriver(identity, setup, state)
    module = importlib.import_module(f"sereno.core.providers.{protocol}.driver")
    make = cast(
        "Callable[[Identity, Setup, bytes | None], Driver]", getattr(module, _NATIVE[protocol])
    )
    return make(identity, setup, state)


def extra_arguments(protocol: ProtocolName, setup: Setup, resume: str | None) -> tuple[str, ...]:
    """What follows the command for this run. `resume`: the session that it goes on with."""
    if protocol not in _NATIVE:
        return ()
    module = importlib.import_module(f"sereno.core.providers.{protocol}.arguments")
    arguments = cast("Callable[[Setup, str | None], tuple[str, ...]]", module.arguments)
    return arguments(setup, resume)
