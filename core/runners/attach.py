"""Attaching to a living runner."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

from sereno.core.home import HomeError, connect_path
from sereno.core.runners.folder import SOCKET, alive, dies_soon, read_record
from sereno.core.runners.link import RunnerLink
from sereno.core.runners.model import RunnerError, RunnerGone, RunnerInfo
from sereno.core.runners.process.peers import credentials

ANSWER_LIMIT = 10.0
"""Seconds within which a runner must answer a greeting; it takes less than a millisecond."""
QUEUE_PAUSE = 0.01
"""Seconds between two tries while too many knock at once."""


async def attach(folder: Path, offset: int) -> RunnerLink:
    """Attach to the runner of `folder` and read its journal from `offset` on.

    Another daemon that is attached is replaced. Raises RunnerGone when the runner's process is
    dead, and only then; else RunnerVersionError, JournalGap, or RunnerError (no_answer, refused,
    unreachable, damaged), where the agent goes on and it may be tried again.
    """
    info = read_record(folder)
    if info is None or not alive(info.runner):
        raise _gone(folder)
    sock = await _connect(folder, info)
    link = RunnerLink(info, offset)
    loop = asyncio.get_running_loop()
    await loop.create_unix_connection(lambda: link.connection, sock=sock)
    try:
        async with asyncio.timeout(ANSWER_LIMIT):
            await link.greet()
    except TimeoutError as error:
        await link.aclose()
        raise _no_answer(info) from error
    except RunnerError as error:
        await link.aclose()
        if error.code == "refused" and await dies_soon(info.runner):
            raise _gone(folder) from error
        raise
    except BaseException:
        await link.aclose()
        raise
    return link


def _gone(folder: Path) -> RunnerGone:
    return RunnerGone(
        "gone",
        f"The runner of {folder} does not live any more.",
        "What its agent said last is in its journal; start the agent again to go on.",
    )


def _no_answer(info: RunnerInfo) -> RunnerError:
    return RunnerError(
        "no_answer",
        f"The runner of agent {info.agent_id} (process {info.runner.pid}) does not answer.",
        "Was it stopped? Look at it with `ps`, or stop the agent.",
    )


async def _knock(sock: socket.socket, name: str) -> None:
    """Connects, and waits for a place while the runner's queue is full.

    Linux refuses a unix socket at once then (EAGAIN) and tells nobody when there is room; asyncio's
    own sock_connect takes that for a connection that is under way, and soon for one that stands.
    """
    async with asyncio.timeout(ANSWER_LIMIT):
        while True:
            try:
                sock.connect(name)
            except BlockingIOError:
                await asyncio.sleep(QUEUE_PAUSE)
            else:
                return


async def _connect(folder: Path, info: RunnerInfo) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        with connect_path(folder / SOCKET) as name:
            await _knock(sock, name)
        uid, _ = credentials(sock)
        if uid != os.geteuid():
            raise PermissionError(f"it belongs to uid {uid}")
    except TimeoutError as error:
        sock.close()
        raise _no_answer(info) from error
    except (OSError, HomeError) as error:
        sock.close()
        if await dies_soon(info.runner):
            raise _gone(folder) from error
        raise RunnerError(
            "unreachable",
            f"The runner of agent {info.agent_id} (process {info.runner.pid}) lives, but its "
            f"socket {folder / SOCKET} cannot be used: {error}.",
            "Stop the agent and start it again; its talk is kept.",
        ) from error
    except BaseException:
        sock.close()
        raise
    return sock
