"""Attaching when many knock at once: a full queue is no connection, and nobody is kept out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest

from sereno.core.home import connect_path
from sereno.core.runners import attach as attach_module
from sereno.core.runners.attach import attach
from sereno.core.runners.model import RunnerError
from tests.core.runners.place import Place
from tests.core.runners.test_link import raw_connection


async def test_silent_connections_keep_nobody_out(place: Place) -> None:
    info = await place.start("cat")
    with contextlib.ExitStack() as silent:
        for _ in range(20):
            silent.enter_context(await raw_connection(info.folder))
        reader = await place.attach(info)  # when the first of them have had their time
        await reader.link.write(1, b"in\n")
        await reader.until_said(b"in\n")


async def test_a_full_queue_is_waited_for(place: Place) -> None:
    """Who is refused for lack of room is not connected, whatever asyncio believes."""
    info = await place.start("cat")
    os.kill(info.runner_pid, signal.SIGSTOP)
    with contextlib.ExitStack() as waiting:
        try:
            fill_queue(info.folder, waiting)
            attaching = asyncio.create_task(place.attach(info))
            await asyncio.wait([attaching], timeout=0.2)
            assert not attaching.done()
            waiting.close()
        finally:
            os.kill(info.runner_pid, signal.SIGCONT)
        reader = await attaching
        await reader.link.write(1, b"in\n")
        await reader.until_said(b"in\n")


async def test_a_queue_that_stays_full_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attach_module, "ANSWER_LIMIT", 0.3)
    info = await place.start("cat")
    os.kill(info.runner_pid, signal.SIGSTOP)
    with contextlib.ExitStack() as waiting:
        try:
            fill_queue(info.folder, waiting)
            with pytest.raises(RunnerError) as caught:
                await attach(info.folder, 0)
            assert caught.value.code == "no_answer"
        finally:
            os.kill(info.runner_pid, signal.SIGCONT)


def fill_queue(folder: Path, waiting: contextlib.ExitStack) -> None:
    """Connects until the kernel has no room for another one that nobody accepts."""
    with connect_path(folder / "runner.sock") as name:
        while True:
            sock = waiting.enter_context(socket.socket(socket.AF_UNIX))
            sock.setblocking(False)
            try:
                sock.connect(name)
            except BlockingIOError:
                return
