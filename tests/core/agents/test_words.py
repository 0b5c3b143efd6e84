"""What clients can tell apart: answered or withdrawn and why, denied or failed, deleted or
archived. The wire's own fields stay as the official clients know them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from sereno.core.agents import life
from sereno.core.agents.states import Event
from sereno.core.agents.step import Step
from sereno.core.protocol.frames import decode_daemon_frame
from sereno.core.protocol.messages import (
    AgentRemoved,
    AgentStream,
    PermissionPush,
    PermissionResolvedPush,
)
from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.timeline import ToolCall, ToolStatus
from sereno.core.protocol.tools import ShellDetail
from sereno.core.protocol.values import UNSET, given
from sereno.core.providers import effects
from tests.core.agents import sample
from tests.core.agents.fakes import Machine
from tests.core.agents.place import BY, Place, running
from tests.core.agents.programs import obedient
from tests.core.agents.test_life import running as busy
from tests.core.agents.test_life import take
from tests.core.agents.test_real import place_with


def resolved(place: Place, agent: str) -> PermissionResolvedPush:
    (push,) = [one for one in place.heard(agent) if isinstance(one, PermissionResolvedPush)]
    return push


async def test_a_stop_withdraws_the_request_and_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, Machine(obedient).runners) as place:
        agent = (await place.create("ask")).snapshot.id
        await place.fleet.wait(agent, 5)
        await place.fleet.interrupt(agent, by=BY)
        await place.status(agent, "idle")
        push = resolved(place, agent)
        assert push.resolution == Deny(message="Interrupted"), "the wire's words (6.4)"
        assert (push.withdrawn, push.answered_by) == ("the turn was stopped", UNSET)
        (event,) = [
            one.event
            for one in place.heard(agent)
            if isinstance(one, AgentStream)
            and one.event.__struct_config__.tag == "permission_resolved"
        ]
        assert event.withdrawn == "the turn was stopped"  # type: ignore[union-attr]
        (entry,) = await place.fleet.requests(closed=True)
        assert (entry.state, entry.answered_by) == ("withdrawn", "the turn was stopped")


async def test_an_end_withdraws_the_request_and_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, Machine(obedient).runners) as place:
        agent = (await place.create("ask")).snapshot.id
        await place.fleet.wait(agent, 5)
        await place.fleet.end(agent, by=BY)
        assert resolved(place, agent).withdrawn == "the agent was ended"


async def test_an_answer_is_not_withdrawn(tmp_path: Path) -> None:
    async with running(tmp_path, Machine(obedient).runners) as place:
        agent = (await place.create("ask")).snapshot.id
        view = (await place.fleet.wait(agent, 5)).view
        (asked,) = view.snapshot.pending_permissions
        await place.fleet.answer(agent, asked.id, Deny(), by="Pixel 9")
        push = resolved(place, agent)
        assert (push.withdrawn, push.answered_by) == (UNSET, "Pixel 9")


def call(status: ToolStatus, call_id: str = "c1") -> effects.Item:
    error = "no" if status == "failed" else None
    detail = ShellDetail(command="ls")
    return effects.Item(
        ToolCall(call_id=call_id, name="sh", detail=detail, status=status, error=error)
    )


def asked(call_id: str) -> effects.Asked:
    request = sample.request("r-" + call_id)
    metadata = {"sereno": {"callId": call_id}}
    return effects.Asked(msgspec.structs.replace(request, metadata=metadata))


def sereno_of(step: Step) -> list[Any]:
    rows, _, _ = sample.finish(step)
    items = [msgspec.json.decode(row.item) for row in rows.rows]
    return [item.get("metadata", {}).get("sereno") for item in items]


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_denied_call_names_who_denied_it(status: ToolStatus) -> None:
    step = Step(busy(), 200)
    take(step, asked("c1"))
    life.answered(step, "r-c1", Deny(message="not there"), "Anna")
    _, base, _ = sample.finish(step)
    step = Step(base, 300)
    take(step, call("running"), call(status, "c2"), call(status))
    told = {"denied": {"by": "Anna", "words": "not there"}}
    assert sereno_of(step) == [None, None, told]


def test_a_call_that_was_allowed_in_the_end_and_failed_was_not_denied() -> None:
    step = Step(busy(), 200)
    take(step, asked("c1"))
    life.answered(step, "r-c1", Deny(), "Anna")
    take(step, asked("c1"))
    life.answered(step, "r-c1", Allow(), "Anna")
    take(step, call("failed"))
    assert sereno_of(step) == [None]


def test_denials_are_forgotten_with_their_turn() -> None:
    step = Step(busy(), 200)
    take(step, asked("c1"))
    life.answered(step, "r-c1", Deny(), "Anna")
    take(step, call("failed"), effects.TurnEnded("p0", "completed"))
    assert step.record.denials == {}
    assert step.move(Event.TURN)
    take(step, call("failed"))
    assert [one is None for one in sereno_of(step)] == [False, True]


async def test_a_denied_call_of_a_real_program(tmp_path: Path) -> None:
    async with place_with(tmp_path) as place:
        agent = (await place.create("run touch made", "it")).snapshot.id
        view = (await place.fleet.wait(agent, 20)).view
        (request,) = view.snapshot.pending_permissions
        await place.fleet.answer(agent, request.id, Deny(message="not now"), by="Anna")
        await place.fleet.wait(agent, 20)
        calls = [
            entry.item
            for entry in (await place.page(agent)).entries
            if isinstance(entry.item, ToolCall)
        ]
        assert calls[-1].status == "failed"
        told = {"denied": {"by": "Anna", "words": "not now", "told": False}}
        assert given(calls[-1].metadata, {})["sereno"] == told
        assert all("sereno" not in given(one.metadata, {}) for one in calls[:-1])
        (push,) = [one for one in place.heard(agent) if isinstance(one, PermissionPush)]
        extra = given(push.request.metadata, {})["sereno"]
        assert extra["callId"] == calls[-1].call_id


async def test_a_deleted_agent_is_told_from_one_that_is_out_of_sight(tmp_path: Path) -> None:
    async with running(tmp_path, Machine(obedient).runners) as place:
        agent = (await place.create()).snapshot.id
        await place.fleet.delete(agent, by=BY)
        removed = decode_daemon_frame(place.audience.heard[-1].data)
        assert removed == AgentRemoved(agent_id=agent, reason="deleted")
