"""A newer daemon and the runners that the last release started; a migration while they live.

`releases/runner-0.1.0.zip` is the runner's program as 0.1.0 shipped it, and is never changed. Each
release adds its own: `python -m tests.e2e.test_releases` writes it.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from sereno.core.store import connect
from sereno.tui.cli import exits
from tests.e2e.harness import World, alive, until
from tests.e2e.test_terminal import events, numbered

RELEASES = Path(__file__).parent / "releases"
PROCESS = "sereno/core/runners/process"


def freeze() -> Path:
    """Pack the runner's program as it is now."""
    root = Path(__file__).parents[2]
    archive = RELEASES / f"runner-{version('sereno')}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in ("sereno", "sereno/core", "sereno/core/runners"):
            packed.writestr(zipfile.ZipInfo(f"{name}/__init__.py"), "")
        for file in sorted((root / PROCESS).glob("*.py")):
            packed.writestr(zipfile.ZipInfo(f"{PROCESS}/{file.name}"), file.read_bytes())
    return archive


def last_release(world: World, archive: Path) -> str:
    """A patch by which a daemon starts the runners of that release."""
    place = world.root / "release"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(place)
    program = place / PROCESS / "__main__.py"
    return (
        "from pathlib import Path; import sereno.core.runners.start as start; "
        f"start.PROGRAM = Path({str(program)!r})"
    )


def next_release(world: World) -> str:
    """A patch by which a daemon has one migration more, which rewrites the largest table."""
    place = world.root / "migrations"
    place.mkdir()
    numbers = []
    for script in connect.MIGRATIONS.glob("[0-9]*.sql"):
        (place / script.name).write_bytes(script.read_bytes())
        numbers.append(int(script.name[:4]))
    table = "timeline"
    (place / f"{max(numbers) + 1:04d}_later.sql").write_text(
        f"ALTER TABLE {table} ADD COLUMN later TEXT;\n"
        f"UPDATE {table} SET later = 'moved';\n"
        "CREATE TABLE later (id INTEGER PRIMARY KEY);\n"
    )
    return (
        "from pathlib import Path; import sereno.core.store.connect as connect; "
        f"connect.MIGRATIONS = Path({str(place)!r})"
    )


@pytest.mark.timeout(180)
@pytest.mark.parametrize("archive", sorted(RELEASES.glob("*.zip")), ids=lambda path: path.stem)
def test_a_newer_daemon_goes_on_with_older_runners(world: World, archive: Path) -> None:
    """Streaming, asking and idle agents live on over a hard upgrade with a migration."""
    daemon = world.serve(last_release(world, archive))
    streaming = world.run("stream 1500 tools every 6ms")
    asking = world.run("run touch made")
    idle = world.run("show")
    world.sereno("wait", idle)
    world.sereno("wait", asking, code=exits.ASKS)
    before = {agent: world.json("inspect", agent) for agent in (streaming, asking, idle)}
    for one in before.values():
        runner = Path(f"/proc/{one['runnerPid']}/cmdline").read_text()
        assert str(world.root / "release") in runner
    schema = world.json("daemon", "status")["schemaVersion"]
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait(20)

    world.serve(next_release(world))
    assert world.json("daemon", "status")["schemaVersion"] == schema + 1
    for agent, one in before.items():
        now = world.json("inspect", agent)
        assert (now["agentPid"], now["runnerPid"]) == (one["agentPid"], one["runnerPid"])
        assert now["run"] == 1
    world.sereno("permit", "allow", asking)
    world.sereno("wait", asking)
    assert (world.work / "made").exists()
    assert world.sereno("send", idle, "think hard").stdout == "I have thought about it.\n"
    world.sereno("wait", streaming, limit_s=60)
    assert numbered(world, streaming) == events(1500)
    assert world.json("audit", "verify")["ok"] is True

    ended = world.json("stop", "--end", streaming)
    assert (ended["ended"], ended["remaining"]) == (True, [])
    assert not alive(before[streaming]["runnerPid"])
    os.kill(before[idle]["agentPid"], signal.SIGKILL)
    until(lambda: world.json("inspect", idle)["agentPid"] is None, "its end was noticed")
    assert world.sereno("send", idle, "think again").stdout == "I have thought about it.\n"
    assert world.json("inspect", idle)["run"] == 2
    with sqlite3.connect(world.home.database) as connection:
        moved = connection.execute("SELECT count(*) FROM timeline WHERE later = 'moved'").fetchone()
    connection.close()
    assert moved[0] > 0


def test_this_release_is_among_them() -> None:
    """So that the next one is tested against it."""
    assert (RELEASES / f"runner-{version('sereno')}.zip").exists()


if __name__ == "__main__":
    print(json.dumps(str(freeze())))
