"""`sereno --no-ui`: the daemon in the foreground, for a service manager."""

from __future__ import annotations

import os
from collections.abc import Mapping


def run_headless(flags: Mapping[str, str], take_fds: str | None) -> int:
    """Run the daemon until it is told to stop; gives the exit code.

    `take_fds` is what the standby passes on: the descriptors of listeners and lock.
    """
    from sereno.core.config import as_variables, load_config
    from sereno.core.daemon.headless import run_headless as run
    from sereno.core.home import find_home

    home = find_home(os.environ)
    config = load_config(home, os.environ, flags)
    # A reload and a restart read the configuration again, and shall find the same.
    os.environ.update(as_variables(flags))
    return run(home, config, take_fds=take_fds)
