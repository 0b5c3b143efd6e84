"""`sereno relay` as a process: signals, log lines on stderr, the limit of open files.

Ends with 0 after SIGTERM or SIGINT. SIGHUP reads the certificate again. Needs no home.
"""

from __future__ import annotations

import logging
import resource
import signal
import sys
from collections.abc import AsyncIterator
from typing import Literal

import anyio

from sereno.relay_server.server import RelayServer
from sereno.relay_server.settings import RelayError, Settings

__all__ = ["Level", "run_relay"]

log = logging.getLogger("sereno.relay")

Level = Literal["debug", "info", "warning", "error"]


def run_relay(settings: Settings, level: Level = "info") -> None:
    """Runs until a signal ends it. Raises RelayError where it cannot begin."""
    settings.check()
    _log_to_stderr(level)
    _allow_files(settings.limits.sockets)
    anyio.run(_run, settings)


async def _run(settings: Settings) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        server = RelayServer(settings)
        await server.start()
        log.info("listening on %s", ", ".join(server.listening))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_obey, signals, server)
            await server.run()
            tasks.cancel_scope.cancel()
    counts = server.hub.counts
    log.info("stopped; %s frames, %s bytes forwarded", counts.frames, counts.bytes)


async def _obey(signals: AsyncIterator[signal.Signals], server: RelayServer) -> None:
    async for number in signals:
        if number is not signal.SIGHUP:
            log.info("stopping: %s", number.name)
            server.stop()
            continue
        try:
            server.reload()
        except RelayError as error:
            log.error("%s %s The old one stays.", error.message, error.next_step)
        else:
            log.info("read the certificate again")


def _log_to_stderr(level: Level) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("sereno.relay")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


def _allow_files(sockets: int) -> None:
    """Raises the soft limit of open files as far as the hard one goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = sockets + 512
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if wanted < sockets + 512:
        log.warning("only %s files may be open, which is less than --max-sockets", wanted)
