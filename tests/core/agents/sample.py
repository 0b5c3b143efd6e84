"""Made-up agents, steps and requests for the pure tests of this folder."""

from __future__ import annotations

from sereno.core.agents.news import EventNews, News, PayloadNews, RowNews, StateNews
from sereno.core.agents.record import AgentRecord, Wish
from sereno.core.agents.snapshot import snapshot
from sereno.core.agents.states import State
from sereno.core.agents.step import Base, Step
from sereno.core.protocol.agents import Capabilities, Checkout, ProjectPlacement
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.providers import effects
from sereno.core.store.agents import Progress
from sereno.core.store.prompts import PromptRow
from sereno.core.store.steps import StepRows

PLACE = ProjectPlacement(
    project_key="/p",
    project_name="p",
    checkout=Checkout(
        cwd="/p",
        is_git=False,
        current_branch=None,
        remote_url=None,
        is_paseo_owned_worktree=False,
        main_repo_root=None,
    ),
)


def record(state: State = State.CLOSED) -> AgentRecord:
    return AgentRecord(
        id="a1234567-89",
        provider="demo",
        cwd="/p",
        created_ms=1,
        epoch="e1",
        placement=PLACE,
        wish=Wish(),
        title=None,
        title_given=False,
        labels={},
        updated_ms=1,
        state=state,
    )


def base(state: State = State.CLOSED) -> Base:
    return Base(record(state), Progress(run=1, driver=b"d"))


def prompt(identity: str = "p1", message_id: str | None = "m1") -> PromptRow:
    return PromptRow(identity, message_id, "do it", None, "Anna", "queued", 5)


def request(identity: str = "r1") -> PermissionRequest:
    return PermissionRequest(id=identity, provider="demo", name="Bash", kind="tool", title="Run")


READY = effects.Ready("s1", resumed=False, capabilities=Capabilities())


def finish(step: Step) -> tuple[StepRows, Base, list[News]]:
    return step.finish(lambda: b"d")


def told(news: list[News]) -> list[str]:
    """News in short: "row", "state idle", "event turn_started", "payload PermissionPush"."""
    short: list[str] = []
    for one in news:
        match one:
            case RowNews():
                short.append("row")
            case StateNews(picture):
                short.append(f"state {snapshot(picture).status}")
            case EventNews(event):
                short.append(f"event {event.__struct_config__.tag}")
            case PayloadNews(payload):
                short.append(f"payload {type(payload).__name__}")
    return short
