"""What the demo agent's turns do, act by act: read, edit, write, run, plan, ask, and so on.

Generators over a `Stage`. The acts for tests are in load.py, the look around in looking.py.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from sereno.core.providers.demo import load, looking
from sereno.core.providers.demo.language import (
    HELP,
    Act,
    Edit,
    Look,
    Simple,
    Stream,
    Write,
    duration,
)
from sereno.core.providers.demo.loop import Sleeping, Turning
from sereno.core.providers.demo.shell import run_command
from sereno.core.providers.demo.stage import Denied, Stage, TurnFailed, text_content

__all__ = ["perform"]

Acting = Generator[Turning, Any, None]

_MISBEHAVIOUR = frozenset({"fail", "crash", "garbage", "half", "cut", "flood", "hostile"})


def perform(stage: Stage, act: Act) -> Acting:
    """One act; a denial is answered in words and ends only this act."""
    try:
        yield from _perform(stage, act)
    except Denied:
        yield from stage.say("You did not allow it, so I left everything as it is.\n")
    except OSError as error:
        reason = error.strerror or str(error)
        yield from stage.say(f"That did not work: {reason} (`{error.filename or stage.cwd}`).\n")


def _perform(stage: Stage, act: Act) -> Acting:
    match act:
        case Stream():
            yield from load.stream(stage, act)
        case Edit():
            yield from _edit(stage, act)
        case Write():
            old = looking.read_whole(stage.path(act.path))
            yield from _change(stage, act.path, old, act.text)
        case Look(prompt):
            yield from looking.look(stage, prompt)
        case Simple(verb, _) if verb in _MISBEHAVIOUR:
            yield from load.misbehave(stage, act)
        case Simple(verb, argument):
            yield from _simple(stage, verb, argument)


def _simple(stage: Stage, verb: str, argument: str) -> Acting:
    match verb:
        case "help":
            yield from stage.say(HELP)
        case "show":
            yield from stage.say(looking.SHOW)
        case "read":
            yield from _read(stage, argument)
        case "run":
            yield from _run(stage, argument)
        case "find":
            yield from looking.find(stage, argument)
        case "plan":
            yield from _plan(stage, argument)
        case "ask":
            yield from _ask(stage, argument)
        case "think":
            yield from stage.think(argument + "\n")
            yield from stage.say("I have thought about it.\n")
        case "wait":
            yield Sleeping(time.monotonic() + (duration(argument) or 0.0))
            yield from stage.say("I waited.\n")
        case "hang" | "deaf":  # the agent has closed its ears already; here only time passes
            yield Sleeping(time.monotonic() + (3.0 if verb == "deaf" else 1e9))
            yield from stage.say("I am deaf now.\n")
        case _:
            raise TurnFailed(f"the demo agent does not know {verb!r}")


def _read(stage: Stage, name: str) -> Acting:
    path = stage.path(name)
    call = stage.tool(
        f"Read {name}", "read", rawInput={"path": str(path)}, locations=[{"path": str(path)}]
    )
    try:
        text = looking.read_text(path)
    except OSError as error:
        stage.tool_update(call, "failed", content=text_content(error.strerror or str(error)))
        raise
    stage.tool_update(call, "completed", content=text_content(text))
    lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    yield from stage.say(f"`{name}` has **{lines}** lines and {len(text)} characters.\n")


def _edit(stage: Stage, act: Edit) -> Acting:
    old = looking.read_whole(stage.path(act.path))
    if act.old is None:
        text = old or ""
        new = text + ("" if text.endswith("\n") or not text else "\n") + act.new + "\n"
    elif old is None or act.old not in old:
        yield from stage.say(f"I find no `{act.old}` in `{act.path}`, so there is nothing to do.\n")
        return
    else:
        new = old.replace(act.old, act.new, 1)
    yield from _change(stage, act.path, old, new)


def _change(stage: Stage, name: str, old: str | None, new: str) -> Acting:
    path = stage.path(name)
    _refuse_in_plan_mode(stage)
    diff: dict[str, Any] = {
        "content": [{"type": "diff", "path": str(path), "oldText": old, "newText": new}],
        "locations": [{"path": str(path)}],
    }
    verb = "Write" if old is None else "Edit"
    call = stage.tool(f"{verb} {name}", "edit", rawInput={"path": str(path)}, **diff)
    if stage.mode != "accept-edits":
        yield from stage.permit(call, f"{verb} {name}", "edit", f"edit {path}", **diff)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(new.encode())  # not write_text(): line ends stay as they are
    stage.log.write("wrote", path=str(path))
    stage.tool_update(call, "completed", **diff)
    yield from stage.say(f"Done: `{name}` is {'new' if old is None else 'changed'}.\n")


def _run(stage: Stage, command: str) -> Acting:
    _refuse_in_plan_mode(stage)
    raw = {"command": command, "cwd": str(stage.cwd)}
    call = stage.tool(command, "execute", rawInput=raw)
    yield from stage.permit(call, command, "execute", f"run {command}", rawInput=raw)
    stage.log.write("ran", command=command)
    output, code = yield from run_command(
        command,
        stage.cwd,
        lambda text: stage.tool_update(call, "in_progress", content=text_content(text)),
    )
    stage.tool_update(
        call,
        "completed" if code == 0 else "failed",
        content=text_content(output),
        rawOutput={"output": output, "exitCode": code},
    )
    words = "ended well" if code == 0 else f"ended with exit code **{code}**"
    yield from stage.say(f"The command {words}.\n")


def _plan(stage: Stage, goal: str) -> Acting:
    steps = [
        f"Understand {goal or 'what is wanted'}",
        "Look at the files",
        "Make the change",
        "Test",
    ]
    yield from stage.say(f"I make a plan with {len(steps)} steps and follow it.\n")
    for done in range(len(steps) + 1):
        entries = [
            {
                "content": step,
                "priority": "medium",
                "status": "completed"
                if index < done
                else ("in_progress" if index == done else "pending"),
            }
            for index, step in enumerate(steps)
        ]
        stage.update({"sessionUpdate": "plan", "entries": entries})
        yield Sleeping(time.monotonic() + 10 * stage.pace_s)
    yield from stage.say("The plan is done.\n")


def _ask(stage: Stage, question: str) -> Acting:
    call = stage.tool(question, "other", rawInput={"question": question})
    yield from stage.permit(
        call, question, "other", f"ask {question}", rawInput={"question": question}
    )
    stage.tool_update(call, "completed", content=text_content("Allowed; nothing was done with it."))
    yield from stage.say("Thank you. I only wanted to ask.\n")


def _refuse_in_plan_mode(stage: Stage) -> None:
    if stage.mode == "plan":
        raise TurnFailed("The demo agent is in plan mode: it changes nothing and runs nothing")
