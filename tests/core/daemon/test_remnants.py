"""Files that a killed process did not finish are gone after the next start; nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sereno.core.daemon.remnants import OLD_S, remove_remnants
from sereno.core.home import Home, prepare
from tests.core.daemon.daemon_house import daemon, tidy, until

WRITE = """
import os, signal, sys, tempfile
from pathlib import Path
from sereno.core.home import atomic_write
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
atomic_write(Path(sys.argv[1]), b"secret")
"""


def _age(path: Path, seconds: float) -> None:
    at = time.time() - seconds
    os.utime(path, (at, at))


def test_only_what_is_ours_old_and_a_file_is_removed(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    prepare(home)
    (home.root / "pairings").mkdir()
    keep = [home.root / ".config.toml.swp", home.root / ".keep", home.run / "daemon.json"]
    ours = [home.root / ".config.toml.263cdc39179ef78a", home.run / ".probe-abcdefgh"]
    ours += [home.root / "pairings" / ".srv_1.json.abcdefg8"]
    young = home.run / ".daemon.json.abcdefgh"
    for path in (*keep, *ours):
        path.touch()
        _age(path, OLD_S + 5)
    young.touch()
    link = home.run / ".daemon.json.hgfedcba"
    link.symlink_to(home.root / "config.toml")
    assert remove_remnants(home) == len(ours)
    assert all(path.exists() for path in (*keep, young))
    assert link.is_symlink()
    assert not any(path.exists() for path in ours)


def test_a_write_that_was_killed_leaves_nothing_for_long(tmp_path: Path) -> None:
    with tidy(Home(tmp_path / "home")) as home:
        prepare(home)
        done = subprocess.run([sys.executable, "-P", "-c", WRITE, str(home.status)], check=False)
        assert done.returncode == -signal.SIGKILL
        [left] = home.run.glob(".daemon.json.*")
        _age(left, OLD_S + 5)
        with daemon(home):
            until(lambda: not left.exists(), "it is gone")
