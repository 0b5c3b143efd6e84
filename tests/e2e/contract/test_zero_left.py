"""What changes the shared agent for good: a standing answer, another agent that takes its session
over, and the end, after which nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Reasoning,
    TimelineItem,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.tools import ShellDetail
from sereno.core.protocol.values import UNSET, given
from tests.e2e.contract.conftest import Stage
from tests.e2e.contract.scenarios import scenario
from tests.e2e.contract.test_control import begin_holding, holding
from tests.e2e.harness import alive, until

Script = Callable[..., str]


def standing_action(request: PermissionRequest) -> str:
    """The button for "yes, and do not ask again"."""
    return next(a.id for a in given(request.actions, []) if given(a.standing, False))


def shape(item: TimelineItem) -> tuple[str, ...]:
    """What must be told of an item, also of one that is told later."""
    match item:
        case ToolCall(detail=ShellDetail(command=command, output=output), status=status):
            return ("shell", command, given(output, "").strip(), status)
        case UserMessage(text=text) | AssistantMessage(text=text) | Reasoning(text=text):
            return (type(item).__name__, text.strip())
        case _:
            return (type(item).__name__,)


@scenario("session")
def test_a_yes_for_the_session(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    # Some programs take the answer for every `mkdir`: no other scenario makes a folder.
    tool = {"kind": "shell", "command": "mkdir -p standing"}
    talk.send(script({"tool": tool}, {"text": "One."}))
    request = talk.asked()
    talk.allow(request, selected_action_id=standing_action(request))
    talk.finish()
    talk.send(script({"tool": tool}, {"text": "Two."}))
    talk.finish()
    assert talk.said().endswith("Two.")
    assert talk.call().status == "completed"
    assert not list(stage.world.work.rglob("settings.local.json"))


@scenario("import")
def test_a_session_from_outside(stage: Stage, script: Script) -> None:
    """Ours is forgotten first: then its session is one that was begun outside."""
    word = f"saffron{uuid4().hex[:8]}"
    session = stage.talk()
    session.send(script({"text": f"I keep the word {word}."}))
    session.finish()
    tool = {"kind": "shell", "command": "touch imported"}
    session.send(script({"tool": tool}, {"text": "Done."}))
    session.allow(session.asked())
    session.finish()
    handle = session.handle()
    talk = [shape(item) for item in session.items()][-5:]
    stage.give_up()
    session.delete()
    (kept,) = [one for one in session.kept() if one.session_id == handle]
    assert kept.agent_id is UNSET
    assert kept.title
    stage.shared = taken = session.take_over(kept)
    assert [shape(item) for item in taken.items()][-5:] == talk
    taken.send(script({"text": "I remember."}))
    taken.finish()
    assert taken.said() == "I remember."
    assert taken.handle() == handle
    assert word in str(stage.models.turns()[-1]["body"])
    again = taken.import_again(kept)
    assert again.error_code == "already_imported"
    assert taken.agent_id[:8] in given(again.error, "")


@scenario("stop")
def test_t65_the_end_leaves_nothing(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    name = begin_holding(talk, script)
    pids = [row.pid for row in talk.inspect().processes]
    assert len(pids) >= 3
    ended = talk.end()
    assert (ended.verified, ended.remaining, ended.error) == (True, [], None)
    until(lambda: not any(alive(pid) for pid in pids), "all are gone")
    assert not holding(name)
    assert talk.inspect().processes == []
