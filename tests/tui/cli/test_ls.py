"""`sereno ls`: what it shows, which project it means, how quickly it loads, and no daemon."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sereno.tui.cli.agents import belongs, project_root
from sereno.tui.cli.listing import ListOptions, parse
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, Message, message
from tests.tui.cli.scripted import AT, FIRST, SECOND, agent, entry, furnish, request

HEAVY = ("asyncio", "anyio", "textual", "rich", "click", "msgspec", "websockets")


def test_the_list(daemon: FakeDaemon, sereno: Run) -> None:
    furnish(
        daemon,
        agent(FIRST, status="running", pendingPermissions=[request()]),
        agent(SECOND, "Write docs", archivedAt=AT),
    )
    result = sereno("ls", "-g")
    head, only = result.out.splitlines()
    assert head.split() == ["ID", "NEEDS", "TITLE", "PROVIDER", "FOLDER", "ACTIVE"]
    assert only.split()[:5] == ["3e1f1d7e", "asks", "Fix", "the", "build"]
    assert "archived" in sereno("ls", "-g", "-a").out
    assert sereno("ls", "-gq").out.split() == [FIRST]
    assert sereno("ls", "-agq").out.split() == [FIRST, SECOND]


def test_no_agents_is_said_beside_the_list(
    daemon: FakeDaemon, sereno: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    furnish(daemon)
    result = sereno("ls")
    assert (result.code, result.out) == (0, "")
    words = 'No agents in this project. `sereno run "…"` starts one; `-a` lists archived ones too.'
    assert result.err == words + "\n"
    assert sereno("ls", "-g", "-a").err == 'No agents. `sereno run "…"` starts one.\n'
    assert sereno("ls", "--json").err == sereno("ls", "-q").err == ""


def test_prompts_that_wait_are_said_in_words(daemon: FakeDaemon, sereno: Run) -> None:
    one = agent(FIRST, status="running")
    one["sereno"]["queue"] = [{"id": "q1", "text": "more", "queuedAt": AT}]
    furnish(daemon, one)
    assert "busy, 1 queued" in sereno("ls", "-g").out


def test_an_agent_that_asks_nothing_is_marked(daemon: FakeDaemon, sereno: Run) -> None:
    modes = [
        {"id": "yolo", "label": "Bypass", "colorTier": "dangerous"},
        {"id": "ask", "label": "Ask", "colorTier": "safe"},
    ]
    furnish(daemon, agent(currentModeId="yolo", availableModes=modes))
    assert " ! asks nothing " in sereno("ls", "-g").out
    assert json.loads(sereno("ls", "-g", "--json").out)[0]["asksNothing"] is True
    furnish(daemon, agent(currentModeId="ask", availableModes=modes))
    assert "asks nothing" not in sereno("ls", "-g").out


def test_json(daemon: FakeDaemon, sereno: Run) -> None:
    furnish(daemon, agent(pendingPermissions=[request()]))
    (value,) = json.loads(sereno("ls", "-g", "--json").out)
    assert value == {
        "id": FIRST,
        "shortId": "3e1f1d7e",
        "title": "Fix the build",
        "provider": "demo",
        "model": "Fix the build",
        "mode": "Fix the build",
        "status": "idle",
        "needs": "asks",
        "cwd": "/srv/app",
        "project": "app",
        "branch": None,
        "labels": {"team": "Fix the build"},
        "requests": ["perm-1-1"],
        "asksNothing": False,
        "queued": 0,
        "lastLine": "Fix the build",
        "lastError": "Fix the build",
        "nextStep": "Fix the build",
        "createdAt": AT,
        "updatedAt": AT,
        "archivedAt": None,
    }


def test_only_this_project_by_default(
    daemon: FakeDaemon, sereno: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    below = here / "below"
    (below / ".git").mkdir(parents=True)
    (here / ".git").mkdir()
    (here / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    furnish(daemon, agent(FIRST, cwd=str(below)), agent(SECOND, cwd=str(tmp_path / "hereafter")))
    monkeypatch.chdir(here)
    result = sereno("ls")
    assert FIRST[:8] in result.out
    assert len(result.out.splitlines()) == 2
    assert result.err == "1 agent in other projects: `sereno ls -g`.\n"
    assert [a["id"] for a in json.loads(sereno("ls", "--json").out)] == [FIRST]


def test_a_vanished_folder(
    daemon: FakeDaemon, sereno: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(daemon, agent())
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = sereno("ls")
    assert result.code == 1
    assert "sereno ls -g" in result.err
    assert sereno("ls", "-g").code == 0


def test_worktrees_belong_to_their_repository(tmp_path: Path) -> None:
    main = tmp_path / "main"
    (main / ".git" / "worktrees" / "fix").mkdir(parents=True)
    (main / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git").mkdir()
    tree = tmp_path / "trees" / "fix"
    (tree / "src").mkdir(parents=True)
    (tree / ".git").write_text(f"gitdir: {main}/.git/worktrees/fix\n")
    assert project_root(str(tree / "src")) == (str(tree), str(main))
    assert project_root(str(main)) == (str(main), str(main))
    in_main = entry(agent(cwd=str(main)))
    in_main["project"]["checkout"] |= {"isGit": True, "mainRepoRoot": str(main)}
    assert belongs(in_main, str(tree / "src"))
    assert not belongs(entry(agent(cwd=str(main))), str(tmp_path / "trees"))


def test_all_pages_are_fetched(daemon: FakeDaemon, sereno: Run) -> None:
    def answer(asked: Message) -> list[Message]:
        cursor = asked["page"].get("cursor")
        one = agent(SECOND if cursor else FIRST)
        page = {"nextCursor": None if cursor else "more", "prevCursor": cursor, "hasMore": False}
        payload = {"requestId": asked["requestId"], "entries": [entry(one)], "pageInfo": page}
        push = message("agent_update", {"kind": "upsert", "agent": agent(text="ls")})
        return [push, message("fetch_agents_response", payload)]

    daemon.answers["fetch_agents_request"] = answer
    assert sereno("ls", "-gq").out.split() == [FIRST, SECOND]


def test_no_daemon(sereno: Run, home: Path) -> None:
    for arguments, printed in ((["ls"], ""), (["ls", "--json"], "[]\n"), (["ls", "-q"], "")):
        result = sereno(*arguments)
        assert (result.code, result.out) == (3, printed)
        assert "sereno daemon start" in result.err
    assert json.loads(sereno("ls", "--json").err)["code"] == "no_daemon"
    assert list(home.iterdir()) == []


def test_a_refusal(daemon: FakeDaemon, sereno: Run) -> None:
    result = sereno("ls", "-g")
    assert result.code == 1
    assert result.err == "sereno: Unknown request schema.\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ls", ListOptions()),
        ("ls -a --json", ListOptions(archived=True, as_json=True)),
        ("--home /x ls -g -q", ListOptions(everywhere=True, quiet=True, home="/x")),
        ("ls --home /x", ListOptions(home="/x")),
        ("ls -ag", None),
        ("ls --help", None),
        ("ls --home", None),
        ("lsx", None),
        ("run ls", None),
        ("", None),
    ],
)
def test_the_quick_way_takes_only_what_is_written_plainly(
    words: str, expected: ListOptions | None
) -> None:
    assert parse(words.split()) == expected


def test_click_declares_the_same_options() -> None:
    from sereno.tui.cli.commands.ls import command
    from sereno.tui.cli.listing import _SWITCHES

    declared = {word for option in command.params for word in option.opts}
    elsewhere = {"--host", "--password-file", "--token-file", "--ca-file"}  # Click's alone.
    assert declared == {*_SWITCHES, "--home", *elsewhere}


def test_ls_loads_nothing_heavy(daemon: FakeDaemon, home: Path) -> None:
    furnish(daemon, agent())
    code = (
        "import sys; sys.argv[1:] = ['ls', '-g']; from sereno.__main__ import main; main(); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert "Fix the build" in done.stdout
    loaded = done.stderr.split()
    assert "sereno.tui.cli.quick" in loaded
    assert [name for name in HEAVY if name in loaded] == []
