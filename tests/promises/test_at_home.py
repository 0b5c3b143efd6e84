"""A daemon at work that calls nobody, and runs agents as the person, with nothing of their keys."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.daemon import control
from sereno.core.daemon.standby_spawn import daemon_command
from sereno.core.home import Home
from sereno.core.protocol.messages import AgentCreated, TimelinePage, WaitResult
from sereno.core.protocol.requests import AgentConfig, CreateAgent, FetchTimeline, WaitForFinish
from tests.core.daemon.daemon_house import log_of, tidy, until

pytestmark = pytest.mark.linux

KEY = "sk-sentinel-7f3a91c2e5"
"""Stands where a provider's key would be: in the environment, and in a program's own file."""

WATCHED = textwrap.dedent("""
    import os, runpy, socket, sys
    said = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    def hook(event, arguments):
        asks = event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            asks = arguments[0].family != socket.AF_UNIX
        if asks or event == "socket.bind":
            text = ascii((event, arguments[1:] if event.startswith("socket.b") else arguments))
            os.write(said, (text + chr(10)).encode())
    sys.addaudithook(hook)
    sys.argv[0] = sys.argv[1]
    runpy.run_path(sys.argv.pop(1), run_name="__main__")
""")
"""Runs a program and writes down each time that it looks a name up, or sends beyond this machine's
unix sockets. That the hook sees what it should is seen by the addresses that are bound."""


@dataclass
class Day:
    """What is left of a daemon that started, let an agent work, and was stopped."""

    home: Home
    calls: list[str]
    binds: list[str]
    timeline: str
    uid: list[str]
    agent_home: str
    """Of the agent's program, while it ran: real, effective, saved and file uid; its HOME."""
    environment: str


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("day")
    person = folder / "person"
    (person / ".claude").mkdir(parents=True)
    (person / ".claude/.credentials.json").write_text(json.dumps({"key": KEY}))
    said = folder / "said"
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(person),
        "LANG": "C.UTF-8",
        "ANTHROPIC_API_KEY": KEY,
        "OPENAI_API_KEY": KEY,
        "SERENO_LISTEN": "127.0.0.1:0",
    }
    with tidy(Home(folder / "home")) as home:
        python, flag, *rest = daemon_command(home, "foreground")
        process = subprocess.Popen(
            [python, flag, "-c", WATCHED, str(said), *rest],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        try:
            until(lambda: process.poll() is not None or control.status(home).answers, "the daemon")
            assert process.poll() is None, process.stderr and process.stderr.read()
            found = _worked(home, folder, said)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.communicate()
        yield found


def _worked(home: Home, folder: Path, said: Path) -> Day:
    """One turn of the demo agent, with a look at its program."""
    with SyncClient.open(home) as client:
        config = AgentConfig(provider="demo", cwd=str(folder))
        made = client.request(CreateAgent(request_id="", config=config, initial_prompt="help"))
        assert isinstance(made, AgentCreated), made
        waited = client.request(WaitForFinish(request_id="", agent_id=made.agent_id))
        assert isinstance(waited, WaitResult)
        assert waited.status == "idle", waited
        page = client.request(FetchTimeline(request_id="", agent_id=made.agent_id, limit=0))
        assert isinstance(page, TimelinePage)
        assert len(page.entries) >= 2
    [record] = home.agents.glob("*/*/runner.json")
    child = json.loads(record.read_bytes())["child"]["pid"]
    status = Path(f"/proc/{child}/status").read_text()
    environ = Path(f"/proc/{child}/environ").read_bytes().decode()
    lines = said.read_text().splitlines()
    return Day(
        home=home,
        calls=[line for line in lines if not line.startswith("('socket.bind'")],
        binds=[line for line in lines if line.startswith("('socket.bind'")],
        timeline=repr(page),
        uid=next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")),
        agent_home=next(e[5:] for e in environ.split("\0") if e.startswith("HOME=")),
        environment=environ,
    )


def test_c02_c03_a_daemon_at_work_calls_nobody(day: Day) -> None:
    assert any("127.0.0.1" in line for line in day.binds), "the hook saw nothing"
    assert [line for line in day.calls if not _only_names_an_address(line)] == []


def _only_names_an_address(line: str) -> bool:
    """Reading an address that is written as one asks nobody."""
    return line.startswith(
        ("('socket.getaddrinfo', ('127.0.0.1', ", "('socket.getaddrinfo', (b'127.0.0.1', ")
    )


def test_c02_a_call_would_be_seen(tmp_path: Path) -> None:
    program = tmp_path / "caller.py"
    program.write_text(
        "import socket\n"
        "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n"
        "    s.connect(('127.0.0.1', 9))\n"
    )
    said = tmp_path / "said"
    subprocess.run([sys.executable, "-I", "-c", WATCHED, said, program], check=True, timeout=20)
    assert "('127.0.0.1', 9)" in said.read_text()


def test_c08_an_agent_runs_as_the_person_with_their_home(day: Day) -> None:
    assert day.uid == [str(os.getuid())] * 4
    assert day.agent_home == str(day.home.root.parent / "person")


def test_c09_t74_the_key_of_a_provider_is_nowhere_in_what_sereno_keeps_or_says(day: Day) -> None:
    files = [path for path in day.home.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert {"sereno.db", "daemon.log"} <= {path.name for path in files}
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in day.timeline
    assert KEY not in day.environment, "the demo agent has no business with it"
    assert KEY not in log_of(day.home)
