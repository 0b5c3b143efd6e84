"""Starts the daemon as a program, whatever the folder and the environment of the person are.

Run by file path with `python -I`, so nothing of the current folder or PYTHONPATH is imported; where
modules are found is said by the process that starts it, for which they were found. Used by the
standby, by `daemon start` and by a restart; people use `sereno --no-ui`.

Arguments: home=PATH, path=ENTRY (of sys.path, many), take=DESCRIPTORS, deaths=N,
mode=beside (with a standby of its own), mode=background (silent once it runs) or mode=foreground,
strict=yes (refuse to start where an address cannot be opened).
"""

from __future__ import annotations

import gc
import os
import sys


def main(arguments: list[str]) -> int:
    given: dict[str, list[str]] = {}
    for argument in arguments:
        name, _, value = argument.partition("=")
        given.setdefault(name, []).append(value)
    sys.path[:] = given["path"]
    gc.disable()  # Nothing is garbage yet, and looking for it takes a tenth of the start.

    from pathlib import Path

    from sereno.lazily import NOT_AT_START, lazily

    lazily(*NOT_AT_START)  # before anything that would load them

    from sereno.core.daemon.headless import Mode, run_launched
    from sereno.core.home import Home

    os.chdir("/")
    mode = Mode(given["mode"][-1])
    return run_launched(
        Home(Path(given["home"][-1])),
        mode=mode,
        take_fds=given.get("take", [None])[-1],
        deaths=int(given.get("deaths", ["0"])[-1]),
        strict=given.get("strict", ["no"])[-1] == "yes",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
