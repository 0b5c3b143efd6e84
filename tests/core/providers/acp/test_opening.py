"""From the first frame to Ready, in the ordinary and in the odd ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sereno.core.protocol.agents import SelectFeature
from sereno.core.protocol.timeline import AssistantMessage, ErrorItem
from sereno.core.providers.driver import DriverBusy, Prompt, Setup
from sereno.core.providers.effects import (
    Changed,
    Item,
    Ready,
    Send,
    SessionFailed,
)
from tests.core.providers.acp.bench import ABLE, Bench, methods, only

MODES = {
    "currentModeId": "default",
    "availableModes": [
        {"id": "default", "name": "Default"},
        {"id": "yolo", "name": "YOLO", "description": "All of it"},
        "<2 more>",
    ],
}


def test_nothing_is_offered_to_the_program() -> None:
    bench = Bench()
    (send,) = bench.driver.start(None)
    assert isinstance(send, Send)
    params = json.loads(send.data)["params"]
    assert params["clientCapabilities"] == {
        "fs": {"readTextFile": False, "writeTextFile": False},
        "terminal": False,
    }
    with pytest.raises(RuntimeError):
        bench.driver.start(None)


@pytest.mark.parametrize("version", [0, 2, None, "1"])
def test_another_version_of_the_protocol_is_refused(version: Any) -> None:
    bench = Bench()
    bench.take(bench.driver.start(None))
    failed = only(bench.introduce(version=version), SessionFailed)
    assert failed.code == "protocol_version"
    assert failed.next_step


@pytest.mark.parametrize(
    ("able", "method"),
    [
        (ABLE, "session/resume"),
        ({"loadSession": True}, "session/load"),
        ({"sessionCapabilities": {"resume": {}}}, "session/resume"),
        ({}, "session/new"),
    ],
)
def test_how_a_session_is_reopened(able: Any, method: str) -> None:
    bench = Bench()
    bench.take(bench.driver.start("old"))
    assert methods(bench.introduce(agentCapabilities=able)) == [method]


def test_history_that_is_replayed_is_not_told_twice() -> None:
    bench = Bench()
    bench.take(bench.driver.start("s"))
    bench.introduce(agentCapabilities={"loadSession": True})
    assert bench.text("old words") == []
    assert bench.text("asked", "user_message_chunk") == []
    assert bench.update("tool_call", toolCallId="c", title="t") == []
    assert bench.update("plan", entries=[]) == []
    assert bench.update("current_mode_update", currentModeId="plan") == [Changed(mode_id="plan")]
    assert only(bench.reply_to("session/load", {}), Ready).resumed
    assert bench.text("late words") == []
    bench.take(bench.driver.prompt(Prompt("p", "x")))
    assert only(bench.text("new"), Item).item == AssistantMessage(text="new")


def test_gemini_replays_after_its_answer_and_is_waited_for() -> None:
    bench = Bench()
    bench.take(bench.driver.start("s"))
    able = {"loadSession": True}
    bench.introduce(agentCapabilities=able, agentInfo={"name": "gemini-cli"})
    assert not [e for e in bench.reply_to("session/load", {}) if isinstance(e, Ready)]
    bench.text("history")
    assert methods(bench.fail("_sereno/barrier", -32601, "no")) == ["_sereno/barrier"]
    bench.text("more history")
    bench.restart()
    bench.text("even more")
    assert methods(bench.fail("_sereno/barrier", -32601, "no")) == ["_sereno/barrier"]
    assert only(bench.fail("_sereno/barrier", -32601, "no"), Ready).resumed


def test_a_session_that_cannot_be_reopened_is_begun_anew_and_said() -> None:
    bench = Bench()
    bench.take(bench.driver.start("old"))
    bench.introduce()
    effects = bench.fail("session/resume", -32603, "Internal error", {"details": "no such session"})
    assert methods(effects) == ["session/new"]
    bench.restart()
    effects = bench.reply_to("session/new", {"sessionId": "new"})
    notice, ready = effects
    assert isinstance(notice, Item)
    assert isinstance(notice.item, ErrorItem)
    assert "no such session" in notice.item.message
    assert isinstance(ready, Ready)
    assert (ready.session_id, ready.resumed) == ("new", False)


def test_a_login_that_is_missing_is_told_with_the_way_to_log_in() -> None:
    for hint, step in (("", "Run `x login`"), ("Do that.", "Do that.")):
        bench = Bench(login_hint=hint)
        bench.take(bench.driver.start(None))
        bench.introduce(authMethods=[{"id": "a", "name": "A", "description": "Run `x login`"}])
        failed = only(bench.fail("session/new", -32000, "Authentication required"), SessionFailed)
        assert failed.code == "auth_required"
        assert "log in first" in failed.error
        assert failed.next_step == step
        with pytest.raises(DriverBusy):
            bench.driver.prompt(Prompt("p", "x"))


def test_mode_model_and_thinking_are_set_one_after_the_other() -> None:
    bench = Bench(Setup("/repo", mode="yolo", model="big", thinking="high"))
    bench.take(bench.driver.start(None))
    bench.introduce()
    models = {"currentModelId": "small", "availableModels": [{"modelId": "big"}, {"modelId": "s"}]}
    config = [
        {
            "id": "effort",
            "category": "thought_level",
            "type": "select",
            "currentValue": "low",
            "options": [{"group": "g", "options": [{"value": "high"}, {"value": "low"}]}],
        },
        {"id": "style", "name": "Style", "type": "select", "currentValue": "a", "options": []},
    ]
    session = {"sessionId": "s", "modes": MODES, "models": models, "configOptions": config}
    assert methods(bench.reply_to("session/new", session)) == ["session/set_mode"]
    bench.restart()
    assert methods(bench.reply_to("session/set_mode", {})) == ["session/set_model"]
    assert methods(bench.reply_to("session/set_model", {})) == ["session/set_config_option"]
    bench.restart()
    ready = only(bench.reply_to("session/set_config_option", {}), Ready)
    assert (ready.mode_id, ready.model_id, ready.thinking_option_id) == ("yolo", "big", "high")
    assert [(m.id, m.color_tier) for m in ready.modes] == [
        ("default", "safe"),
        ("yolo", "dangerous"),
    ]
    assert [o.id for o in ready.thinking_options] == ["high", "low"]
    assert [f.id for f in ready.features if isinstance(f, SelectFeature)] == ["style"]


@pytest.mark.parametrize(("resume", "fails"), [(None, True), ("old", False)])
def test_a_refused_mode_stops_a_new_session_only(resume: str | None, fails: bool) -> None:
    bench = Bench(Setup("/repo", mode="yolo"))
    bench.take(bench.driver.start(resume))
    bench.introduce()
    opening = "session/resume" if resume else "session/new"
    bench.reply_to(opening, {"sessionId": "s", "modes": MODES})
    effects = bench.fail("session/set_mode", -32603, "Internal error", {"details": "untrusted"})
    if fails:
        failed = only(effects, SessionFailed)
        assert failed.code == "mode_refused"
        assert "untrusted" in failed.error
    else:
        assert "untrusted" in only(effects, Item).item.message
        assert only(effects, Ready).mode_id == "default"


def test_a_mode_where_there_are_none_is_refused() -> None:
    bench = Bench(Setup("/repo", mode="plan"))
    bench.take(bench.driver.start(None))
    bench.introduce()
    failed = only(bench.reply_to("session/new", {"sessionId": "s"}), SessionFailed)
    assert failed.code == "mode_refused"


@pytest.mark.parametrize("result", [None, [], {}, {"sessionId": 5}, "text"])
def test_a_session_without_a_name_is_none(result: Any) -> None:
    bench = Bench()
    bench.take(bench.driver.start(None))
    bench.introduce()
    assert only(bench.reply_to("session/new", result), SessionFailed).code == "start_failed"


@pytest.mark.parametrize("flood", [b"y\n" * 40_000, (b"z" * 4_000 + b"\n") * 100])
def test_a_program_that_floods_and_never_answers_is_given_up(flood: bytes) -> None:
    bench = Bench()
    bench.take(bench.driver.start(None))
    effects: list[Any] = []
    for start in range(0, len(flood), 65_536):
        effects += bench.driver.receive(flood[start : start + 65_536])
        bench.restart()
    failed = only(effects, SessionFailed)
    assert failed.code == "start_failed"
    assert "no answer in the Agent Client Protocol" in failed.error
    assert "[providers.some]" in failed.next_step
    assert len(effects) < 30
    assert bench.driver.receive(b"y\n" * 10) == []


def test_a_greeting_before_the_answer_does_no_harm() -> None:
    bench = Bench()
    bench.take(bench.driver.start(None))
    bench.driver.receive(b"Welcome to the agent!\n" * 50)
    bench.introduce()
    assert only(bench.reply_to("session/new", {"sessionId": "s"}), Ready)
    for _ in range(5):
        assert not [
            effect
            for effect in bench.driver.receive(b"noise\n" * 1_000)
            if isinstance(effect, SessionFailed)
        ]
