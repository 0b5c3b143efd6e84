"""What the command line says where it says no: whole pages, plain words, and the home by name."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sereno.tui.cli import exits
from sereno.tui.cli.app import COMMANDS
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, Message, message
from tests.tui.cli.scripted import AT, FIRST, agent, furnish, request


@pytest.mark.parametrize("group", ["daemon", "permit", "provider", "device", "token", "service"])
def test_a_group_alone_prints_its_page(group: str, sereno: Run) -> None:
    result = sereno(group)
    assert (result.code, result.out) == (exits.USAGE, "")
    page = result.err.splitlines()
    assert page[0].startswith(f"Usage: sereno {group}")
    assert "Commands:" in page, "not in one line"
    assert group in COMMANDS


def test_the_home_without_a_daemon_is_named(
    sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = f"sereno: no daemon runs for this home, {home}. Start one with"
    for command in (["ls"], ["ls", "-g", "-a"], ["logs", "x"], ["permit", "ls"]):
        result = sereno(*command)
        assert result.code == exits.NO_DAEMON
        assert result.err.startswith(words)
    monkeypatch.delenv("SERENO_HOME")
    monkeypatch.setenv("HOME", str(home))
    assert "this home, ~/.sereno. " in sereno("ls").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("wait", FIRST, "--timeout", "soon"), "'soon' is no number."),
        (("logs", FIRST, "--tail", "x"), "'x' is no whole number."),
    ],
)
def test_numbers_are_asked_for_in_words(sereno: Run, words: tuple[str, ...], said: str) -> None:
    result = sereno(*words)
    assert result.code == exits.USAGE
    assert said in result.err


def test_words_for_the_official_clients_are_left_away(daemon: FakeDaemon, sereno: Run) -> None:
    furnish(daemon, agent())
    daemon.answers["sereno.agent.park.request"] = lambda asked: [
        message(
            "rpc_error",
            {
                "requestId": asked["requestId"],
                "error": "Request failed: It is busy.",
                "code": "handler_error",
            },
        )
    ]
    result = sereno("park", FIRST)
    assert (result.code, result.err) == (exits.FAILED, "sereno: It is busy.\n")


def test_what_is_parked_already_stays_so(daemon: FakeDaemon, sereno: Run) -> None:
    one = agent(status="closed")
    one["sereno"]["parked"] = True
    furnish(daemon, one)
    result = sereno("park", FIRST, "--json")
    assert result.code == exits.OK
    assert json.loads(result.out)["parked"] is True
    assert "sereno.agent.park.request" not in [seen["type"] for seen in daemon.seen]


def entry(number: int, state: str, **more: Any) -> Message:
    asked = {"agentId": FIRST, "request": request(f"perm-{number}"), "askedAt": AT}
    return {**asked, "state": state, **more}


def test_the_ledger_says_what_became_of_each(daemon: FakeDaemon, sereno: Run) -> None:
    furnish(daemon, agent())
    closed = {"answeredAt": "then"}
    entries = [
        entry(1, "open"),
        entry(2, "answered", **closed, answeredBy="Pixel 9", response={"behavior": "allow"}),
        entry(3, "answered", **closed, answeredBy="Pixel 9", response={"behavior": "deny"}),
        entry(4, "withdrawn", **closed, answeredBy="the turn was stopped"),
    ]
    daemon.answers["sereno.requests.list.request"] = lambda asked: [
        message(
            "sereno.requests.list.response",
            {"requestId": asked["requestId"], "entries": entries},
        )
    ]
    parts = sereno("permit", "ls", "-a").out.split("\n\n")
    heads = [part.split("  (")[1].split(")")[0] for part in parts]
    assert heads == [
        f"asked {AT}",
        "allowed then by Pixel 9",
        "denied then by Pixel 9",
        "withdrawn then: the turn was stopped",
    ]
    assert ["--action" in part for part in parts] == [True, False, False, False]


def test_a_full_disk_is_named(sereno: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sys.stdout.write", full)
    result = sereno("completion", "bash")
    assert result.code == exits.FAILED
    assert "could not be written: No space left on device. Make room" in result.err


def test_a_closed_output_is_no_mistake_of_ours(home: Path) -> None:
    program = "import sys; from sereno.tui.cli.entry import main; sys.exit(main(['doctor', '-q']))"
    shell = f'exec {sys.executable} -c "{program}" >&- 2>&- <&-'
    ended = subprocess.run(["sh", "-c", shell], check=False, timeout=60)
    assert ended.returncode == exits.OK
