"""`sereno` without a command: the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from sereno.tui.cli import exits, target
from sereno.tui.cli.errors import CliError

CALL_S = 15.0


def run_ui(flags: Mapping[str, str]) -> int:
    """Open the terminal UI; attaches to the daemon of `--host` or a running one, or embeds one.

    A host is called once before the screen opens: what is wrong is better said on the shell, and
    a password is asked for there.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CliError(
            "no_terminal",
            "the screen needs a terminal on stdin and stdout",
            "Run `sereno --no-ui` for the daemon alone, or `sereno --help` for commands",
            exits.USAGE,
        )
    from sereno.core.config import as_variables, load_config
    from sereno.core.home import find_home

    home = find_home(os.environ)
    config = load_config(home, os.environ, flags)
    os.environ.update(as_variables(flags))  # for the daemon that takes over from this one
    first = target.connect(CALL_S)
    if first is not None:
        first.close()
    from sereno.tui.start import run_ui as start

    return start(home, config, target=target.target())
