"""Completion: the scripts that click makes, and agents from a running daemon only."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon
from tests.tui.cli.scripted import FIRST, SECOND, agent, furnish, request


def complete(home: Path, line: str, shell: str = "bash") -> list[str]:
    words = line.split(" ")
    environment = {
        "SERENO_HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "_SERENO_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from sereno.__main__ import main; main()"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_and_options(home: Path) -> None:
    assert "plain,attach" in complete(home, "sereno at")
    assert "plain,--detach" in complete(home, "sereno run --det")
    assert "plain,demo" in complete(home, "sereno run --provider de")
    assert "plain,answers" in complete(home, "sereno logs --filter an")
    assert list(home.iterdir()) == []


def test_agents_and_requests(daemon: FakeDaemon, home: Path) -> None:
    furnish(
        daemon,
        agent("aaaa1111-0000", pendingPermissions=[request("perm-1-7")]),
        agent("bbbb2222-0000", "\x1b[31mWrite docs"),
    )
    assert complete(home, "sereno attach ") == ["plain,aaaa1111", "plain,bbbb2222"]
    assert complete(home, "sereno attach b") == ["plain,bbbb2222"]
    assert complete(home, "sereno permit allow aaaa1111 ") == ["plain,perm-1-7"]
    fish = complete(home, "sereno attach b", "fish")
    assert "docs" in fish
    assert not any("\x1b" in line for line in fish)


def test_ids_that_begin_alike_are_completed_whole(daemon: FakeDaemon, home: Path) -> None:
    furnish(daemon, agent(FIRST), agent(SECOND))
    assert complete(home, f"sereno attach {FIRST[:9]}") == [f"plain,{FIRST}", f"plain,{SECOND}"]


def test_no_daemon_no_words_no_daemon_started(home: Path) -> None:
    assert complete(home, "sereno attach ") == []
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts(sereno: Run, shell: str) -> None:
    script = sereno("completion", shell).out
    assert f"{shell}_complete" in script
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=script, text=True, check=True, timeout=30)
