"""The real program is interrupted, killed, opened again or twice; the daemon restarts: in each case
the driver knows what became of the turn, and the session goes on.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.timeline import ErrorItem
from sereno.core.protocol.tools import ShellDetail
from sereno.core.providers.driver import Prompt
from sereno.core.providers.effects import (
    Asked,
    Item,
    Ready,
    SessionFailed,
    TurnEnded,
    Withdrawn,
)
from tests.core.providers.rig import Rig, alive, calls, text_of, thoughts_of
from tests.e2e.model_server import ModelServer, prompt_with

pytestmark = [pytest.mark.node, pytest.mark.timeout(120)]

MakeRig = Callable[..., Rig]


async def test_an_interrupt_ends_the_running_command_too(
    codex: MakeRig, models: ModelServer, folder: Path
) -> None:
    async with codex(models.url) as rig:
        await rig.open()
        tool = {"kind": "shell", "command": "echo $$ > pid; echo begun; sleep 600"}
        rig.prompt(prompt_with("wait", {"text": "Waiting.", "tool": tool}, {"text": "never"}))
        rig.answer((await rig.until(Asked)).request.id, Allow())
        async with asyncio.timeout(20):
            while not (folder / "pid").exists() or not (folder / "pid").read_text().strip():
                await asyncio.sleep(0.05)
        rig.take(rig.driver.interrupt())
        end = await rig.until(TurnEnded)
        assert (end.outcome, end.error) == ("canceled", None)
        async with asyncio.timeout(20):
            while any("sleep 600" in line for line in _commands(rig.process.pid)):
                await asyncio.sleep(0.05)
        assert {call.status for call in calls(rig.effects).values()} == {"canceled"}
        effects, end = await rig.turn(prompt_with("go on", {"text": "Here."}))
        assert (end.outcome, text_of(effects)) == ("completed", "Here.")


def _commands(root: int) -> list[str]:
    """The command lines of a process and all that it began."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                found.append(file.read().replace(b"\0", b" ").decode())
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as file:
                    waiting += [int(child) for child in file.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


async def test_an_interrupt_voids_open_requests(codex: MakeRig, models: ModelServer) -> None:
    async with codex(models.url) as rig:
        await rig.open()
        tool = {"kind": "shell", "command": "touch a.txt"}
        rig.prompt(prompt_with("make", {"tool": tool}, {"text": "never"}))
        asked = await rig.until(Asked)
        rig.take(rig.driver.interrupt())
        assert (await rig.until(Withdrawn)).request_id == asked.request.id
        assert (await rig.until(TurnEnded)).outcome == "canceled"
        assert len([e for e in rig.effects if isinstance(e, Withdrawn)]) == 1


async def test_an_interrupt_before_the_turn_has_a_name(codex: MakeRig, models: ModelServer) -> None:
    async with codex(models.url) as rig:
        await rig.open()
        slow = prompt_with("slow", {"text": "x" * 4_000}, delay_ms=50)
        rig.take([*rig.driver.prompt(Prompt("p", slow)), *rig.driver.interrupt()])
        assert (await rig.until(TurnEnded, timeout_s=10)).outcome == "canceled"


async def test_an_interrupt_of_a_review(codex: MakeRig, models: ModelServer) -> None:
    async with codex(models.url) as rig:
        await rig.open()
        rig.prompt("/review " + prompt_with("slow", {"text": "x" * 4_000}, delay_ms=50))
        async with asyncio.timeout(20):
            while not models.turns():
                await asyncio.sleep(0.05)
        rig.take(rig.driver.interrupt())
        assert (await rig.until(TurnEnded, timeout_s=10)).outcome == "canceled"


async def test_resume_after_the_program_was_killed(codex: MakeRig, models: ModelServer) -> None:
    async with codex(models.url) as rig:
        ready = await rig.open()
        await rig.turn(prompt_with("one", {"text": "First."}))
        rig.prompt(prompt_with("two", {"text": "x" * 4_000}, delay_ms=50))
        await rig.until(Item)
        rig.process.send_signal(signal.SIGKILL)
        end = await rig.until(TurnEnded)
        assert (end.outcome, end.code) == ("failed", "exited")
        await rig.until(SessionFailed)
        pid = rig.process.pid
    assert not _commands(pid) or not alive(pid)
    async with codex(models.url, run=2) as rig:
        again = await rig.open(ready.session_id)
        assert (again.resumed, again.session_id) == (True, ready.session_id)
        effects, end = await rig.turn(prompt_with("three", {"text": "Third."}))
        assert (end.outcome, text_of(effects)) == ("completed", "Third.")
        assert "First." in str(models.turns()[-1]["body"]["input"])


async def test_a_thread_without_a_turn_is_begun_anew(codex: MakeRig, models: ModelServer) -> None:
    async with codex(models.url) as rig:
        ready = await rig.open()
    async with codex(models.url, run=2) as rig:
        again = await rig.open(ready.session_id)
        assert not again.resumed
        assert again.session_id != ready.session_id
        errors = [
            e.item.message
            for e in rig.effects
            if isinstance(e, Item)
            if isinstance(e.item, ErrorItem)
        ]
        assert ["could not reopen the earlier conversation" in text for text in errors] == [True]


async def test_a_second_writer_is_refused_in_words(codex: MakeRig, models: ModelServer) -> None:
    async with codex(models.url) as rig:
        ready = await rig.open()
        await rig.turn(prompt_with("one", {"text": "First."}))
        async with codex(models.url, run=2) as other:
            other.take(other.driver.start(ready.session_id))
            failed = await other.until(SessionFailed)
            assert "Another Codex has this conversation open" in failed.error
            assert failed.next_step


async def test_every_line_may_be_the_last_before_a_restart(
    codex: MakeRig, models: ModelServer, folder: Path
) -> None:
    async with codex(models.url) as rig:
        rig.always_restart = True
        await rig.open()
        tool = {"kind": "shell", "command": "touch a.txt; seq 1 2000"}
        effects, end = await rig.turn(
            prompt_with(
                "make", {"thinking": "so", "text": "Making.", "tool": tool}, {"text": "OK."}
            )
        )
        assert (end.outcome, text_of(effects), thoughts_of(effects)) == (
            "completed",
            "Making.OK.",
            "so",
        )
        (call,) = calls(effects).values()
        assert isinstance(call.detail, ShellDetail)
        assert str(call.detail.output).splitlines()[-1] == "2000"
        assert isinstance(rig.effects, list)
        assert any(isinstance(effect, Ready) for effect in rig.effects)
