"""The daemon as a program: starts, answers, refuses in words, stops."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ConnectionLost, NoDaemon
from sereno.core.daemon import control
from sereno.core.home import Home, prepare
from sereno.core.protocol.additions import (
    AuditVerify,
    AuditVerifyResult,
    DaemonStatus,
    DaemonStatusResult,
    EndAgent,
    ReadLog,
    ReadLogResult,
)
from sereno.core.protocol.messages import (
    ProvidersSnapshot,
    TimelinePage,
    WaitResult,
)
from sereno.core.protocol.requests import (
    FetchTimeline,
    GetProvidersSnapshot,
    WaitForFinish,
)
from tests.core.daemon.daemon_house import (
    create,
    daemon,
    launched,
    pid_of,
    python,
    raw_connect,
    tidy,
    until,
)
from tests.house.other_disk import run_on_disk


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with tidy(Home(tmp_path / "home")) as made:
        yield made


def test_it_answers_says_who_it_is_and_leaves_nothing_when_it_stops(home: Home) -> None:
    with daemon(home) as process, SyncClient.open(home) as client:
        status = client.request(DaemonStatus(request_id=""))
        assert isinstance(status, DaemonStatusResult)
        assert (status.pid, status.embedded, status.home) == (process.pid, False, str(home.root))
        assert status.memory_kib < 90_000
        assert pid_of(home) == process.pid
        assert stat.S_IMODE(home.socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(home.status.stat().st_mode) == 0o600
        assert stat.S_IMODE(home.daemon_log.stat().st_mode) == 0o600
        snapshot = client.request(GetProvidersSnapshot(request_id=""))
        assert isinstance(snapshot, ProvidersSnapshot)
        assert "demo" in [entry.provider for entry in snapshot.entries]
        log = client.request(ReadLog(request_id="", source="daemon"))
        assert isinstance(log, ReadLogResult)
        assert "started" in log.lines[-1].text
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not home.socket.exists()
    assert not home.status.exists()
    assert not control.status(home).running


def test_an_agent_from_prompt_to_timeline_over_a_restart(home: Home, tmp_path: Path) -> None:
    with daemon(home), SyncClient.open(home) as client:
        agent_id = create(client, tmp_path, "help")
        waited = client.request(WaitForFinish(request_id="", agent_id=agent_id))
        assert isinstance(waited, WaitResult)
        assert waited.status == "idle"
        first = client.request(FetchTimeline(request_id="", agent_id=agent_id, limit=0))
    with daemon(home), SyncClient.open(home) as client:
        again = client.request(FetchTimeline(request_id="", agent_id=agent_id, limit=0))
        assert isinstance(first, TimelinePage)
        assert isinstance(again, TimelinePage)
        assert again.entries == first.entries
        assert again.epoch == first.epoch
        client.request(EndAgent(request_id="", agent_id=agent_id))
        audit = client.request(AuditVerify(request_id=""))
        assert isinstance(audit, AuditVerifyResult)
        assert audit.ok
        assert audit.entries >= 2


def test_it_answers_again_and_again_after_clean_ends(home: Home) -> None:
    """How soon is measured by bench/start.py."""
    for _ in range(3):
        with launched(home):
            until(lambda: _greets(home), "the first answer")


def _greets(home: Home) -> bool:
    try:
        SyncClient.open(home).close()
    except (NoDaemon, ConnectionLost):
        return False
    return True


def test_t35_a_second_daemon_is_refused_and_the_first_does_not_notice(home: Home) -> None:
    with daemon(home) as first:
        with launched(home) as second:
            assert second.wait(10) == 3
            assert second.stderr
            words = second.stderr.read()
        assert f"process {first.pid}" in words
        assert "sereno daemon stop" in words
        assert control.status(home).pid == first.pid
        assert control.status(home).answers


def test_a_killed_daemon_leaves_no_trace_that_hinders_the_next(home: Home) -> None:
    for _ in range(3):
        with daemon(home) as process:
            process.kill()
            process.wait()
        assert home.socket.exists()
        state = control.status(home)
        assert (state.running, state.answers) == (False, False)
    with daemon(home):
        raw_connect(home).close()


def test_a_corrupt_database_is_refused_with_the_way_out_and_left_alone(home: Home) -> None:
    prepare(home)
    home.database.write_bytes(b"SQLite format 3\0" + os.urandom(8192))
    before = home.database.read_bytes()
    with launched(home) as process:
        assert process.wait(10) == 1
        assert process.stderr
        words = process.stderr.read()
    assert "damaged" in words
    assert ".recover" in words
    assert "Traceback" not in words
    assert home.database.read_bytes() == before
    assert not control.status(home).running


def test_a_database_of_a_newer_sereno_is_not_touched(home: Home) -> None:
    prepare(home)
    with sqlite3.connect(home.database) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    with launched(home) as process:
        assert process.wait(10) == 1
        assert process.stderr
        assert "newer" in process.stderr.read()


@pytest.mark.parametrize(
    ("text", "word"),
    [("[daemn]\n", "daemon"), ("[log]\nlevel = 7\n", "level"), ("not toml", "line 1")],
)
def test_a_config_that_is_wrong_is_refused_by_name(home: Home, text: str, word: str) -> None:
    prepare(home)
    home.config.write_text(text)
    with launched(home) as process:
        assert process.wait(10) == 2
        assert process.stderr
        words = process.stderr.read()
    assert word in words
    assert "config.toml" in words
    assert "Traceback" not in words


RUN = """
from sereno.core.daemon.headless import run_headless
from sereno.core.config import Config, DaemonConfig
from sereno.core.home import Home
sys.stderr = sys.stdout
QUIET = Config(daemon=DaemonConfig(listen=()))
"""


@pytest.mark.parametrize("kind", ["read_only", "full"])
def test_a_bad_disk_is_said_in_words(tmp_path: Path, kind: str) -> None:
    assert kind in ("read_only", "full")
    fill = 'fill(root / "ballast")\n' if kind == "full" else ""
    code = RUN + fill + 'print(run_headless(Home(root / "home"), QUIET))'
    said = run_on_disk(tmp_path, kind, code)  # type: ignore[arg-type]
    assert said.strip().endswith("1"), said
    assert ("read-only" if kind == "read_only" else "full") in said
    assert "Traceback" not in said


def test_neither_screen_libraries_nor_other_weights_are_loaded() -> None:
    code = (
        "import sys; import sereno.core.daemon.headless, sereno.core.daemon.launch\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & "
        "{'textual', 'rich', 'click', 'tomlkit', 'pygments', 'markdown_it', 'unittest'}))"
    )
    assert python(code).strip() == "[]"


def test_a_folder_with_modules_of_the_same_names_does_not_get_in_the_way(
    home: Home, tmp_path: Path
) -> None:
    for name in ("core", "sereno", "json", "asyncio", "msgspec"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('shadowed')")
    env = {"PYTHONPATH": str(tmp_path), "SERENO_HOME": str(home.root)}
    code = (
        f"import os; os.chdir({str(tmp_path)!r})\n"
        "from sereno.core.daemon import control\n"
        "from sereno.core.home import find_home\n"
        f"os.environ['PYTHONPATH'] = {str(tmp_path)!r}\n"
        "print(control.start(find_home(os.environ)).pid)"
    )
    said = python(code, env={"SERENO_HOME": env["SERENO_HOME"]})
    assert int(said) == pid_of(home)
    assert os.readlink(f"/proc/{said.strip()}/cwd") == "/"
    assert control.stop(home)


def test_words_for_a_person_on_a_terminal_and_json_for_a_program(home: Home) -> None:
    with daemon(home) as process:
        process.terminate()
        assert process.stderr
        lines = process.stderr.read().splitlines()
    assert all(json.loads(line)["area"] for line in lines)
    controller, terminal = os.openpty()
    from sereno.core.daemon.standby_spawn import daemon_command

    shown = subprocess.Popen(daemon_command(home, "foreground"), stderr=terminal)
    until(lambda: control.status(home).answers, "the daemon")
    shown.terminate()
    shown.wait(10)
    text = os.read(controller, 65_536).decode()
    os.close(controller)
    os.close(terminal)
    assert "info  daemon     started: pid" in text
