"""What official apps and the official command line ask besides agents (wire reference 6.6.6, 6.9,
6.10, 6.12): what there is of it is told, and what there is not, is none or refused in words."""

from __future__ import annotations

from sereno.core.agents.errors import AgentError
from sereno.core.protocol.apps import (
    AgentRefreshed,
    ClosedAgent,
    ClosedTerminal,
    CloseItems,
    CloseItemsResult,
    DaemonConfig,
    DictationError,
    DictationFinish,
    DictationStart,
    EditorsList,
    GetDaemonConfig,
    GetDaemonConfigResult,
    ListEditors,
    ListProviderFeatures,
    ListTerminals,
    ListWorktrees,
    McpConfig,
    ProviderConfig,
    ProviderFeatures,
    RefreshAgent,
    SetAgentFeature,
    SetFeatureResult,
    SubscribeTerminals,
    TerminalsChanged,
    TerminalsList,
    UnsubscribeTerminals,
    WorktreesList,
)
from sereno.core.protocol.frames import decode_daemon_frame
from sereno.core.protocol.messages import TimelinePage
from sereno.core.protocol.requests import FetchTimeline
from sereno.core.protocol.values import given, iso
from sereno.core.sessions.dispatch import Call, Table
from sereno.core.sessions.replies import RequestFailed, activity
from sereno.core.store.errors import StoreError

__all__ = ["table"]

table = Table()


@table.handles(RefreshAgent)
async def refresh(call: Call, request: RefreshAgent) -> AgentRefreshed:
    """Never costs work: a program that has something to do is not ended."""
    fleet, agent_id = call.services.fleet, request.agent_id
    agent = fleet.view(agent_id).snapshot
    if given(agent.archived_at, None) is not None:
        await fleet.unarchive(agent_id, by=call.by)
    elif agent.status in ("running", "initializing"):
        raise RequestFailed(
            "It is at work, and would lose that.", "Stop it first, or wait until it has finished."
        )
    else:
        if agent.status == "idle":
            await fleet.park(agent_id, by=call.by)
        elif agent.status == "error":
            await fleet.end(agent_id, by=call.by)
        await fleet.start(agent_id, by=call.by)
    page = decode_daemon_frame(
        await fleet.timeline(
            FetchTimeline(
                request_id="", agent_id=agent_id, direction="tail", limit=1, projection="canonical"
            )
        )
    )
    assert isinstance(page, TimelinePage)
    return AgentRefreshed(
        request_id=request.request_id, agent_id=agent_id, timeline_size=page.window.max_seq
    )


@table.handles(CloseItems)
async def close_items(call: Call, request: CloseItems) -> CloseItemsResult:
    """An agent that cannot be archived is left out (6.6.6), and the session is told why."""
    closed = []
    for agent_id in request.agent_ids:
        try:
            view = await call.services.fleet.archive(agent_id, by=call.by)
        except (AgentError, StoreError) as error:
            words = f"{error.message} {error.next_step}".strip()
            call.answer(activity(words, call.services.now_ms()))
            continue
        at = given(view.snapshot.archived_at, None) or iso(call.services.now_ms())
        closed.append(ClosedAgent(agent_id=agent_id, archived_at=at))
    return CloseItemsResult(
        request_id=request.request_id,
        agents=closed,
        terminals=[ClosedTerminal(terminal_id=one, success=False) for one in request.terminal_ids],
    )


@table.handles(SetAgentFeature)
def set_feature(_: Call, request: SetAgentFeature) -> SetFeatureResult:
    error = f"Sereno cannot set {request.feature_id} yet; set it in the agent's own program."
    return SetFeatureResult(
        request_id=request.request_id, agent_id=request.agent_id, accepted=False, error=error
    )


@table.handles(ListProviderFeatures)
def features(call: Call, request: ListProviderFeatures) -> ProviderFeatures:
    """What a program has is known once it runs; a draft has none."""
    provider = request.draft_config.get("provider")
    return ProviderFeatures(
        request_id=request.request_id,
        provider=provider if isinstance(provider, str) else "",
        fetched_at=iso(call.services.now_ms()),
        features=[],
    )


@table.handles(GetDaemonConfig)
async def config(call: Call, request: GetDaemonConfig) -> GetDaemonConfigResult:
    entries = await call.services.providers.entries()
    providers = {one.provider: ProviderConfig(enabled=given(one.enabled, True)) for one in entries}
    return GetDaemonConfigResult(
        request_id=request.request_id, config=DaemonConfig(mcp=McpConfig(), providers=providers)
    )


@table.handles(ListTerminals)
def terminals(_: Call, request: ListTerminals) -> TerminalsList:
    return TerminalsList(request_id=request.request_id, cwd=request.cwd)


@table.handles(SubscribeTerminals)
def subscribe_terminals(_: Call, request: SubscribeTerminals) -> TerminalsChanged:
    return TerminalsChanged(cwd=request.cwd)


@table.handles(UnsubscribeTerminals)
def unsubscribe_terminals(_: Call, request: UnsubscribeTerminals) -> None:
    """Nothing would have been told."""


@table.handles(ListEditors)
def editors(_: Call, request: ListEditors) -> EditorsList:
    return EditorsList(request_id=request.request_id)


@table.handles(ListWorktrees)
def worktrees(_: Call, request: ListWorktrees) -> WorktreesList:
    return WorktreesList(request_id=request.request_id)


@table.handles(DictationStart)
@table.handles(DictationFinish)
def dictation(_: Call, request: DictationStart | DictationFinish) -> DictationError:
    return DictationError(
        dictation_id=request.dictation_id,
        error="Sereno has no dictation. The keyboard of your phone may have one.",
        reason_code="unsupported",
    )
