"""What a person changes and stops: modes, models, questions, plans, interrupts, the end."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sereno.core.protocol.agents import Mode
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.timeline import ToolCall
from sereno.core.protocol.tools import PlanDetail
from sereno.core.protocol.values import given
from tests.e2e.contract.conftest import Stage
from tests.e2e.contract.scenarios import scenario
from tests.e2e.contract.session import TURN_S, Session
from tests.e2e.harness import alive, until

Script = Callable[..., str]


def hold(name: str) -> dict[str, Any]:
    """A command that lasts, and can be found by its name."""
    return {"kind": "shell", "command": f"python3 -c 'import time; time.sleep(300)' {name}"}


def holding(name: str) -> list[int]:
    """The processes of `hold(name)` that run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            is_it = words[0].endswith(b"python3") and name.encode() in words
            if is_it and alive(int(entry.name)):
                found.append(int(entry.name))
    return found


def begin_holding(session: Session, script: Script) -> str:
    """Lets the agent run a command that lasts. Gives its name, which no other has: tests of other
    programs run beside this one."""
    name = f"held-{uuid.uuid4().hex}"
    session.send(script({"tool": hold(name)}, {"text": "never said"}))
    session.allow(session.asked())
    until(lambda: holding(name), "the command runs", TURN_S)
    return name


@scenario("mode")
def test_mode(stage: Stage, script: Script) -> None:
    talk, program = stage.talk(), stage.program
    snapshot = talk.snapshot()
    modes: dict[str, Mode] = {mode.id: mode for mode in snapshot.available_modes}
    assert snapshot.current_mode_id == program.mode
    assert modes[program.mode].color_tier == "safe"
    talk.set_mode(program.other_mode)
    until(lambda: talk.snapshot().current_mode_id == program.other_mode, "the mode is changed")
    path = stage.world.work / "freely.txt"
    match program.other_mode_shows:
        case "edits":
            tool = {"kind": "write", "path": str(path), "content": "free\n"}
            talk.send(script({"tool": tool}, {"text": "Done."}))
            talk.finish()
            assert path.exists()
        case "commands":
            talk.send(script({"tool": {"kind": "shell", "command": f"touch {path}"}}, {"text": ""}))
            talk.finish()
            assert path.exists()
        case words:
            talk.send(script({"text": "I only plan."}))
            talk.finish()
            assert words in str(stage.models.turns()[-1]["body"])


@scenario("model")
def test_model(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    first, second = stage.program.models
    for wanted in (second, first):
        talk.set_model(wanted)
        until(lambda: wanted in (talk.snapshot().model or ""), f"the model is {wanted}")  # noqa: B023
        talk.send(script({"text": "It is me."}))
        talk.finish()
        assert wanted.rpartition("/")[2] in stage.models.turns()[-1]["model"]


@scenario("question")
def test_question(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    if stage.program.asks_in is not None:
        talk.set_mode(stage.program.asks_in)
    tool = {"kind": "ask", "question": "Which store?", "header": "Store"}
    talk.send(script({"tool": {**tool, "options": ["sqlite", "files"]}}, {"text": "Good."}))
    request = talk.asked()
    assert request.kind == "question"
    (question,) = given(request.input, {})["questions"]
    assert question["question"] == "Which store?"
    assert [option["label"] for option in question["options"]][:2] == ["sqlite", "files"]
    talk.allow(request, updated_input={"answers": {"Which store?": "sqlite"}})
    talk.finish()
    assert talk.said().endswith("Good.")
    output = str(stage.models.turns()[-1]["body"])
    assert output.rfind("sqlite") > output.rfind("Which store?")


@scenario("plan")
def test_plan(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    talk.set_mode("plan")
    talk.send(script(*stage.program.plan_steps))
    done = talk.wait()
    if done.status == "permission":
        request: PermissionRequest = next(iter(talk.open().values()))
        assert request.kind == "plan"
        assert "First look, then write." in str(request)
        talk.allow(request)
        talk.finish()
        assert talk.said().endswith("Off we go.")
    calls = [item for item in talk.items() if isinstance(item, ToolCall)]
    plans = [call.detail for call in calls if isinstance(call.detail, PlanDetail)]
    assert "First look, then write." in plans[-1].text


@scenario("tools")
def test_a_tool_is_taken_away(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    talk.send(script({"text": "I see."}))
    talk.finish()
    offered = stage.models.turns()[-1]["offered"]
    assert len(offered) > 3
    assert stage.program.taken_away not in offered


@scenario("title")
def test_title(stage: Stage) -> None:
    talk = stage.talk()
    until(lambda: "fake title" in (talk.snapshot().title or ""), "it has a title")


@scenario("interrupt_stream")
def test_interrupt_in_an_answer(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    talk.send(script({"text": "word " * 400}, delay_ms=30))
    until(talk.said, "it writes", TURN_S)
    talk.interrupt()
    talk.finish()
    assert "word" in talk.said()
    assert len(talk.said().split()) < 400
    before = talk.snapshot().current_mode_id
    talk.send(script({"text": "Still here."}))
    talk.finish()
    assert talk.said() == "Still here."
    assert talk.snapshot().current_mode_id == before


@scenario("interrupt_tool")
def test_interrupt_in_a_command(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    name = begin_holding(talk, script)
    talk.interrupt()
    talk.finish()
    until(lambda: not holding(name), "the command is gone")
    assert talk.call().status in ("canceled", "failed")
    talk.send(script({"text": "Still here."}))
    talk.finish()
    assert talk.said() == "Still here."


@scenario("interrupt_request")
def test_interrupt_with_an_open_request(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    tool = {"kind": "shell", "command": "touch interrupted"}
    talk.send(script({"tool": tool}, {"text": "never said"}))
    talk.asked()
    talk.interrupt()
    talk.finish()
    assert talk.open() == {}
    assert not (stage.world.work / "interrupted").exists()
    talk.send(script({"text": "Still here."}))
    talk.finish()
    assert talk.said() == "Still here."
