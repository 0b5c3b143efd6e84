"""Acts of the person as wire requests, and what a reply says about them. Pure."""

from __future__ import annotations

from sereno.core.protocol import additions
from sereno.core.protocol.additions import (
    EndAgentResult,
    TakeBackPrompt,
    TakeBackPromptResult,
    UnarchiveAgent,
    UnarchiveAgentResult,
)
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.importing import AgentResumed, ImportAgent
from sereno.core.protocol.messages import (
    AgentCreated,
    AgentCreateFailed,
    RpcError,
    SendMessageResult,
    SetModelResult,
    SetModeResult,
    SetThinkingResult,
    UpdateAgentResult,
)
from sereno.core.protocol.requests import (
    AgentConfig,
    CancelAgent,
    ClearAttention,
    SendMessage,
    SetAgentMode,
    SetAgentModel,
    SetAgentThinking,
    UpdateAgent,
)
from sereno.core.protocol.requests import ArchiveAgent as ArchiveRequest
from sereno.core.protocol.requests import CreateAgent as CreateRequest
from sereno.core.protocol.values import UNSET, Wire, given
from sereno.tui.messages import (
    Act,
    ArchiveAgent,
    CreateAgent,
    EndAgent,
    ImportSession,
    Interrupt,
    Rename,
    Seen,
    SendPrompt,
    SetMode,
    SetModel,
    SetThinking,
    TakeBack,
    Unarchive,
)

__all__ = ["created", "of", "refusal"]


def of(act: Act) -> Wire:
    """The request for an act; the client numbers it."""
    name = act.agent_id
    match act:
        case SendPrompt():
            return SendMessage(
                request_id="",
                agent_id=name,
                text=act.text,
                message_id=act.message_id,
                delivery=act.delivery,
                images=list(act.images) or UNSET,
            )
        case TakeBack(prompt_id=prompt_id):
            which = UNSET if prompt_id is None else prompt_id
            return TakeBackPrompt(request_id="", agent_id=name, prompt_id=which)
        case Interrupt():
            return CancelAgent(request_id="", agent_id=name)
        case SetMode(mode_id=mode_id):
            return SetAgentMode(request_id="", agent_id=name, mode_id=mode_id)
        case SetModel(model_id=model_id):
            return SetAgentModel(request_id="", agent_id=name, model_id=model_id)
        case SetThinking(option_id=option_id):
            return SetAgentThinking(request_id="", agent_id=name, thinking_option_id=option_id)
        case Rename(name=title):
            return UpdateAgent(request_id="", agent_id=name, name=title)
        case EndAgent():
            return additions.EndAgent(request_id="", agent_id=name)
        case ArchiveAgent():
            return ArchiveRequest(request_id="", agent_id=name)
        case Unarchive():
            return UnarchiveAgent(request_id="", agent_id=name)
        case Seen():
            return ClearAttention(request_id="", agent_id=name)
        case CreateAgent():
            return _creation(act)
        case ImportSession():
            return ImportAgent(
                request_id="", provider=act.provider, session_id=act.session_id, cwd=act.folder
            )
        case _:
            raise TypeError(f"no request for {type(act).__name__}")


def _creation(act: CreateAgent) -> Wire:
    config = AgentConfig(
        provider=act.provider,
        cwd=act.folder,
        mode_id=act.mode_id or UNSET,
        model=act.model_id or UNSET,
        thinking_option_id=act.thinking_id or UNSET,
        title=act.title or UNSET,
    )
    return CreateRequest(
        request_id="",
        config=config,
        initial_prompt=act.task or UNSET,
        images=list(act.images) or UNSET,
        labels={},
    )


def refusal(reply: Wire) -> tuple[str, str] | None:
    """Cause and next step when the reply says no, else None."""
    match reply:
        case RpcError(error=error):
            return error, given(reply.next_step, "")
        case AgentCreateFailed(error=error):
            return error, given(reply.next_step, "")
        case SendMessageResult(accepted=False):
            return reply.error or "The prompt was not taken.", ""
        case (
            SetModeResult(accepted=False)
            | SetModelResult(accepted=False)
            | SetThinkingResult(accepted=False)
            | UpdateAgentResult(accepted=False)
        ):
            return reply.error or "It was not taken.", ""
        case TakeBackPromptResult(error=str(error)) | UnarchiveAgentResult(error=str(error)):
            return error, ""
        case EndAgentResult(error=str(error)):
            return error, ""
        case EndAgentResult(verified=False):
            left = ", ".join(str(pid) for pid in reply.remaining)
            return f"These processes are still there: {left}.", "See them with: ps -p " + left
        case _:
            return None


def created(reply: Wire) -> AgentSnapshot | None:
    """The agent that an act has made."""
    return reply.agent if isinstance(reply, AgentCreated | AgentResumed) else None
