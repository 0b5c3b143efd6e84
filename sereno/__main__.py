"""The command `sereno`, and `python -m sereno`.

Keeps the folder in which the person stands out of the import path: a repository may hold its own
`core/`, `tui/` or `json.py`, and none of that is ours to run. Then hands over to the command line.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command line with this process's arguments; gives the exit code."""
    leave_out_cwd()
    from sereno.tui.cli.entry import main as run

    return run(sys.argv[1:])


def leave_out_cwd() -> None:
    """Drop the current folder from `sys.path`, under each of its names.

    Our own modules are found through the package that is loaded already, and libraries stand in
    site-packages, so nothing of ours needs that entry.
    """
    unwanted = {"", "."}
    try:
        unwanted.add(os.getcwd())  # noqa: PTH109 - pathlib would cost as much as the rest
    except OSError:
        unwanted.add("/")  # The folder has vanished; nothing can be imported from it either.
    sys.path[:] = [
        entry
        for entry in sys.path
        if entry not in unwanted or entry.endswith(("site-packages", "dist-packages"))
    ]


if __name__ == "__main__":
    sys.exit(main())
