"""Processes to be killed, many in a row, that need not load the same modules again and again.

A `Lives` is one Python process that has imported a module; each life is a fork of it that calls the
module's `live(*arguments)`. What a fork does, and what kills it, it does alone: it has the pid,
files and threads that it makes itself. Not for the programs that we ship; those are started as a
person starts them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

__all__ = ["Lives"]

REPOSITORY = Path(__file__).parents[1]
_SERVED = """
import importlib, json, os, sys

live = importlib.import_module(sys.argv[1]).live
for line in sys.stdin:
    out, err, arguments = json.loads(line)
    child = os.fork()
    if child == 0:
        for path, number in (("/dev/null", 0), (out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
        code = 1
        try:
            live(*arguments)
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Lives:
    """Lives of `module`, one after the other. Use as a context manager."""

    def __init__(self, module: str, folder: Path) -> None:
        self._output = folder / "out", folder / "err"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVED, module],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Lives:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def live(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One life, to its end. `returncode` is negative for a signal, as subprocess has it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for path in self._output:
            path.write_bytes(b"")
        out, err = map(os.fspath, self._output)
        self._process.stdin.write(json.dumps([out, err, arguments]) + "\n")
        self._process.stdin.flush()
        code = self._process.stdout.readline()
        said, wrong = (path.read_text() for path in self._output)
        assert code, f"the process that forks has ended: {wrong}"
        return subprocess.CompletedProcess(arguments, int(code), said, wrong)
