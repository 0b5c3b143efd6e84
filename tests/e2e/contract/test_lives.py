"""What survives: the daemon's death, the program's, the runner's, the machine's; and what a
program is started with.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from sereno.core.protocol.values import given
from sereno.core.providers.environment import COMMON, COMMON_PREFIXES
from sereno.core.runners.model import MARKERS
from tests.e2e.contract.conftest import Stage
from tests.e2e.contract.scenarios import scenario
from tests.e2e.contract.session import TURN_S, Session
from tests.e2e.harness import alive, until

Script = Callable[..., str]
SKIPPING = ("dangerous", "skip", "bypass", "yolo", "full-auto", "danger-full-access", "never")


@pytest.fixture
def word() -> str:
    return f"saffron{uuid.uuid4().hex[:8]}"


@pytest.fixture
def session(stage: Stage, script: Script, word: str) -> Session:
    """An agent that was told a word to remember."""
    made = stage.talk()
    made.send(script({"text": f"I keep the word {word}."}))
    made.finish()
    return made


def goes_on(stage: Stage, session: Session, script: Script, word: str, before: str) -> None:
    """The session is the same, and its program remembers what was said."""
    session.send(script({"text": "I remember."}))
    session.finish()
    assert session.said() == "I remember."
    assert session.handle() == before
    assert word in str(stage.models.turns()[-1]["body"])
    told = [item for item in session.items() if word in str(item)]
    # Once in the prompt's script, once in the answer: nothing was told again.
    assert len(told) == 2


@scenario("daemon_dies")
def test_the_daemon_dies_in_a_turn(stage: Stage, script: Script, session: Session) -> None:
    world = stage.world
    program = session.pid()
    tool = {"kind": "shell", "command": "touch outlived"}
    session.send(script({"tool": tool}, {"text": "word " * 30}, delay_ms=20))
    request = session.asked()
    world.kill_daemon()
    assert alive(program)
    world.start()
    assert list(session.open()) == [request.id]
    session.allow(request)
    until(session.said, "it writes", TURN_S)
    world.kill_daemon()
    world.start()
    session.finish()
    assert session.said().split() == ["word"] * 30
    assert [call.status for call in session.calls()] == ["completed"]
    assert (world.work / "outlived").exists()
    assert session.pid() == program


@scenario("program_dies")
def test_the_program_is_killed(stage: Stage, script: Script, session: Session, word: str) -> None:
    before = session.handle()
    os.kill(session.pid(), signal.SIGKILL)
    until(lambda: session.snapshot().status in ("closed", "error"), "its death was noticed")
    goes_on(stage, session, script, word, before)


@scenario("runner_dies")
def test_the_runner_is_killed(stage: Stage, script: Script, session: Session, word: str) -> None:
    before, program = session.handle(), session.pid()
    runner = session.inspect().runner_pid
    assert runner is not None
    os.kill(runner, signal.SIGKILL)
    until(lambda: not alive(program), "the program was ended with it")
    until(lambda: session.snapshot().status in ("closed", "error"), "its death was noticed")
    goes_on(stage, session, script, word, before)


@scenario("machine_dies")
def test_everything_dies(stage: Stage, script: Script, session: Session, word: str) -> None:
    before = session.handle()
    session.send(script({"text": "word " * 400}, delay_ms=30))
    until(session.said, "it writes", TURN_S)
    for _ in range(100):
        left = [pid for pid in stage.world.processes() if alive(pid)]
        if not left:
            break
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    assert not [pid for pid in stage.world.processes() if alive(pid)]
    stage.world.start()
    done = session.wait()
    assert done.status == "error"
    assert session.snapshot().pending_permissions == []
    goes_on(stage, session, script, word, before)


@scenario("no_skip_flag")
def test_c58_no_program_is_told_to_skip_its_permissions(stage: Stage, session: Session) -> None:
    rows = session.inspect().processes
    assert len(rows) >= 2
    for row in rows:
        words = [word for word in row.command.split() if word.startswith("-")]
        assert not [word for word in words if any(one in word for one in SKIPPING)], row.command


@scenario("environment")
def test_t74_programs_get_an_allowlist(stage: Stage, session: Session) -> None:
    assert stage.world.env["MY_SECRET"]
    whole = Path(f"/proc/{session.pid()}/environ").read_bytes().decode()
    names = {line.partition("=")[0] for line in whole.split("\0") if line}
    assert "PATH" in names
    assert "MY_SECRET" not in names
    # The two by which a later daemon finds what a run left behind; they open nothing.
    assert {name for name in names if name.startswith("SERENO_")} == set(MARKERS)
    given_names = set(stage.program.environment(stage.world, stage.models))
    known = COMMON | given_names | {*stage.program.own_variables, *MARKERS}
    assert not {name for name in names - known if not name.startswith(COMMON_PREFIXES)}
    assert given(session.snapshot().last_error, "") == ""
