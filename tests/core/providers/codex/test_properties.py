"""Properties: nothing that the program says raises, and neither chunks nor restarts matter."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.providers.codex.driver import CodexDriver
from sereno.core.providers.driver import CannotAnswer, Prompt, Setup
from sereno.core.providers.effects import Asked, Effect, Send
from tests.core.providers.codex.feed import IDENTITY, THREAD, TURN, Fed, line
from tests.core.providers.codex.schema import NOTIFICATIONS, REQUESTS, TYPES
from tests.effort import examples

pytestmark = pytest.mark.timeout(180)  # making up messages takes all of a core
NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Shrinking a whole conversation takes minutes; a failing one is printed as it is."""
SETUP = Setup("/repo")
ITEMS = (
    "agentMessage",
    "collabAgentToolCall",
    "commandExecution",
    "contextCompaction",
    "enteredReviewMode",
    "exitedReviewMode",
    "fileChange",
    "mcpToolCall",
    "plan",
    "reasoning",
    "sleep",
    "subAgentActivity",
    "userMessage",
    "webSearch",
    "anything",
)
KEYS = (
    *("action", "aggregatedOutput", "agentThreadId", "agentsStates", "answers", "arguments"),
    *("availableDecisions", "changes", "collaborationMode", "command", "cwd", "data", "delta"),
    *("diff", "error", "exitCode", "header", "id", "item", "itemId", "kind", "label", "last"),
    *("message", "model", "name", "options", "path", "persist", "plan", "properties", "query"),
    *("questions", "rateLimits", "primary", "receiverThreadIds", "requestId", "requestedSchema"),
    *("resetsAt", "result", "status", "summary", "text", "thread", "threadId", "threadSettings"),
    *("tokenUsage", "tool", "total", "turn", "turnId", "type", "usedPercent", "_meta"),
)
WORDS = st.sampled_from(
    ("", "i1", "i2", THREAD, TURN, "kid", "completed", "failed", "declined", "inProgress", "\x1b[")
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=8)
)
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=12,
)
fields = st.dictionaries(st.sampled_from(KEYS), anything, max_size=8)
ids = st.sampled_from(("i1", "i2"))
changes = st.lists(
    st.fixed_dictionaries(
        {"path": st.sampled_from(("a", "b")), "diff": st.text(max_size=5), "kind": anything}
    ),
    max_size=2,
)


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    """An item in which anything may be wrong but its kind."""
    told = {**draw(fields), "type": draw(st.sampled_from(ITEMS)), "id": draw(ids)}
    return {**told, "changes": draw(changes)} if draw(st.booleans()) else told


@st.composite
def params(draw: st.DrawFn) -> dict[str, Any]:
    """Parameters that often say something sensible."""
    told = draw(fields)
    sensible: dict[str, st.SearchStrategy[Any]] = {
        "threadId": st.sampled_from((THREAD, "kid")),
        "item": items(),
        "itemId": ids,
        "changes": changes,
        "delta": st.text(max_size=300),
        "turn": st.builds(lambda status: {"id": TURN, "status": status}, WORDS),
    }
    for key, strategy in sensible.items():
        if draw(st.integers(0, 3)):
            told[key] = draw(strategy)
    return told


notification = st.fixed_dictionaries(
    {"method": st.sampled_from(NOTIFICATIONS) | st.text(max_size=5), "params": params() | anything}
)
request = st.fixed_dictionaries(
    {
        "id": st.integers(0, 5) | anything,
        "method": st.sampled_from(REQUESTS) | st.text(max_size=5),
        "params": params(),
    }
)
reply = st.fixed_dictionaries(
    {"id": st.integers(0, 12)}, optional={"result": anything, "error": anything}
)
message = notification | request | reply | anything


def ready() -> CodexDriver:
    fed = Fed()
    fed.open()
    fed.begin()
    return fed.driver


def plainly(effects: list[Effect]) -> list[Any]:
    return [json.loads(e.data) if isinstance(e, Send) else repr(e) for e in effects]


