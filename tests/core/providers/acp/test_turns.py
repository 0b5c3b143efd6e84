"""Turns, settings, the end of the program, and what the snapshot holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sereno.core.config import Config, ProviderConfig
from sereno.core.protocol.requests import Image
from sereno.core.protocol.timeline import ToolCall
from sereno.core.protocol.tools import ShellDetail
from sereno.core.providers.catalog import Catalog
from sereno.core.providers.driver import DriverBusy, Prompt, Setup
from sereno.core.providers.effects import (
    Asked,
    Changed,
    Diagnostic,
    Item,
    Send,
    SessionFailed,
    TurnEnded,
    TurnStarted,
    Withdrawn,
)
from tests.core.providers.acp.bench import Bench, methods, only

MODES = {
    "currentModeId": "default",
    "availableModes": [
        {"id": "default", "name": "Default"},
        {"id": "yolo", "name": "YOLO", "description": "All of it"},
        "<2 more>",
    ],
}


def test_one_prompt_at_a_time() -> None:
    bench = Bench.opened()
    effects = bench.take(bench.driver.prompt(Prompt("p1", "hi")))
    assert effects[0] == TurnStarted("p1")
    with pytest.raises(DriverBusy):
        bench.driver.prompt(Prompt("p2", "hi"))
    assert only(bench.reply_to("session/prompt", {"stopReason": "end_turn"}), TurnEnded) == (
        TurnEnded("p1", "completed", usage=only_usage())
    )
    bench.take(bench.driver.prompt(Prompt("p2", "hi")))


def only_usage() -> Any:
    end = Bench.in_turn().reply_to("session/prompt", {"stopReason": "end_turn"})
    return only(end, TurnEnded).usage


@pytest.mark.parametrize(
    ("reason", "outcome", "code"),
    [
        ("end_turn", "completed", None),
        ("cancelled", "canceled", None),
        ("max_tokens", "failed", "max_tokens"),
        ("max_turn_requests", "failed", "max_tokens"),
        ("refusal", "failed", "refused"),
        ("something_new", "completed", None),
        (None, "completed", None),
    ],
)
def test_how_a_turn_ends(reason: Any, outcome: str, code: str | None) -> None:
    effects = Bench.in_turn().reply_to("session/prompt", {"stopReason": reason})
    end = only(effects, TurnEnded)
    assert (end.outcome, end.code) == (outcome, code)


def test_an_interrupt_without_a_turn_is_nothing_and_twice_is_twice() -> None:
    bench = Bench.opened()
    assert bench.driver.interrupt() == []
    bench.take(bench.driver.prompt(Prompt("p", "x")))
    for _ in range(2):
        assert methods(bench.driver.interrupt()) == ["session/cancel"]
    effects = bench.fail("session/prompt", -32603, "aborted")
    assert only(effects, TurnEnded).outcome == "canceled"


def test_calls_that_never_end_are_closed_with_the_turn() -> None:
    bench = Bench.in_turn()
    bench.update("tool_call", toolCallId="c", title="x", kind="execute", status="in_progress")
    bench.driver.interrupt()
    effects = bench.reply_to("session/prompt", {"stopReason": "cancelled"})
    assert only(effects, Item).item.status == "canceled"
    bench.take(bench.driver.prompt(Prompt("p2", "x")))
    bench.update("tool_call", toolCallId="d", title="x", kind="execute", status="in_progress")
    effects = bench.fail("session/prompt", 500, "boom")
    assert only(effects, Item).item.status == "failed"


def test_a_command_that_was_cut_off_is_canceled_though_called_completed() -> None:
    bench = Bench.in_turn()
    bench.update("tool_call", toolCallId="c", kind="execute", rawInput={"command": "sleep 9"})
    bench.driver.interrupt()
    output = {"output": "aborted", "metadata": {"exit": None}}
    effects = bench.update("tool_call_update", toolCallId="c", status="completed", rawOutput=output)
    assert only(effects, Item).item.status == "canceled"


def test_images_and_attachments() -> None:
    prompt = Prompt(
        "p",
        "look",
        (Image(data="AA==", mime_type="image/png"),),
        (
            {"type": "text", "title": "Notes", "text": "body"},
            {"type": "github_issue", "number": 5, "title": "Bug", "url": "u", "body": "b"},
            {"type": "review", "comments": [{"filePath": "a.py", "lineNumber": 3, "body": "no"}]},
            {"type": "mystery"},
        ),
    )
    for able in (True, False):
        bench = Bench()
        bench.take(bench.driver.start(None))
        bench.introduce(agentCapabilities={"promptCapabilities": {"image": able}})
        bench.reply_to("session/new", {"sessionId": "s"})
        effects = bench.driver.prompt(prompt)
        blocks = json.loads(only(effects, Send).data)["params"]["prompt"]
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        assert texts[-1] == "look"
        assert "Issue #5: Bug" in texts[1]
        assert "a.py:3" in texts[2]
        assert [b["type"] for b in blocks].count("image") == able
        assert len([e for e in effects if isinstance(e, Diagnostic)]) == (1 if able else 2)


def test_settings_after_the_opening() -> None:
    bench = Bench.opened(modes=MODES)
    bench.take(bench.driver.set_mode("yolo"))
    assert bench.reply_to("session/set_mode", {}) == [Changed(mode_id="yolo")]
    bench.take(bench.driver.set_mode("none"))
    refused = bench.fail("session/set_mode", -32602, "no such mode")
    assert "no such mode" in only(refused, Item).item.message
    assert "no setting for the model" in only(bench.driver.set_model("m"), Item).item.message
    assert isinstance(only(bench.driver.set_model(None), Diagnostic), Diagnostic)
    assert methods(bench.driver.set_feature("style", "b")) == ["session/set_config_option"]
    with pytest.raises(DriverBusy):
        Bench().driver.set_mode("x")


def test_the_end_in_the_middle_of_everything() -> None:
    bench = Bench.in_turn()
    bench.update("tool_call", toolCallId="c", kind="execute", rawInput={"command": "ls"})
    bench.request(
        1,
        "session/request_permission",
        toolCall={"toolCallId": "c"},
        options=[{"optionId": "o", "kind": "allow_once", "name": "O"}],
    )
    bench.driver.receive(b'{"half')
    bench.restart()
    effects = bench.driver.exited(None, 11, "warming up\n\x1b[31mSegmentation fault\x1b[0m\n")
    assert [type(e) for e in effects] == [
        Diagnostic,
        Withdrawn,
        Item,
        TurnEnded,
        SessionFailed,
    ]
    end = only(effects, TurnEnded)
    assert end.code == "exited"
    assert "signal 11 (SEGV)" in end.error
    assert end.error.endswith("warming up / Segmentation fault")


def test_quiet_ends() -> None:
    assert not [
        e for e in Bench.opened().driver.exited(0, None, "") if isinstance(e, SessionFailed)
    ]
    assert only(Bench.opened().driver.exited(1, None, ""), SessionFailed).code == "exited"
    bench = Bench()
    bench.take(bench.driver.start(None))
    failed = only(bench.driver.exited(0, None, ""), SessionFailed)
    assert "ended by itself" in failed.error
    assert failed.next_step == "Run Agent by itself in a terminal to see what it lacks."
    assert "not known" in only(Bench.opened().driver.exited(None, None, ""), SessionFailed).error


def test_the_next_step_names_the_command_that_was_configured() -> None:
    config = ProviderConfig("quitter", "acp", command=("sh", "-c", "exit 7"))
    found = Catalog(Config(providers={"quitter": config})).get("quitter")
    assert found is not None
    driver = found.driver(Setup("/repo"))
    driver.start(None)
    failed = only(driver.exited(7, None, "licence expired\n"), SessionFailed)
    assert "licence expired" in failed.error
    assert failed.next_step.endswith("what it lacks: sh -c 'exit 7'")


def test_the_snapshot_is_the_same_object_while_text_streams() -> None:
    bench = Bench.in_turn()
    bench.text("first")
    before = bench.driver.snapshot()
    for _ in range(10):
        bench.text("more text\n")
        assert bench.driver.snapshot() is before
    bench.text("\x1b[3")
    assert bench.driver.snapshot() is not before
    again = bench.driver.snapshot()
    bench.restart()
    assert bench.driver.snapshot() == again
    assert len(again) < 1_000


def test_the_snapshot_does_not_grow_with_the_calls_of_a_turn() -> None:
    bench = Bench.in_turn()
    sizes = []
    for number in range(200):
        bench.update("tool_call", toolCallId=f"call-{number:03}", title="x", status="completed")
        sizes.append(len(bench.driver.snapshot()))
    assert sizes[-1] < sizes[50] + 10  # the checksum of a call has more or fewer digits


def test_large_outputs_do_not_stay_in_the_snapshot() -> None:
    bench = Bench.in_turn()
    content = [{"type": "content", "content": {"type": "text", "text": "x" * 1_000_000}}]
    for status in ("in_progress", "completed"):
        effects = bench.update(
            "tool_call", toolCallId="c", kind="execute", status=status, content=content
        )
        item = only(effects, Item).item
        assert isinstance(item, ToolCall)
        assert isinstance(item.detail, ShellDetail)
        assert isinstance(item.detail.output, str)
        assert len(item.detail.output) < 300_000
        assert "characters left out" in item.detail.output
    assert len(bench.driver.snapshot()) < 2_000
    assert bench.update("tool_call_update", toolCallId="c", title="late") == []


def test_large_arguments_do_not_stay_in_the_snapshot() -> None:
    bench = Bench.in_turn()
    raw = {"path": "/a", "content": "x" * 4_000_000}
    bench.update("tool_call", toolCallId="c", kind="edit", rawInput=raw, status="in_progress")
    assert len(bench.driver.snapshot()) < 300_000
    options = [{"optionId": "o", "kind": "allow_once", "name": "O"}]
    call = {"toolCallId": "c", "kind": "edit", "rawInput": raw}
    effects = bench.request(1, "session/request_permission", toolCall=call, options=options)
    assert "too long" in only(effects, Asked).request.metadata["sereno"]["warnings"][0]
    assert len(bench.driver.snapshot()) < 600_000
    bench.restart()
    assert not bench.update("tool_call_update", toolCallId="c", rawInput=raw)
    changed = {**raw, "content": "x" * 2_000_000 + "y" + "x" * 1_999_999}
    effects = bench.update("tool_call_update", toolCallId="c", rawInput=changed)
    assert only(effects, Withdrawn)
