"""What people and disks do wrong: each gets a cause and a next step, and nothing is lost."""

from __future__ import annotations

import json
import os
import sqlite3

import pytest

from sereno.tui.cli import exits
from tests.e2e.harness import World, alive, terminal, until

STARTS = (["daemon", "start"], ["run", "hi"], ["--no-ui"])


@pytest.mark.parametrize("arguments", STARTS, ids=lambda words: " ".join(words))
def test_a_corrupt_database_is_refused_and_kept(world: World, arguments: list[str]) -> None:
    damaged = b"not a database at all" * 100
    world.home.database.write_bytes(damaged)
    done = world.sereno(*arguments, code=exits.FAILED)
    assert "sereno.db is damaged" in done.stderr
    assert "Restore a copy" in done.stderr
    assert "Traceback" not in done.stderr
    assert world.home.database.read_bytes() == damaged
    world.sereno("ls", code=exits.NO_DAEMON)


def test_a_damaged_page_is_refused(world: World) -> None:
    """Damage in the middle, as a failing disk makes it; the way out that is named works."""
    world.start()
    agent = world.run("stream 2000 tools")
    world.sereno("wait", agent)
    world.sereno("stop", "--end", agent)
    world.sereno("daemon", "stop")
    whole = world.home.database.read_bytes()
    half = len(whole) // 2 // 4096 * 4096
    world.home.database.write_bytes(whole[:half] + b"\xff" * 8192 + whole[half + 8192 :])
    done = world.sereno("daemon", "start", code=exits.FAILED)
    assert "is damaged" in done.stderr
    for name in ("sereno.db", "sereno.db-wal", "sereno.db-shm"):
        if (path := world.home.root / name).exists():
            path.rename(world.root / name)
    world.start()
    assert world.json("ls", "-a", "-g") == []


def test_a_database_of_a_newer_release_is_refused(world: World) -> None:
    world.start()
    world.sereno("daemon", "stop")
    with sqlite3.connect(world.home.database) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    done = world.sereno("daemon", "start", code=exits.FAILED)
    assert "newer Sereno" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[daemon]\nlisten_on = 3\n", "Did you mean `daemon.listen`?"),
        ("[daemon\n", "this is not valid TOML"),
        ('[log]\nlevel = "loud"\n', "loud"),
        ("[providers.x]\ncomand = ['a']\n", "Did you mean `providers.x.command`?"),
    ],
)
def test_a_corrupt_config_names_file_and_line(world: World, text: str, words: str) -> None:
    world.home.config.write_text(text)
    for arguments in (["daemon", "start"], ["--no-ui"]):
        done = world.sereno(*arguments, code=None)
        assert done.returncode in (exits.FAILED, exits.USAGE)
        assert words in done.stderr
        assert f"{world.home.config}, line " in done.stderr
    checks = {check["id"]: check for check in world.json("doctor", code=1)["checks"]}
    assert checks["config"]["status"] == "error"
    assert world.home.config.read_text() == text


@pytest.mark.tmux
def test_the_screen_says_it_too(world: World) -> None:
    world.home.database.write_bytes(b"not a database at all" * 100)
    with terminal(world) as window:
        window.shows("damaged")
    world.home.database.unlink()
    world.home.config.write_text("[daemon]\nlisten_on = 3\n")
    done = world.sereno("daemon", "start", code=None)
    assert "daemon.listen_on" in done.stderr


def test_t35_a_second_daemon_names_the_first(world: World) -> None:
    daemon = world.serve()
    done = world.sereno("--no-ui", code=exits.NO_DAEMON)
    assert f"process {daemon.pid}" in done.stderr
    assert "sereno daemon stop" in done.stderr
    started = world.json("daemon", "start")
    assert (started["pid"], started["started"]) == (daemon.pid, False)
    assert world.json("daemon", "status")["pid"] == daemon.pid


def test_a_vanished_folder_keeps_the_prompt(world: World) -> None:
    world.start()
    place = world.work / "place"
    place.mkdir()
    agent = world.run("show", "--cwd", str(place))
    world.sereno("wait", agent)
    world.sereno("stop", "--end", agent)
    place.rmdir()
    done = world.sereno("send", agent, "think one", code=exits.AGENT_FAILED)
    assert "does not exist any more" in done.stderr
    assert "Make it again" in done.stderr
    assert [p["text"] for p in world.json("inspect", agent)["queue"]] == ["think one"]
    place.mkdir()
    assert "thought about it" in world.sereno("send", agent, "think two").stdout
    assert [one["text"] for one in world.told("prompt")] == ["show", "think one", "think two"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/nonexistent/agent"], "was not found"),
        (["/bin/false"], "ended with exit code 1"),
        (["/bin/cat"], "could not open a session"),
        (["/etc/hostname"], "etc/hostname"),
    ],
)
def test_a_command_that_is_no_agent(world: World, command: list[str], words: str) -> None:
    """The reason is there at once, with what the person can do about it."""
    world.configure(f"[providers.odd]\ncommand = {json.dumps(command)}\n")
    world.start()
    done = world.sereno("run", "--provider", "odd", "hi", code=exits.AGENT_FAILED)
    assert words in done.stderr
    listed = world.json("ls")[0]
    assert (listed["status"], listed["provider"]) == ("error", "odd")
    assert listed["nextStep"]


def test_an_agent_that_floods_can_be_stopped(world: World) -> None:
    world.configure("[providers.odd]\ncommand = ['/usr/bin/yes']\n")
    world.start()
    agent = str(world.json("run", "-d", "--provider", "odd", "hi")["id"])
    pid = until(lambda: world.json("inspect", agent)["agentPid"], "it runs")
    with world.client():
        assert alive(pid)
    ended = world.json("stop", "--end", agent)
    assert (ended["ended"], ended["remaining"]) == (True, [])
    assert not alive(pid)


def test_a_home_of_somebody_else_or_no_folder(world: World) -> None:
    blocked = world.root / "file"
    blocked.write_text("not a folder")
    for home in (blocked, blocked / "below"):
        done = world.sereno("--home", str(home), "daemon", "start", code=None)
        assert done.returncode in (exits.FAILED, exits.USAGE)
        assert str(blocked) in done.stderr
        assert "Traceback" not in done.stderr
    assert blocked.read_text() == "not a folder"


def test_c48_t20_an_umask_that_opens_everything(world: World) -> None:
    before = os.umask(0)
    try:
        world.start()
        agent = world.run("show")
    finally:
        os.umask(before)
    world.sereno("wait", agent)
    wide = [
        str(path)
        for path in (world.home.root, *world.home.root.rglob("*"))
        if path.lstat().st_mode & 0o077 and not path.is_symlink()
    ]
    assert wide == []
