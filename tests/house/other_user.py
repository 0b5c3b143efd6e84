"""Runs a few lines as somebody who may not do everything, whoever runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

AS_ROOT = os.geteuid() == 0


def run_as_other_user(code: str, *, locked_folder: Path) -> str:
    """What `code` prints when `locked_folder` is closed to it.

    Root is let in everywhere, so as root the code runs in a child without root's capabilities.
    """
    locked_folder.mkdir(mode=0o700, exist_ok=True)
    locked_folder.chmod(0o500)
    drop = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs"]
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(
        [*drop, *command] if AS_ROOT else command,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
