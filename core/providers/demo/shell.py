"""Runs a command for the demo agent: in a session of its own, output streamed, killed on cancel.

Like the tools of real agent programs, the command is not in the agent's process group, so that
ending an agent must find it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from sereno.core.providers.demo.loop import Reading, Sleeping, Turning

__all__ = ["run_command"]

OUTPUT_LIMIT = 200_000
TELL_EVERY_S = 0.1


def run_command(
    command: str, cwd: Path, tell: Callable[[str], None]
) -> Generator[Turning, Any, tuple[str, int]]:
    """Runs `command` in a shell; `tell` gets all output so far, ten times a second at most.

    Returns the output and the exit code (negative: the signal).
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        output = yield from _collect(process.stdout.fileno(), tell)
        while process.poll() is None:  # it closed its output and lives on
            yield Sleeping(time.monotonic() + 0.02)
    finally:
        _kill(process)
        process.stdout.close()
    return output, process.returncode


def _collect(fd: int, tell: Callable[[str], None]) -> Generator[Turning, Any, str]:
    data, told, tell_at = b"", 0, time.monotonic() + TELL_EVERY_S
    while True:
        chunk = yield Reading(fd, tell_at)
        if chunk == b"":
            return data.decode("utf-8", "replace")
        if chunk and len(data) < OUTPUT_LIMIT:
            data += chunk
            if len(data) >= OUTPUT_LIMIT:
                data += b"\n[more output was left out]\n"
        if time.monotonic() >= tell_at:
            if len(data) != told:
                told = len(data)
                tell(data.decode("utf-8", "replace"))
            tell_at = time.monotonic() + TELL_EVERY_S


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    except ProcessLookupError:
        process.wait()
