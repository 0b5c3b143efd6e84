"""Which models and modes a program has, asked before an agent runs it.

Where its own command lists them, that; else the program is started as for an agent, until it is
ready, and ended: no turn is begun, and it keeps no session of that. Blocking, for a thread.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

import msgspec

from sereno.core.protocol.agents import Model
from sereno.core.providers.asking import ask
from sereno.core.providers.driver import Driver, Setup
from sereno.core.providers.effects import Effect, Ready, Send, SessionFailed
from sereno.core.security.sanitise import sanitise_line

if TYPE_CHECKING:
    from sereno.core.providers.catalog import Provider

__all__ = ["Offer", "OfferError", "read_offer"]

CHUNK = 65_536
MOST_MODELS = 2_000


class OfferError(Exception):
    """Why the program did not say what it has, in words for a person."""


class Offer(msgspec.Struct, frozen=True):
    """`ready` where the program was started, else only `models`."""

    models: tuple[Model, ...]
    ready: Ready | None = None


def read_offer(
    provider: Provider, env: Mapping[str, str], cwd: str, timeout_s: float = 30.0
) -> Offer:
    """`cwd`: a folder that exists; programs may have other models in other folders.

    Raises:
        OfferError: it is not installed, failed, or took too long; or it can only be asked by
            leaving an empty session behind, which nobody wants for that.
    """
    preset = provider.preset
    if not provider.find(env).installed:
        raise OfferError(f"{provider.label} is not installed.")
    if preset.models:
        return Offer(_listed(provider, env, cwd, timeout_s))
    if preset.protocol == "acp":
        raise OfferError(f"{provider.label} says which models it has when an agent has started.")
    ready = _start(provider, env, cwd, timeout_s)
    return Offer(ready.models, ready)


def _listed(
    provider: Provider, env: Mapping[str, str], cwd: str, timeout_s: float
) -> tuple[Model, ...]:
    """A model a line, by its id."""
    said = ask(provider, env, provider.preset.models, timeout_s=timeout_s, cwd=cwd)
    if said is None or said.code != 0:
        raise OfferError(f"{provider.label} was asked for its models and gave no answer.")
    lines = [sanitise_line(line.strip(), 200) for line in said.out.splitlines()]
    ids = [line for line in lines if line and " " not in line][:MOST_MODELS]
    return tuple(Model(provider=provider.name, id=one, label=one) for one in ids)


def _start(provider: Provider, env: Mapping[str, str], cwd: str, timeout_s: float) -> Ready:
    setup = Setup(cwd, session_id=str(uuid.uuid4()))
    driver = provider.driver(setup)
    try:
        process = subprocess.Popen(
            provider.launch(setup, None, env),
            cwd=cwd,
            env=provider.env(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # a rest that a program which has ended never took would break its closing
            start_new_session=True,
        )
    except OSError as error:
        raise OfferError(f"{provider.label} could not be started: {error.strerror}.") from error
    with process:
        try:
            return _until_ready(provider, driver, process, time.monotonic() + timeout_s)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _until_ready(
    provider: Provider, driver: Driver, process: subprocess.Popen[bytes], deadline: float
) -> Ready:
    assert process.stdin is not None
    assert process.stdout is not None
    effects: list[Effect] = driver.start(None)
    while True:
        for effect in effects:
            match effect:
                case Ready():
                    return effect
                case SessionFailed(error):
                    raise OfferError(error)
                case Send(data):
                    _write(process.stdin, data)
                case _:
                    pass
        left = deadline - time.monotonic()
        readable, _, _ = select.select([process.stdout], [], [], max(0.0, left))
        data = os.read(process.stdout.fileno(), CHUNK) if readable else b""
        if not readable:
            raise OfferError(f"{provider.label} did not say in time which models it has.")
        effects = driver.receive(data) if data else driver.exited(process.wait(1), None, "")
        if not data:
            ended = [one.error for one in effects if isinstance(one, SessionFailed)]
            raise OfferError(ended[0] if ended else f"{provider.label} ended by itself.")


def _write(stdin: IO[bytes], data: bytes) -> None:
    """A program that has ended takes nothing; how it ended is told where its end is read."""
    rest = memoryview(data)
    with contextlib.suppress(BrokenPipeError):
        while rest:
            rest = rest[stdin.write(rest) :]
