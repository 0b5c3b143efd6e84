"""Parking real programs: refused while a command of theirs runs on, else without a loss."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from sereno.core.client.errors import RpcError
from sereno.core.protocol.additions import ParkAgent, ParkAgentResult
from sereno.core.protocol.values import given
from tests.e2e.contract.conftest import Stage
from tests.e2e.contract.scenarios import scenario
from tests.e2e.contract.session import Session
from tests.e2e.contract.test_control import begin_holding, holding
from tests.e2e.harness import alive, until

Script = Callable[..., str]


def park(session: Session) -> ParkAgentResult:
    with session.client() as client:
        parked = client.request(ParkAgent(request_id="", agent_id=session.agent_id))
    assert isinstance(parked, ParkAgentResult)
    return parked


@scenario("park")
def test_parked_without_a_loss(stage: Stage, script: Script) -> None:
    word = f"marmalade{uuid.uuid4().hex[:8]}"
    session = stage.talk()
    session.send(script({"text": f"I keep the word {word}."}))
    session.finish()
    name = begin_holding(session, script)
    with pytest.raises(RpcError, match="A turn runs"):
        park(session)
    session.interrupt()
    session.finish()
    until(lambda: not holding(name), "the command is gone")
    runner, *processes = [row.pid for row in session.inspect().processes]
    before = session.snapshot()
    parked = park(session)
    assert (parked.verified, parked.remaining, parked.error) == (True, [], None)
    assert not [pid for pid in processes if alive(pid)]
    until(lambda: not alive(runner), "the runner, which reported the end, has left too")
    closed = session.snapshot()
    assert closed.sereno
    assert (closed.status, given(closed.sereno.parked, False)) == ("closed", True)
    session.send(script({"text": "Still here."}))
    session.finish()
    assert session.said() == "Still here."
    after = session.snapshot()
    assert after.persistence == before.persistence
    assert after.current_mode_id == before.current_mode_id
    assert word in str(stage.models.turns()[-1]["body"])
