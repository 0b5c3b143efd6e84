"""The one order of checks: a stage that says no is the last one entered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sereno.core.protocol.frames import decode_daemon_frame
from sereno.core.protocol.messages import RpcError, StatusError
from sereno.core.security.roles import Role
from sereno.core.sessions import checks
from sereno.core.sessions.checks import STAGES, Refused, Stage, Unit
from sereno.core.sessions.limits import MOST_CALLS, TokenBucket


def frame(kind: str = "fetch_agents_request", **fields: Any) -> bytes:
    message = {"type": kind, "requestId": "r1", **fields}
    return json.dumps({"type": "session", "message": message}).encode()


def unit(data: bytes, *, role: Role = Role.OWNER, burst: int = 10, under_way: int = 0) -> Unit:
    return Unit(data, 0.0, TokenBucket(0.0, burst=burst), role, under_way)


def entered(one: Unit) -> tuple[list[Stage], Refused | None]:
    """Which stages were entered, and the refusal."""
    seen: list[Stage] = []

    def watch(stage: Stage, check: checks.Check) -> tuple[Stage, checks.Check]:
        def watched(item: Unit) -> None:
            seen.append(stage)
            check(item)

        return stage, watched

    try:
        checks.run(one, [watch(stage, check) for stage, check in STAGES])
    except Refused as refused:
        return seen, refused
    return seen, None


DEEP = b'{"type":"session","message":{"requestId":"r1","type":' + b"[" * 80 + b"]" * 80 + b"}}"
TWICE = (
    b'{"type":"session","message":{"requestId":"r1","type":"x","type":"shutdown_server_request"}}'
)
FAILING: dict[Stage, Callable[[], Unit]] = {
    Stage.RATE: lambda: unit(frame(), burst=0),
    Stage.NESTING: lambda: unit(DEEP),
    Stage.SHAPE: lambda: unit(TWICE),
    Stage.SCHEMA: lambda: unit(frame("frobnicate_request")),
    Stage.ROLE: lambda: unit(frame("shutdown_server_request"), role=Role.OPERATOR),
    Stage.LOAD: lambda: unit(frame(), under_way=MOST_CALLS),
}


def test_what_is_in_order_enters_all_stages() -> None:
    seen, refused = entered(unit(frame()))
    assert seen == list(Stage)
    assert refused is None


@pytest.mark.parametrize("stage", list(Stage))
def test_c46_no_stage_is_entered_behind_one_that_refused(stage: Stage) -> None:
    seen, refused = entered(FAILING[stage]())
    assert refused is not None
    assert refused.stage is stage
    assert seen == list(Stage)[: list(Stage).index(stage) + 1]


@pytest.mark.parametrize("stage", list(Stage))
def test_a_message_that_fails_at_this_stage_and_all_later_ones_is_refused_here(
    stage: Stage,
) -> None:
    """With several things wrong the earliest stage answers: nothing is learned of the others."""
    failing = list(Stage)[list(Stage).index(stage) :]
    data = frame("shutdown_server_request")
    if Stage.NESTING in failing:
        data = DEEP
    elif Stage.SHAPE in failing:
        data = TWICE
    elif Stage.SCHEMA in failing:
        data = frame("frobnicate_request")
    one = unit(
        data,
        role=Role.AGENT if Stage.ROLE in failing else Role.OWNER,
        burst=0 if Stage.RATE in failing else 10,
        under_way=MOST_CALLS,
    )
    _, refused = entered(one)
    assert refused is not None
    assert refused.stage is stage


def test_what_each_stage_answers() -> None:
    codes: dict[Stage, str] = {}
    for stage, make in FAILING.items():
        _, refused = entered(make())
        assert refused is not None
        message = decode_daemon_frame(refused.frame)
        match message:
            case RpcError(code=code, request_id="r1"):
                codes[stage] = str(code)
            case StatusError(message=words):
                codes[stage] = words
    assert codes == {
        Stage.RATE: "rate_limited",
        Stage.NESTING: "Invalid message: nested deeper than 64 levels",
        Stage.SHAPE: "Invalid message: a key that stands twice in one object",
        Stage.SCHEMA: "unknown_schema",
        Stage.ROLE: "forbidden",
        Stage.LOAD: "too_many_requests",
    }


def test_ping_and_heartbeat_cost_nothing() -> None:
    one = unit(frame("ping"), burst=0)
    checks.run(one)
    assert one.request_type == "ping"
    beat = frame(
        "client_heartbeat",
        deviceType="web",
        focusedAgentId=None,
        lastActivityAt="2026-05-03T10:00:00.000Z",
        appVisible=True,
    )
    checks.run(unit(beat, burst=0))


def test_calling_itself_a_ping_does_not_make_a_request_free() -> None:
    data = b'{"x":{"type":"ping"},' + frame()[1:]
    with pytest.raises(Refused) as caught:
        checks.run(unit(data, burst=0))
    assert caught.value.stage is Stage.RATE


def test_brackets_in_strings_are_no_nesting() -> None:
    checks.run(unit(frame("fetch_agent_request", agentId='[{"' * 500)))


def test_recursion_far_beyond_the_limit_is_refused_and_not_raised() -> None:
    for data in (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000):
        with pytest.raises(Refused) as caught:
            checks.run(unit(data))
        assert caught.value.stage is Stage.NESTING


def test_wire_frames_have_no_role() -> None:
    one = unit(b'{"type":"ping"}', role=Role.AGENT)
    checks.run(one)
    assert one.request_type == ""
