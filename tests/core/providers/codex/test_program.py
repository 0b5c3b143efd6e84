"""The driver against the real program: Codex's app-server, with a scripted model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.timeline import Compaction, ErrorItem
from sereno.core.protocol.tools import PlanDetail, ShellDetail, SubAgentDetail, WriteDetail
from sereno.core.providers.driver import Prompt
from sereno.core.providers.effects import (
    Asked,
    Changed,
    Effect,
    Item,
    TurnEnded,
)
from tests.core.providers.rig import Rig, calls, text_of, thoughts_of
from tests.e2e.model_server import ModelServer, prompt_with

pytestmark = [pytest.mark.node, pytest.mark.timeout(120)]

MakeRig = Callable[..., Rig]


def asked_in(effects: list[Effect]) -> list[Asked]:
    return [effect for effect in effects if isinstance(effect, Asked)]


async def test_text_thinking_shell_and_patch(
    codex: MakeRig, models: ModelServer, folder: Path
) -> None:
    async with codex(models.url) as rig:
        ready = await rig.open()
        assert (ready.program, ready.version) == ("codex", "0.169.0")
        assert (ready.mode_id, ready.model_id) == ("auto", "gpt-5.5")
        assert [model.id for model in ready.models if model.is_default is True]
        assert ready.can_explain_denial

        effects, end = await rig.turn(prompt_with("hello", {"thinking": "hm", "text": "Hi, you."}))
        assert (end.outcome, text_of(effects), thoughts_of(effects)) == (
            "completed",
            "Hi, you.",
            "hm",
        )
        assert end.usage is not None
        assert (end.usage.input_tokens, end.usage.output_tokens) == (10, 12)
        assert end.usage.context_window_max_tokens == 258_400

        shell = {"kind": "shell", "command": "touch a.txt; echo made"}
        write = {"kind": "write", "path": "b.txt", "content": "hello\n"}
        effects, end = await rig.turn(
            prompt_with("make", {"text": "Making.", "tools": [shell, write]}, {"text": "Done."})
        )
        assert (end.outcome, text_of(effects)) == ("completed", "Making.Done.")
        one, other = calls(effects).values()
        assert (one.name, one.status) == ("shell", "completed")
        assert one.detail == ShellDetail(
            command="touch a.txt; echo made", cwd=str(folder), output="made\n", exit_code=0
        )
        assert (other.name, other.status) == ("write", "completed")
        assert other.detail == WriteDetail(file_path=str(folder / "b.txt"), content="hello\n")
        assert (folder / "b.txt").read_text() == "hello\n"
        details = [asked.request.detail for asked in asked_in(effects)]
        assert WriteDetail(file_path=str(folder / "b.txt"), content="hello\n") in details


async def test_the_words_of_a_denial_reach_the_agent(
    codex: MakeRig, models: ModelServer, folder: Path
) -> None:
    async with codex(models.url) as rig:
        await rig.open()
        shell = {"kind": "shell", "command": "touch z.txt"}
        script = prompt_with("make", {"text": "Making.", "tool": shell}, {"text": "Understood."})
        effects, end = await rig.turn(script, Deny(message="call it y.txt"))
        assert (end.outcome, text_of(effects)) == ("completed", "Making.Understood.")
        (call,) = calls(effects).values()
        assert (call.status, call.error) == ("failed", "Not allowed by you.")
        assert not (folder / "z.txt").exists()
        told = str(models.turns()[-1]["body"]["input"])
        assert "I did not allow `touch z.txt`: call it y.txt" in told


async def test_two_requests_are_open_at_once_and_answered_in_any_order(
    codex: MakeRig, models: ModelServer, folder: Path
) -> None:
    async with codex(models.url) as rig:
        await rig.open()
        tools = [{"kind": "shell", "command": f"touch {name}.txt"} for name in "ab"]
        rig.prompt(prompt_with("make", {"text": "Making.", "tools": tools}, {"text": "Done."}))
        both = [(await rig.until(Asked)).request for _ in tools]
        rig.restart_daemon()
        ids = {str(request.input).partition("touch ")[2][:5]: request.id for request in both}
        rig.answer(ids["b.txt"], Deny())
        rig.answer(ids["a.txt"], Allow(selected_action_id="acceptForSession"))
        assert (await rig.until(TurnEnded)).outcome == "completed"
        assert (folder / "a.txt").exists()
        assert not (folder / "b.txt").exists()

        again = {"kind": "shell", "command": "touch a.txt"}
        effects, _ = await rig.turn(prompt_with("again", {"tool": again}, {"text": "Done."}))
        assert asked_in(effects) == []  # it was allowed for the session
        assert [call.status for call in calls(effects).values()] == ["completed"]


async def test_a_rule_covers_what_begins_alike(
    codex: MakeRig, models: ModelServer, folder: Path
) -> None:
    async with codex(models.url) as rig:
        await rig.open()
        tool = {"kind": "shell", "command": "touch a.txt"}
        rig.prompt(prompt_with("make", {"tool": tool}, {"text": "Done."}))
        asked = (await rig.until(Asked)).request
        assert isinstance(asked.actions, list)
        (rule,) = [a for a in asked.actions if a.id == "acceptWithExecpolicyAmendment"]
        assert rule.label == "Always allow commands that begin with `touch a.txt`"
        assert rule.standing is True
        rig.answer(asked.id, Allow(selected_action_id=rule.id))
        assert (await rig.until(TurnEnded)).outcome == "completed"
        tool = {"kind": "shell", "command": "touch a.txt c.txt"}
        effects, _ = await rig.turn(prompt_with("more", {"tool": tool}, {"text": "Done."}))
        assert asked_in(effects) == []
        assert (folder / "c.txt").exists()


async def test_modes_plan_and_questions(codex: MakeRig, models: ModelServer) -> None:
    async with codex(models.url, mode="plan") as rig:
        ready = await rig.open()
        assert ready.mode_id == "plan"
        ask = {"kind": "ask", "question": "Which?", "header": "DB", "options": ["a", "b"]}
        plan = "Sure\n<proposed_plan>\n# Plan\n1. do\n</proposed_plan>"
        rig.prompt(prompt_with("plan", {"text": "Q.", "tool": ask}, {"text": plan}))
        asked = (await rig.until(Asked)).request
        assert asked.kind == "question"
        assert isinstance(asked.input, dict)
        (question,) = asked.input["questions"]
        assert (question["header"], question["question"]) == ("DB", "Which?")
        assert [option["label"] for option in question["options"]] == ["a", "b"]
        rig.answer(asked.id, Allow(updated_input={"answers": {"DB": "b"}}))
        assert (await rig.until(TurnEnded)).outcome == "completed"
        outputs = [i for i in models.turns()[-1]["body"]["input"] if "output" in i["type"]]
        assert '{"answers":{"db":{"answers":["b"]}}}' in str(outputs)
        details = {call.name: call.detail for call in calls(rig.effects).values()}
        assert details["plan"] == PlanDetail(text="# Plan\n1. do\n")

        asked = (await rig.until(Asked)).request
        assert (asked.kind, asked.title) == ("plan", "Implement the plan?")
        rig.answer(asked.id, Allow(selected_action_id="accept"))
        assert (await rig.until(Changed, lambda c: c.mode_id == "auto")).mode_id
        end = await rig.until(TurnEnded)
        assert (end.prompt_id, end.outcome) == ("own-1-1", "completed")
        assert "Implement the plan." in str(models.log[-2]["body"]["input"])

        rig.take(rig.driver.set_mode("full-access"))
        assert (await rig.until(Changed, lambda c: c.mode_id == "full-access")).mode_id
        shell = {"kind": "shell", "command": "touch free.txt"}
        effects, end = await rig.turn(prompt_with("go", {"tool": shell}, {"text": "Done."}))
        assert (end.outcome, asked_in(effects)) == ("completed", [])


async def test_model_and_effort(codex: MakeRig, models: ModelServer) -> None:
    async with codex(models.url, thinking="high") as rig:
        ready = await rig.open()
        assert ready.thinking_option_id == "high"
        default = next(model for model in ready.models if model.is_default is True)
        rig.take(rig.driver.set_model(default.id))
        changed = await rig.until(Changed, lambda c: c.model_id == default.id)
        changed = await rig.until(Changed, lambda c: isinstance(c.thinking_options, tuple))
        assert changed.thinking_option_id == "high"
        rig.take(rig.driver.set_thinking("low"))
        await rig.until(Changed, lambda c: c.thinking_option_id == "low")
        effects, end = await rig.turn(prompt_with("hello", {"text": "Hi."}))
        assert (end.outcome, text_of(effects)) == ("completed", "Hi.")
        assert models.turns()[-1]["model"] == default.id
        assert models.turns()[-1]["body"]["reasoning"]["effort"] == "low"


async def test_images_commands_and_review(codex: MakeRig, models: ModelServer) -> None:
    from sereno.core.protocol.requests import Image

    png = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
        "rkJggg=="
    )
    async with codex(models.url) as rig:
        await rig.open()
        see = prompt_with("see", {"text": "A dot."})
        rig.take(rig.driver.prompt(Prompt("p", see, (Image(png, "image/png"),))))
        assert (await rig.until(TurnEnded)).outcome == "completed"
        assert models.turns()[-1]["images"] == 1

        begin = len(rig.effects)
        rig.prompt("/compact")
        assert (await rig.until(TurnEnded)).outcome == "completed"
        items = [e.item for e in rig.effects[begin:] if isinstance(e, Item)]
        assert items == [Compaction(status="loading"), Compaction(status="completed")]

        found = '{"findings": [], "overall_correctness": "patch is correct", '
        found += '"overall_explanation": "All is well.", "overall_confidence_score": 0.9}'
        effects, end = await rig.turn("/review " + prompt_with("all", {"text": found}))
        assert (end.outcome, text_of(effects)) == ("completed", "All is well.")
        (call,) = calls(effects).values()
        assert (call.name, call.status) == ("review", "completed")


@pytest.mark.parametrize(
    ("kind", "code"),
    [("401", "auth_required"), ("429", "rate_limited"), ("400", "provider_error")],
)
async def test_failures_in_words(codex: MakeRig, models: ModelServer, kind: str, code: str) -> None:
    async with codex(models.url) as rig:
        await rig.open()
        _, end = await rig.turn(prompt_with("go", {"text": "no"}, error={"kind": kind}, id=kind))
        assert (end.outcome, end.code) == ("failed", code)
        assert end.error


async def test_retries_are_noticed(codex: MakeRig, models: ModelServer) -> None:
    async with codex(models.url) as rig:
        await rig.open()
        fault = {"kind": "429", "times": 1, "retry_after": 1}
        effects, end = await rig.turn(prompt_with("go", {"text": "Hi."}, error=fault, id="r"))
        assert (end.outcome, text_of(effects)) == ("completed", "Hi.")
        (told,) = [
            e.item.message for e in effects if isinstance(e, Item) and isinstance(e.item, ErrorItem)
        ]
        assert "429" in told
        assert "tries again by itself; it does not say how long" in told


async def test_what_a_sub_agent_does_is_nested_and_what_it_asks_is_asked(
    codex: MakeRig, models: ModelServer, folder: Path
) -> None:
    spawn = {"kind": "raw", "name": "spawn_agent"}
    spawn["arguments"] = {"task_name": "task_a", "message": "do it"}  # type: ignore[assignment]
    shell = {"kind": "shell", "command": "touch both.txt"}
    script = prompt_with(
        "go", {"text": "Spawning.", "tool": spawn}, {"tool": shell}, {"text": "Done."}
    )
    async with codex(models.url, model="gpt-6.1-sol") as rig:
        ready = await rig.open()
        # The sub-agent begins with what was said before, and so goes on with the same script.
        _, end = await rig.turn(script)
        assert end.outcome == "completed"

        def ended() -> list[Any]:
            found = [c for c in calls(rig.effects).values() if c.name == "sub_agent"]
            return [c for c in found if c.status == "completed"]

        while not ended():
            effect = await rig.until(Item | Asked)  # type: ignore[arg-type]
            if isinstance(effect, Asked):
                rig.answer(effect.request.id, Allow())
        (call,) = ended()
        assert isinstance(call.detail, SubAgentDetail)
        name = str(call.detail.sub_agent_type)
        assert name.endswith("/task_a")
        assert [(a.tool_name, a.summary) for a in call.detail.actions] == [
            ("shell", "touch both.txt")
        ]
        assert "Done." in call.detail.log
        own = [c for c in calls(rig.effects).values() if c.name == "shell"]
        assert len(own) == 1
        words = [str(asked.request.description) for asked in asked_in(rig.effects)]
        assert sum(f"Asked by the sub-agent “{name}”" in word for word in words) == 1
        assert len(words) == 2
        assert ready.session_id != call.detail.child_session_id
