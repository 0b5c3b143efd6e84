"""Sub-agents: agents that the agent begins; a person sees one call, with what is done under it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sereno.core.protocol.timeline import TimelineItem, ToolCall, UserMessage
from sereno.core.protocol.tools import SubAgentDetail
from tests.e2e.contract.conftest import Stage
from tests.e2e.contract.scenarios import scenario
from tests.e2e.contract.session import TURN_S, Session
from tests.e2e.harness import until

Script = Callable[..., str]


def begin(stage: Stage, script: Script, *steps: dict[str, Any]) -> Session:
    """An agent whose sub-agent has these steps; it ends its own turn at once."""
    if stage.program.delegates is None:
        talk = stage.talk()
    else:
        talk = stage.fresh(model=stage.program.delegates)
    tool = {"kind": "agent", "description": "look_around", "steps": steps}
    last = [{"text": "It is on its way."}, {"text": "It is back."}, {"text": "It is back."}]
    prompt = script({"text": "Sending.", "tool": tool}, *last)
    talk.send(prompt)
    until(lambda: UserMessage(text=prompt) in map(_bare, talk.items()), "the prompt", TURN_S)
    return talk


def _bare(item: TimelineItem) -> TimelineItem:
    return UserMessage(text=item.text) if isinstance(item, UserMessage) else item


def delegated(talk: Session) -> ToolCall | None:
    """The call that began the sub-agent, once that has ended."""
    calls = [call for call in talk.calls() if isinstance(call.detail, SubAgentDetail)]
    return next((call for call in calls if call.status not in ("running",)), None)


def settle(stage: Stage, talk: Session) -> None:
    """Waits for the last turn that comes of it: the next prompt must not fall into it."""
    if stage.program.comes_back:
        until(lambda: "It is back." in talk.said(), "its own turn", TURN_S)
    talk.finish()


@scenario("sub_agent")
def test_a_sub_agent_works_by_itself(stage: Stage, script: Script) -> None:
    (stage.world.work / "map.txt").write_text("here be dragons\n")
    look = {"kind": "read", "path": str(stage.world.work / "map.txt")}
    talk = begin(stage, script, {"tool": look}, {"text": "There are dragons."})

    def ended() -> ToolCall | None:
        for request in talk.open().values():
            talk.allow(request)  # Codex asks even for reading
        return delegated(talk)

    call = until(ended, "the end of the sub-agent", TURN_S)
    assert call is not None
    assert call.status == "completed", call
    assert isinstance(call.detail, SubAgentDetail)
    assert "There are dragons." in call.detail.log
    assert "<" not in call.detail.log, "nothing that is meant for the model"
    settle(stage, talk)


@scenario("sub_agent_asks")
def test_what_a_sub_agent_wants_is_asked_for(stage: Stage, script: Script) -> None:
    run = {"kind": "shell", "command": "touch delegated"}
    talk = begin(stage, script, {"tool": run}, {"text": "It is made."})

    def allowed() -> ToolCall | None:
        for request in talk.open().values():
            assert not (stage.world.work / "delegated").exists()
            assert "sub-agent" in str(request.description)
            talk.allow(request)
        return delegated(talk)

    call = until(allowed, "the end of the sub-agent", TURN_S)
    assert call is not None
    assert call.status == "completed", call
    assert isinstance(call.detail, SubAgentDetail)
    assert [action.summary for action in call.detail.actions] == ["touch delegated"]
    assert (stage.world.work / "delegated").exists()
    settle(stage, talk)
