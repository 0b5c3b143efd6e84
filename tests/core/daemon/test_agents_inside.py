"""What an agent started is known by the runner above it, and is nobody who may answer (T46)."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.daemon import control
from sereno.core.home import Home
from sereno.core.protocol.additions import EndAgent, ListRequests, ListRequestsResult
from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.requests import PermissionAnswer
from tests.core.daemon.daemon_house import agent, create, daemon, log_of, tidy, until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with tidy(Home(tmp_path / "home")) as made:
        yield made


CHILD = """
import json, os, subprocess, sys
sys.path[:] = json.loads(sys.argv[3])
from pathlib import Path
from sereno.core.client.blocking import SyncClient, RpcError
from sereno.core.home import Home
from sereno.core.protocol.permissions import Allow
from sereno.core.protocol import requests as r
home, victim, request_id = Home(Path(sys.argv[1])), sys.argv[2], sys.argv[4]
def attempt(how):
    with SyncClient.open(home) as client:
        asked = client.request(r.FetchAgent(request_id="", agent_id=victim))
        assert asked.agent.pending_permissions == []
        results = []
        for message in (
            r.PermissionAnswer(agent_id=victim, request_id=request_id, response=Allow()),
            r.SendMessage(request_id="", agent_id=victim, text="do it"),
            r.ShutdownServer(request_id=""),
            r.SetAgentMode(request_id="", agent_id=victim, mode_id="acceptEdits"),
        ):
            try:
                client.request(message)
                results.append("done")
            except RpcError as error:
                results.append(error.code)
    with open(f"out-{how}", "w") as file:
        file.write(" ".join(results))
    os.rename(f"out-{how}", f"tried-{how}")
attempt("child")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        attempt("orphan")
    os._exit(0)
os.wait()
if os.fork() == 0:
    os.environ.clear()
    os.execv(sys.executable, [sys.executable, "-c", "exec(open('again.py').read())", *sys.argv[1:]])
os.wait()
moved = str(home.agents) + "-moved"
os.rename(home.agents, moved)
if os.fork() == 0:
    os.environ.clear()
    code = "exec(open('again.py').read().replace('bare', 'moved'))"
    os.execv(sys.executable, [sys.executable, "-c", code, *sys.argv[1:]])
os.wait()
os.rename(moved, home.agents)
"""
AGAIN = CHILD.split('attempt("child")')[0] + 'attempt("bare")\n'


def test_t46_what_an_agent_starts_cannot_answer_for_the_person(home: Home, tmp_path: Path) -> None:
    """A child of a real agent, its double-forked orphan in a session of its own, and one with an
    empty environment try the socket, also after the runners' folders were moved away; then the
    command line is tried. Nothing is answered."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "child.py").write_text(CHILD)
    (work / "again.py").write_text(AGAIN)
    paths = tmp_path / "paths.json"
    paths.write_text(json.dumps([entry for entry in sys.path if entry]))
    with daemon(home), SyncClient.open(home) as client:
        victim = create(client, work, "run echo dangerous")
        [open_] = until(lambda: agent(client, victim).pending_permissions, "the request")
        script = (
            f'run {sys.executable} child.py {home.root} {victim} "$(cat {paths})" '
            f"{open_.id}; "
            f"SERENO_HOME={home.root} {sys.executable} -m sereno permit allow {victim}; "
            "touch all-tried"
        )
        evil = create(client, work, script)
        until(lambda: agent(client, evil).pending_permissions, "the evil agent's own request")
        asked = agent(client, evil).pending_permissions[0]
        _allow(client, evil, asked.id)
        until(lambda: (work / "all-tried").exists(), "the attempts", 40)
        for how in ("child", "orphan", "bare", "moved"):
            until(lambda how=how: (work / f"tried-{how}").exists(), how)  # type: ignore[misc]
            assert (work / f"tried-{how}").read_text() == " ".join(["forbidden"] * 4), how
        assert len(agent(client, victim).pending_permissions) == 1
        ledger = client.request(ListRequests(request_id="", all=True))
        assert isinstance(ledger, ListRequestsResult)
        states = {entry.agent_id: entry.state for entry in ledger.entries}
        assert states[victim] == "open"
        for agent_id in (victim, evil):
            client.request(EndAgent(request_id="", agent_id=agent_id))
    with sqlite3.connect(home.database) as connection:
        refused = connection.execute(
            "SELECT actor, subject FROM audit WHERE action = 'request.refused'"
        ).fetchall()
    connection.close()
    assert ("agent (cli)", "agent_permission_response") in refused
    assert "connects as an agent" in log_of(home)


STARTER = """
import json, os, sys
sys.path[:] = json.loads(sys.argv[2])
from pathlib import Path
from sereno.core.daemon import control
from sereno.core.home import Home
home = Home(Path(sys.argv[1]))
while control.status(home).running:
    pass
if len(sys.argv) > 3:
    os.environ.pop("SERENO_AGENT_ID")
try:
    words = f"started {control.start(home).pid}"
except control.ControlError as error:
    words = str(error)
with open("words", "w") as file:
    file.write(words)
os.rename("words", "said" + "".join(sys.argv[3:]))
"""


def test_t46_an_agent_does_not_start_the_daemon_of_its_home(home: Home, tmp_path: Path) -> None:
    """Else it would stand above the daemon and above everything that answers it."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "starter.py").write_text(STARTER)
    paths = json.dumps([entry for entry in sys.path if entry])
    (work / "paths.json").write_text(paths)
    call = f'{sys.executable} starter.py {home.root} "$(cat paths.json)"'
    with daemon(home), SyncClient.open(home) as client:
        agent_id = create(client, work, f"run {call}; {call} again")
        asked = until(lambda: agent(client, agent_id).pending_permissions, "its request")[0]
        _allow(client, agent_id, asked.id)
        until(lambda: not agent(client, agent_id).pending_permissions, "the answer")
    for name in ("said", "saidagain"):
        until(lambda name=name: (work / name).exists(), "the attempt", 40)  # type: ignore[misc]
        assert "started by an agent of this very home" in (work / name).read_text()
    assert not control.status(home).running
    with daemon(home), SyncClient.open(home) as client:
        until(lambda: agent(client, agent_id).status == "idle", "its turn's end")
        client.request(EndAgent(request_id="", agent_id=agent_id))


def _allow(client: SyncClient, agent_id: str, request_id: str) -> None:
    client.send(PermissionAnswer(agent_id=agent_id, request_id=request_id, response=Allow()))
