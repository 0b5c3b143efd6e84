"""A full disk and a read-only one under a running daemon: said with the way out, nothing lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sereno.tui.cli import exits
from tests.e2e.harness import World, until
from tests.e2e.test_terminal import events, numbered
from tests.house.other_disk import _UNSHARE, can_mount, run_on_disk

REPOSITORY = Path(__file__).parents[2]

# Where no disk of our own can be made: SQLite says that it is full while the flag is there.
MADE_UP = """
import sqlite3
from pathlib import Path
flag = Path({flag!r})
connect = sqlite3.connect

class Disk(sqlite3.Connection):
    def execute(self, sql, *values):
        if flag.exists() and sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            error.sqlite_errorname = "SQLITE_FULL"
            raise error
        return super().execute(sql, *values)

sqlite3.connect = lambda *values, **options: connect(*values, **options, factory=Disk)
"""


def story(world: World, fill: Callable[[], None], free: Callable[[], None]) -> None:
    """An agent streams, the disk is full for a while, and everything is there in the end."""
    agent = world.run("stream 1500 tools every 3ms")
    until(lambda: len(numbered(world, agent)) > 50, "it streams")
    fill()
    refused = world.sereno("run", "--provider", "demo", "show", code=exits.AGENT_FAILED)
    assert "is full" in refused.stderr
    assert "Free some space" in refused.stderr
    assert world.json("daemon", "status")["running"] is True
    assert world.json("ls")[0]["id"] == agent
    assert "is full" in world.log()
    free()
    world.sereno("wait", agent)
    assert numbered(world, agent) == events(1500)
    entries = world.timeline(agent)
    assert [entry.seq_end for entry in entries] == list(range(1, len(entries) + 1))
    assert world.sereno("send", agent, "think hard").stdout == "I have thought about it.\n"
    assert world.json("audit", "verify")["ok"] is True


def on_a_small_disk(root: Path) -> None:
    """The story in a process that has a disk of 6 MiB at `root/home`."""
    world = World(root)
    filler = world.home.root / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                return

    try:
        world.start()
        story(world, fill, filler.unlink)
    finally:
        world.end()


@pytest.mark.timeout(180)
def test_a_full_disk_loses_nothing(world: World) -> None:
    if not can_mount():
        flag = world.root / "full"
        world.serve(MADE_UP.format(flag=str(flag)))
        story(world, flag.touch, flag.unlink)
        return
    code = (
        "from pathlib import Path; from tests.e2e.test_disks import on_a_small_disk; "
        f"on_a_small_disk(Path({str(world.root)!r}))"
    )
    mount = f"mount -t tmpfs -o size=6m,mode=700 tmpfs {world.home.root}"
    done = subprocess.run(
        [*_UNSHARE, "sh", "-ec", f'{mount}; exec "$0" "$@"', sys.executable, "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_read_only_home_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    code = f"""
    sys.path.insert(0, {str(REPOSITORY)!r})
    os.environ["SERENO_HOME"] = str(root)
    os.dup2(1, 2)
    from sereno.tui.cli.entry import main
    print(main(["--no-ui"]))
    """
    said = run_on_disk(home, "read_only", code)
    assert "read-only file system" in said
    assert "SERENO_HOME" in said
    assert "Traceback" not in said
    assert int(said.splitlines()[-1]) in (exits.FAILED, exits.USAGE)
    assert list(home.iterdir()) == []
