"""The driver against a real agent program of somebody else: OpenCode, with a scripted model."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.tools import EditDetail, ReadDetail, ShellDetail, WriteDetail
from sereno.core.providers.effects import (
    Asked,
    Diagnostic,
    Item,
    Ready,
    SessionFailed,
    TurnEnded,
    Withdrawn,
)
from tests.core.providers.rig import Rig, alive, calls, text_of, thoughts_of
from tests.e2e.model_server import ModelServer, prompt_with

pytestmark = [pytest.mark.node, pytest.mark.timeout(240)]

MakeRig = Callable[..., Rig]


@pytest.fixture
async def models() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


async def test_turns_of_one_session(opencode: MakeRig, models: ModelServer, folder: Path) -> None:
    """One program for all of them: to start it costs more than they do."""
    async with opencode(models.url) as rig:
        ready = await rig.open()
        await text_thinking_shell_and_denial(rig, ready, folder)
        await write_and_edit_show_what_will_change(rig, folder)
        await interrupt_mid_stream_and_mid_tool_and_while_asked(rig, models, folder)
        await errors_of_the_model_in_words(rig)


async def text_thinking_shell_and_denial(rig: Rig, ready: Ready, folder: Path) -> None:
    assert (ready.program, ready.version) == ("OpenCode", "1.18.33")
    assert {mode.id for mode in ready.modes} >= {"build", "plan"}
    assert (ready.mode_id, ready.model_id) == ("build", "fake/fake-1")
    assert not ready.can_explain_denial

    effects, end = await rig.turn(prompt_with("hello", {"thinking": "hm", "text": "Hi, you."}))
    assert (end.outcome, text_of(effects), thoughts_of(effects)) == (
        "completed",
        "Hi, you.",
        "hm",
    )
    assert end.usage is not None
    assert end.usage.context_window_max_tokens == 200_000

    shell = {"kind": "shell", "command": "touch a.txt; echo made"}
    effects, end = await rig.turn(
        prompt_with("make", {"text": "Making.", "tool": shell}, {"text": "Done."})
    )
    assert end.outcome == "completed"
    assert text_of(effects) == "Making.Done."
    (call,) = calls(effects).values()
    assert (call.name, call.status) == ("bash", "completed")
    assert call.detail == ShellDetail(
        command="touch a.txt; echo made", cwd=str(folder), output="made\n", exit_code=0
    )
    assert (folder / "a.txt").exists()
    (asked,) = [e for e in effects if isinstance(e, Asked)]
    assert asked.request.title == "Run command"
    assert isinstance(asked.request.detail, ShellDetail)
    assert asked.request.detail.command == "touch a.txt; echo made"

    shell = {"kind": "shell", "command": "touch b.txt"}
    effects, end = await rig.turn(
        prompt_with("again", {"tool": shell}, {"text": "never"}), Deny(message="not that file")
    )
    (call,) = calls(effects).values()
    assert call.status == "failed"
    assert "Not allowed by you" in call.error
    assert not (folder / "b.txt").exists()
    assert any(isinstance(e, Diagnostic) and "reason" in e.text for e in effects)


async def write_and_edit_show_what_will_change(rig: Rig, folder: Path) -> None:
    path = str(folder / "w.txt")
    write = {"kind": "write", "path": path, "content": "one\ntwo\n"}
    effects, end = await rig.turn(prompt_with("w", {"tool": write}, {"text": "ok"}))
    assert end.outcome == "completed"
    assert (folder / "w.txt").read_text() == "one\ntwo\n"
    (asked,) = [e for e in effects if isinstance(e, Asked)]
    assert asked.request.detail == WriteDetail(file_path=path, content="one\ntwo\n")
    (call,) = calls(effects).values()
    assert call.detail == WriteDetail(file_path=path, content="one\ntwo\n")

    read = {"kind": "read", "path": path}
    edit = {"kind": "edit", "path": path, "old": "two", "new": "2"}
    effects, end = await rig.turn(prompt_with("e", {"tool": read}, {"tool": edit}, {"text": "ok"}))
    assert (folder / "w.txt").read_text() == "one\n2\n"
    reading, editing = calls(effects).values()
    assert isinstance(reading.detail, ReadDetail)
    assert reading.detail.file_path == path
    assert isinstance(editing.detail, EditDetail)
    assert "-two\n+2\n" in str(editing.detail.unified_diff)


async def interrupt_mid_stream_and_mid_tool_and_while_asked(
    rig: Rig, models: ModelServer, folder: Path
) -> None:
    begin = len(rig.effects)
    rig.prompt(prompt_with("slow", {"text": "x" * 2_000}, delay_ms=50))
    await rig.until(Item)
    rig.take(rig.driver.interrupt())
    end = await rig.until(TurnEnded)
    assert (end.outcome, end.error) == ("canceled", None)
    assert 0 < len(text_of(rig.effects[begin:])) < 2_000
    async with asyncio.timeout(10):
        while not any(entry["event"] == "aborted" for entry in models.log):
            await asyncio.sleep(0.05)

    begin = len(rig.effects)
    shell = {"kind": "shell", "command": "echo $$ > pid; sleep 60"}
    rig.prompt(prompt_with("sleep", {"tool": shell}))
    asked = await rig.until(Asked)
    rig.answer(asked.request.id, Allow())
    async with asyncio.timeout(20):
        while not (folder / "pid").exists() or not (folder / "pid").read_text().strip():
            await asyncio.sleep(0.05)
    rig.take(rig.driver.interrupt())
    assert (await rig.until(TurnEnded)).outcome == "canceled"
    pid = int((folder / "pid").read_text())
    async with asyncio.timeout(10):
        while alive(pid):
            await asyncio.sleep(0.05)
    (call,) = calls(rig.effects[begin:]).values()
    assert call.status == "canceled"

    shell = {"kind": "shell", "command": "touch never.txt"}
    rig.prompt(prompt_with("ask", {"tool": shell}))
    asked = await rig.until(Asked)
    rig.take(rig.driver.interrupt())
    withdrawn = await rig.until(Withdrawn)
    assert withdrawn.request_id == asked.request.id
    assert (await rig.until(TurnEnded)).outcome == "canceled"
    assert not (folder / "never.txt").exists()
    effects, end = await rig.turn(prompt_with("still there?", {"text": "Yes."}))
    assert (end.outcome, text_of(effects)) == ("completed", "Yes.")


async def test_mode_and_model_before_the_first_prompt_and_resume_after_a_kill_without_doubling(
    opencode: MakeRig, models: ModelServer
) -> None:
    async with opencode(models.url, mode="plan", model="fake/fake-2") as rig:
        ready = await rig.open()
        assert (ready.mode_id, ready.model_id) == ("plan", "fake/fake-2")
        await rig.turn(prompt_with("first", {"text": "One."}))
        rig.prompt(prompt_with("slow", {"text": "y" * 2_000}, delay_ms=50))
        await rig.until(Item)
        os.killpg(rig.process.pid, signal.SIGKILL)
        end = await rig.until(TurnEnded)
        assert (end.outcome, end.code) == ("failed", "exited")
        assert "signal 9 (KILL)" in str(end.error)
        assert (await rig.until(SessionFailed)).code == "exited"

    async with opencode(models.url, run=2) as rig:
        again = await rig.open(ready.session_id)
        assert again.resumed
        assert again.session_id == ready.session_id
        _, end = await rig.turn(prompt_with("second", {"text": "Two."}))
        assert (end.outcome, text_of(rig.effects)) == ("completed", "Two.")


async def test_restart_of_the_daemon_at_every_read(
    opencode: MakeRig, models: ModelServer, folder: Path
) -> None:
    async with opencode(models.url) as rig:
        rig.always_restart = True
        await rig.open()
        shell = {"kind": "shell", "command": "touch a.txt"}
        effects, end = await rig.turn(
            prompt_with("go", {"text": "Now.", "tool": shell}, {"text": "Done."})
        )
        assert (end.outcome, text_of(effects)) == ("completed", "Now.Done.")
        assert (folder / "a.txt").exists()
        (call,) = calls(effects).values()
        assert call.status == "completed"


async def errors_of_the_model_in_words(rig: Rig) -> None:
    for kind, code in (("400", "provider_error"), ("401", "auth_required")):
        script = prompt_with("err", {"text": "x"}, id=kind, error={"kind": kind})
        _, end = await rig.turn(script)
        assert (end.outcome, end.code) == ("failed", code), end
        assert f"scripted failure {kind}" in str(end.error)
        assert "Internal error" not in str(end.error)
    effects, end = await rig.turn(
        prompt_with("once", {"text": "ok"}, id="o", error={"kind": "500", "times": 1})
    )
    assert (end.outcome, text_of(effects)) == ("completed", "ok")


async def test_a_mode_that_there_is_not(opencode: MakeRig, models: ModelServer) -> None:
    async with opencode(models.url, mode="nonsense") as rig:
        rig.take(rig.driver.start(None))
        failed = await rig.until(SessionFailed)
        assert failed.code == "mode_refused"
        assert "nonsense" in failed.error
        assert not [e for e in rig.effects if isinstance(e, Ready)]
