"""The demo agent as a program: through our driver, over real pipes, honest about what it does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.timeline import Todo, ToolCall
from sereno.core.protocol.tools import EditDetail, PlainTextDetail, ShellDetail, WriteDetail
from sereno.core.providers.effects import (
    Asked,
    Changed,
    Diagnostic,
    Item,
    SessionFailed,
    TurnEnded,
)
from tests.core.providers.rig import Rig, alive, calls, text_of, thoughts_of

MakeRig = Callable[..., Rig]


def log_of(tmp_path: Path, *events: str) -> list[dict[str, Any]]:
    lines = (tmp_path / "demo.log").read_text().splitlines()
    return [entry for line in lines if (entry := json.loads(line))["event"] in events]


async def test_it_looks_around_and_answers_in_markdown(demo: MakeRig) -> None:
    async with demo() as rig:
        ready = await rig.open()
        assert ready.program == "sereno-demo"
        assert [mode.id for mode in ready.modes] == ["ask", "accept-edits", "plan"]
        assert (ready.mode_id, ready.model_id, ready.thinking_option_id) == (
            "ask",
            "demo-1",
            "low",
        )
        effects, end = await rig.turn("What is this about?")
        assert end.outcome == "completed"
        text = text_of(effects)
        assert "It is here to be looked at." in text
        assert "## repo" in text
        assert "| Kind | Number |" in text
        assert "What is this about?" in thoughts_of(effects)
        assert [call.detail.__struct_config__.tag for call in calls(effects).values()] == [
            "search",
            "read",
        ]
        commands = [e.commands for e in rig.effects if isinstance(e, Changed) and e.commands]
        assert commands


async def test_it_asks_before_it_edits(demo: MakeRig, folder: Path, tmp_path: Path) -> None:
    async with demo() as rig:
        await rig.open()
        effects, _ = await rig.turn("edit notes.txt")
        assert (folder / "notes.txt").read_text() == "A line by the demo agent.\n"
        (call,) = calls(effects).values()
        assert isinstance(call.detail, WriteDetail)

        effects, _ = await rig.turn('edit notes.txt replace "line" with "word"')
        assert (folder / "notes.txt").read_text() == "A word by the demo agent.\n"
        (asked,) = [e.request for e in effects if isinstance(e, Asked)]
        assert isinstance(asked.detail, EditDetail)
        assert "-A line by the demo agent.\n+A word by" in str(asked.detail.unified_diff)

        effects, _ = await rig.turn("write notes.txt gone", Deny())
        assert (folder / "notes.txt").read_text() == "A word by the demo agent.\n"
        (call,) = calls(effects).values()
        assert (call.status, call.error) == ("failed", "Not allowed by you.")
        answers = [entry["optionId"] for entry in log_of(tmp_path, "answer")]
        assert answers == ["allow-once", "allow-once", "reject"]


async def test_it_changes_no_file_that_it_would_damage(demo: MakeRig, folder: Path) -> None:
    files = {"large.txt": b"x" * 300_000, "binary": b"\xff\xfe\x00", "dos.txt": b"a\r\nb\r\n"}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    async with demo() as rig:
        await rig.open()
        effects, end = await rig.turn(
            "edit large.txt\nwrite binary x\nedit dos.txt\nedit /\nread no"
        )
        assert end.outcome == "completed"
        text = text_of(effects)
        assert "larger than I change" in text
        assert "no UTF-8 text" in text
        assert text.count("That did not work") == 4
    assert (folder / "large.txt").read_bytes() == files["large.txt"]
    assert (folder / "binary").read_bytes() == files["binary"]
    assert (folder / "dos.txt").read_bytes() == b"a\r\nb\r\nA line by the demo agent.\n"


async def test_it_runs_a_command_and_streams_its_output(demo: MakeRig, folder: Path) -> None:
    async with demo() as rig:
        await rig.open()
        effects, _ = await rig.turn("run echo one; sleep 0.4; echo two; exit 3")
        states = [
            (e.item.status, e.item.detail.output)
            for e in effects
            if isinstance(e, Item)
            and isinstance(e.item, ToolCall)
            and isinstance(e.item.detail, ShellDetail)
        ]
        assert ("running", "one\n") in states
        (call,) = calls(effects).values()
        assert call.detail == ShellDetail(
            command="echo one; sleep 0.4; echo two; exit 3",
            cwd=str(folder),
            output="one\ntwo\n",
            exit_code=3,
        )
        assert (call.status, call.error) == ("failed", "exit code 3")


async def test_allow_for_the_session_is_only_for_the_same_command(demo: MakeRig) -> None:
    async with demo() as rig:
        await rig.open()
        await rig.turn("run true", Allow(selected_action_id="allow-always"))
        effects, _ = await rig.turn("run true\nrun echo other", Deny())
        assert len([e for e in effects if isinstance(e, Asked)]) == 1
        assert [call.status for call in calls(effects).values()] == ["completed", "failed"]


async def test_it_plans(demo: MakeRig) -> None:
    async with demo() as rig:
        await rig.open()
        effects, _ = await rig.turn("plan the garden")
        plans = [
            [item.completed for item in e.item.items]
            for e in effects
            if isinstance(e, Item) and isinstance(e.item, Todo)
        ]
        assert plans == [[index < done for index in range(4)] for done in range(5)]


@pytest.mark.parametrize(
    ("prompt", "code", "words"),
    [
        ("fail", "provider_error", "as it was told to"),
        ("fail the wheel fell off", "provider_error", "the wheel fell off"),
        ("fail rate", "rate_limited", "limits the rate"),
        ("fail auth", "auth_required", "did not accept the credentials"),
    ],
)
async def test_it_fails_when_told_to(demo: MakeRig, prompt: str, code: str, words: str) -> None:
    async with demo() as rig:
        await rig.open()
        _, end = await rig.turn(prompt)
        assert (end.outcome, end.code) == ("failed", code)
        assert words in str(end.error)
        _, end = await rig.turn("think again")
        assert end.outcome == "completed"


async def test_a_crash_is_told_with_its_last_words(demo: MakeRig) -> None:
    async with demo() as rig:
        await rig.open()
        rig.prompt("crash")
        end = await rig.until(TurnEnded)
        assert (end.outcome, end.code) == ("failed", "exited")
        assert "exit code 3" in str(end.error)
        assert "crashed, as it was told to" in str(end.error)
        assert (await rig.until(SessionFailed)).next_step


async def test_garbage_and_halves_do_not_confuse(demo: MakeRig) -> None:
    async with demo() as rig:
        await rig.open()
        effects, end = await rig.turn("garbage 40\nhalf\nshow")
        assert end.outcome == "completed"
        warnings = [e for e in effects if isinstance(e, Diagnostic) and e.level == "warning"]
        assert len(warnings) == 5 + 3  # the first five, then the 8th, 16th, 32nd
        assert "32 such lines" in warnings[-1].text
        assert "\x1b" not in warnings[0].detail
        assert "What I can draw" in text_of(effects)
        rig.prompt("cut")
        end = await rig.until(TurnEnded)
        assert end.outcome == "failed"
        last = [e for e in rig.effects if isinstance(e, Diagnostic)][-1]
        assert "in the middle of a line" in last.text


@pytest.mark.parametrize("kind", ["events", "thoughts", "tools"])
async def test_a_stream_has_each_event_once(demo: MakeRig, kind: str) -> None:
    async with demo() as rig:
        await rig.open()
        effects, _ = await rig.turn(f"stream 3000 {kind} of 40 bytes")
        if kind == "tools":
            details = [call.detail for call in calls(effects).values()]
            lines = [str(d.text) for d in details if isinstance(d, PlainTextDetail)]
            assert len([e for e in effects if isinstance(e, Item)]) == 3000
        else:
            text = text_of(effects) if kind == "events" else thoughts_of(effects)
            lines = text.splitlines(keepends=True)
        assert [int(line.split()[0]) for line in lines] == list(range(1, 3001))
        assert {len(line) for line in lines} == {40}


async def test_a_stream_keeps_its_pace(demo: MakeRig) -> None:
    async with demo() as rig:
        await rig.open()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await rig.turn("stream 50 every 10ms")
        assert 0.49 <= loop.time() - begin < 5


async def test_cancel_kills_the_running_command(demo: MakeRig, folder: Path) -> None:
    async with demo() as rig:
        await rig.open()
        rig.prompt("run echo $$ > pid; sleep 60")
        asked = await rig.until(Asked)
        rig.answer(asked.request.id, Allow())
        async with asyncio.timeout(10):
            while not (folder / "pid").exists() or not (folder / "pid").read_text().strip():
                await asyncio.sleep(0.02)
        rig.take(rig.driver.interrupt())
        assert (await rig.until(TurnEnded)).outcome == "canceled"
        async with asyncio.timeout(5):
            while alive(int((folder / "pid").read_text())):
                await asyncio.sleep(0.02)
        (call,) = calls(rig.effects).values()
        assert call.status == "canceled"


async def test_a_cancel_reaches_every_kind_of_waiting(demo: MakeRig, tmp_path: Path) -> None:
    async with demo() as rig:
        await rig.open()
        for prompt in ("hang", "stream 1000000 every 1ms", "stream 100000000", "wait 60s"):
            rig.prompt(prompt)
            async with asyncio.timeout(10):
                while len(log_of(tmp_path, "prompt")) < rig.prompts_sent():
                    await asyncio.sleep(0.02)
            rig.take(rig.driver.interrupt())
            assert (await rig.until(TurnEnded)).outcome == "canceled", prompt
        rig.prompt("ask May I?")
        await rig.until(Asked)
        rig.take(rig.driver.interrupt())
        assert (await rig.until(TurnEnded)).outcome == "canceled"


async def test_a_denial_that_interrupts(demo: MakeRig) -> None:
    async with demo() as rig:
        await rig.open()
        _, end = await rig.turn("run true\nshow", Deny(interrupt=True))
        assert end.outcome == "canceled"


async def test_modes_decide_what_is_asked(demo: MakeRig, folder: Path) -> None:
    async with demo(mode="accept-edits") as rig:
        assert (await rig.open()).mode_id == "accept-edits"
        effects, _ = await rig.turn("edit a.txt\nrun true")
        titles = [e.request.title for e in effects if isinstance(e, Asked)]
        assert titles == ["Run command"]
        rig.take(rig.driver.set_mode("plan"))
        await rig.until(Changed, lambda change: change.mode_id == "plan")
        _, end = await rig.turn("edit b.txt")
        assert end.outcome == "failed"
        assert not (folder / "b.txt").exists()
        rig.take(rig.driver.set_mode("nothing"))
        refused = await rig.until(Item)
        assert "refused the mode “nothing”" in refused.item.message  # type: ignore[union-attr]


async def test_model_and_thinking_can_be_chosen(demo: MakeRig) -> None:
    async with demo() as rig:
        await rig.open()
        rig.take(rig.driver.set_model("demo-2"))
        assert (await rig.until(Changed, lambda c: bool(c.model_id))).model_id == "demo-2"
        rig.take(rig.driver.set_thinking("high"))
        change = await rig.until(Changed, lambda c: bool(c.thinking_option_id))
        assert change.thinking_option_id == "high"


async def test_a_session_is_loaded_without_telling_it_twice(demo: MakeRig) -> None:
    async with demo() as rig:
        session = (await rig.open()).session_id
        await rig.turn("show\nplan\nrun echo hi")
    async with demo(run=2) as rig:
        ready = await rig.open(session)
        assert (ready.session_id, ready.resumed) == (session, True)
        assert not [e for e in rig.effects if isinstance(e, Item)]
        effects, _ = await rig.turn("think once more")
        assert text_of(rig.effects) == text_of(effects) == "I have thought about it.\n"


async def test_a_lost_session_is_begun_anew_and_said(demo: MakeRig) -> None:
    async with demo() as rig:
        ready = await rig.open("demo-unknown")
        assert not ready.resumed
        assert ready.session_id != "demo-unknown"
        (notice,) = [e for e in rig.effects if isinstance(e, Item)]
        assert "does not remember" in notice.item.message  # type: ignore[union-attr]


async def test_prompts_and_answers_arrive_once_over_restarts(demo: MakeRig, tmp_path: Path) -> None:
    async with demo() as rig:
        rig.always_restart = True
        await rig.open()
        for number in range(3):
            rig.prompt(f"run echo {number}")
            asked = await rig.until(Asked)
            rig.restart_daemon()
            rig.answer(asked.request.id, Allow())
            rig.restart_daemon()
            assert (await rig.until(TurnEnded)).outcome == "completed"
    assert [e["text"] for e in log_of(tmp_path, "prompt")] == [f"run echo {n}" for n in range(3)]
    assert [e["optionId"] for e in log_of(tmp_path, "answer")] == ["allow-once"] * 3
    assert len({e["call"] for e in log_of(tmp_path, "answer")}) == 3


async def test_stderr_floods_and_deafness_do_no_harm(demo: MakeRig) -> None:
    async with demo() as rig:
        await rig.open()
        _, end = await rig.turn("flood 20000\ndeaf")
        assert end.outcome == "completed"


async def test_the_end_of_input_ends_it_and_its_command(demo: MakeRig, folder: Path) -> None:
    async with demo() as rig:
        await rig.open()
        rig.prompt("run echo $$ > pid; sleep 60")
        asked = await rig.until(Asked)
        rig.answer(asked.request.id, Allow())
        async with asyncio.timeout(10):
            while not (folder / "pid").exists() or not (folder / "pid").read_text().strip():
                await asyncio.sleep(0.02)
        assert rig.process.stdin is not None
        rig.process.stdin.close()
        assert await asyncio.wait_for(rig.process.wait(), 5) == 0
        assert not alive(int((folder / "pid").read_text()))


async def test_it_is_small_and_starts_fast(demo: MakeRig) -> None:
    async with demo() as rig:
        await rig.open()
        status = Path(f"/proc/{rig.process.pid}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0])
        assert resident < 30 * 1024, f"{resident} KiB"
        os.kill(rig.process.pid, signal.SIGTERM)
        assert (await rig.until(SessionFailed)).code == "exited"