def answered(driver: CodexDriver, effects: list[Effect], yes: bool) -> list[Effect]:
    """Every request is answered, in some way that it takes."""
    found: list[Effect] = []
    for effect in effects:
        if isinstance(effect, Asked):
            given: dict[str, Any] = {}
            assert isinstance(effect.request.input, dict)
            if effect.request.kind == "question":
                given = {q["header"]: "answer" for q in effect.request.input["questions"]}
            allow = Allow(updated_input={"answers": given}) if given else Allow()
            with suppress(CannotAnswer):
                found += driver.answer(effect.request.id, allow if yes else Deny(message="no"))
    return found


@settings(max_examples=examples(80), deadline=None, phases=NO_SHRINK)
@given(st.lists(message, max_size=8), st.booleans(), st.booleans())
def test_nothing_that_the_program_says_raises(messages: list[Any], yes: bool, opened: bool) -> None:
    driver = ready() if opened else CodexDriver(IDENTITY, SETUP)
    if not opened:
        driver.start(None)
    for each in messages:
        effects = driver.receive(line(each))
        answered(driver, effects, yes)
        CodexDriver(IDENTITY, SETUP, driver.snapshot())
    driver.interrupt()
    driver.exited(1, None, "gone")
    driver.snapshot()


@settings(max_examples=examples(25), deadline=None, phases=NO_SHRINK)
@given(st.lists(message, max_size=8), st.lists(st.integers(1, 400), min_size=1, max_size=10))
def test_chunks_and_restarts_change_nothing(messages: list[Any], sizes: list[int]) -> None:
    data = b"".join(line(each) for each in messages)
    whole = plainly(ready().receive(data))
    driver, effects, at = ready(), list[Effect](), 0
    for index in range(len(data)):
        size = sizes[index % len(sizes)]
        effects += driver.receive(data[at : at + size])
        driver = CodexDriver(IDENTITY, SETUP, driver.snapshot())
        at += size
        if at >= len(data):
            break
    assert plainly(effects) == whole


@settings(max_examples=examples(30), deadline=None, phases=NO_SHRINK)
@given(st.lists(message, max_size=6))
def test_the_same_bytes_give_the_same_effects(messages: list[Any]) -> None:
    """The daemon may die after it read and before it stored: then it reads again."""
    driver = ready()
    before = driver.snapshot()
    data = b"".join(line(each) for each in messages)
    first = plainly(driver.receive(data))
    again = CodexDriver(IDENTITY, SETUP, before)
    assert plainly(again.receive(data)) == first
    assert again.snapshot() == driver.snapshot()


@pytest.mark.parametrize("method", [*NOTIFICATIONS, *REQUESTS])
def test_depth_and_size_are_survived(method: str) -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [{"a": deep}]
    for value in (deep, 10**400, "y" * 300_000):
        driver = ready()
        keys = ("itemId", "questions", "changes", "turn", "requestId", "rateLimits", "error")
        fields = dict.fromkeys(keys, value) | {"threadId": THREAD, "item": {"plan": value}}
        item = {"type": "mcpToolCall", "id": "i1", "arguments": value}
        driver.receive(
            line({"method": "item/started", "params": {"threadId": THREAD, "item": item}})
        )
        whole = {"method": method, "id": 1, "params": {**fields, "permissions": value}}
        driver.receive(line(whole))
        CodexDriver(IDENTITY, SETUP, driver.snapshot())
        driver.exited(0, None, "")


def test_the_snapshot_is_the_same_object_while_nothing_changes() -> None:
    driver = ready()
    first = driver.snapshot()
    delta = {"threadId": THREAD, "itemId": "m", "delta": "a"}
    driver.receive(line({"method": "item/agentMessage/delta", "params": delta}))
    second = driver.snapshot()
    assert second != first
    driver.receive(line({"method": "item/agentMessage/delta", "params": delta}))
    assert driver.snapshot() is second
    restored = CodexDriver(IDENTITY, SETUP, second)
    assert restored.snapshot() is second


def test_ids_are_those_of_the_run() -> None:
    fed = Fed(Setup("/repo", run=7))
    fed.open()
    fed.take(fed.driver.prompt(Prompt("p", "go")))
    (asked,) = fed.ask(1, REQUESTS[0], itemId="i", command="ls")
    assert isinstance(asked, Asked)
    assert asked.request.id == "perm-7-1"
    assert TYPES
