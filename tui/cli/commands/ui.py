"""`sereno` without a command: the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from sereno.tui.cli import exits
from sereno.tui.cli.errors import CliError


def run_ui(flags: Mapping[str, str]) -> int:
    """Open the terminal UI; attaches to a running daemon or embeds one."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CliError(
            "no_terminal",
            "the screen needs a terminal on stdin and stdout",
            "Run `sereno --no-ui` for the daemon alone, or `sereno --help` for commands",
            exits.USAGE,
        )
    from sereno.core.config import load_config
    from sereno.core.home import find_home
    from sereno.tui.start import run_ui as start

    home = find_home(os.environ)
    return start(home, load_config(home, os.environ, flags))
