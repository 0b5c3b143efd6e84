"""One agent as a client drives it, with waiting: what every scenario of the contract is told in.

Over the daemon's unix socket, blocking; nothing here knows which program is driven.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, TypeVar

from sereno.core.client.blocking import SyncClient
from sereno.core.protocol.additions import (
    EndAgent,
    EndAgentResult,
    InspectAgent,
    InspectAgentResult,
)
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.importing import (
    AgentResumed,
    ImportAgent,
    ListProviderSessions,
    ProviderSession,
    ProviderSessions,
)
from sereno.core.protocol.messages import (
    AgentCreated,
    AgentCreateFailed,
    FetchAgentResult,
    WaitResult,
)
from sereno.core.protocol.permissions import (
    Allow,
    Deny,
    PermissionRequest,
    PermissionResponse,
)
from sereno.core.protocol.requests import (
    AgentConfig,
    CancelAgent,
    CreateAgent,
    DeleteAgent,
    FetchAgent,
    FetchTimeline,
    Image,
    PermissionAnswer,
    SendMessage,
    SetAgentMode,
    SetAgentModel,
    WaitForFinish,
)
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Reasoning,
    TimelineItem,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.values import UNSET
from tests.e2e.harness import World

__all__ = ["TURN_S", "Session"]

TURN_S = 60.0
Item = TypeVar("Item", bound=TimelineItem)


class Session:
    """`agent_id` is made at once; the program starts with the first prompt."""

    def __init__(self, world: World, provider: str, prompt: str, **wishes: Any) -> None:
        self.world, self.provider = world, provider
        config = AgentConfig(provider=provider, cwd=str(world.work), **wishes)
        with self.client() as client:
            made = client.request(CreateAgent(request_id="", config=config, initial_prompt=prompt))
        assert isinstance(made, AgentCreated), made
        self.agent_id = made.agent_id

    def client(self) -> SyncClient:
        return self.world.client()

    # What a person does

    def send(self, text: str, images: Sequence[Image] = ()) -> None:
        message = SendMessage(request_id="", agent_id=self.agent_id, text=text)
        message.images = list(images) or UNSET
        with self.client() as client:
            client.request(message)

    def answer(self, request: PermissionRequest, response: PermissionResponse) -> None:
        """Sends an answer and waits until the request is gone."""
        message = PermissionAnswer(agent_id=self.agent_id, request_id=request.id, response=response)
        with self.client() as client:
            client.send_bytes(_encoded(message))
            deadline, heard = time.monotonic() + TURN_S, []
            while request.id in self.open():
                # An answer has no reply; where it is refused, that comes as a push.
                heard.append(client.next_push(0.05))
                assert time.monotonic() < deadline, (heard, self.world.log())

    def allow(self, request: PermissionRequest, **fields: Any) -> None:
        self.answer(request, Allow(**fields))

    def deny(self, request: PermissionRequest, **fields: Any) -> None:
        self.answer(request, Deny(**fields))

    def interrupt(self) -> None:
        with self.client() as client:
            client.request(CancelAgent(agent_id=self.agent_id, request_id=""))

    def set_mode(self, mode_id: str) -> None:
        with self.client() as client:
            client.request(SetAgentMode(request_id="", agent_id=self.agent_id, mode_id=mode_id))

    def set_model(self, model_id: str) -> None:
        with self.client() as client:
            client.request(SetAgentModel(request_id="", agent_id=self.agent_id, model_id=model_id))

    def end(self) -> EndAgentResult:
        with self.client() as client:
            ended = client.request(EndAgent(request_id="", agent_id=self.agent_id))
        assert isinstance(ended, EndAgentResult)
        return ended

    def delete(self) -> None:
        with self.client() as client:
            client.request(DeleteAgent(request_id="", agent_id=self.agent_id))

    # Sessions that the program keeps

    def kept(self) -> list[ProviderSession]:
        """Those of our folder."""
        message = ListProviderSessions(
            request_id="", cwd=str(self.world.work), provider=self.provider
        )
        with self.client() as client:
            told = client.request(message, TURN_S)
        assert isinstance(told, ProviderSessions)
        assert told.problems == []
        return told.sessions

    def take_over(self, kept: ProviderSession) -> Session:
        """Another agent of ours, for a session that the program keeps."""
        told = self._import(kept)
        assert isinstance(told, AgentResumed), told
        taken = Session.__new__(Session)
        taken.world, taken.provider, taken.agent_id = self.world, self.provider, told.agent_id
        return taken

    def import_again(self, kept: ProviderSession) -> AgentCreateFailed:
        told = self._import(kept)
        assert isinstance(told, AgentCreateFailed)
        return told

    def _import(self, kept: ProviderSession) -> object:
        message = ImportAgent(
            request_id="", provider=kept.provider, session_id=kept.session_id, cwd=kept.cwd
        )
        with self.client() as client:
            return client.request(message, TURN_S)

    # What a person sees

    def snapshot(self) -> AgentSnapshot:
        with self.client() as client:
            found = client.request(FetchAgent(request_id="", agent_id=self.agent_id))
        assert isinstance(found, FetchAgentResult)
        assert found.agent is not None, found.error
        return found.agent

    def open(self) -> dict[str, PermissionRequest]:
        return {request.id: request for request in self.snapshot().pending_permissions}

    def inspect(self) -> InspectAgentResult:
        with self.client() as client:
            found = client.request(InspectAgent(request_id="", agent_id=self.agent_id))
        assert isinstance(found, InspectAgentResult)
        return found

    def wait(self, limit_s: float = TURN_S) -> WaitResult:
        """Until the turn ends or asks."""
        message = WaitForFinish(request_id="", agent_id=self.agent_id)
        with self.client() as client:
            done = client.request(message, limit_s)
        assert isinstance(done, WaitResult)
        return done

    def finish(self) -> WaitResult:
        """Until the turn has ended well."""
        done = self.wait()
        assert done.status == "idle", (done, self.world.log())
        return done

    def asked(self) -> PermissionRequest:
        """The request that the turn waits with."""
        done = self.wait()
        assert done.status == "permission", (done, self.world.log())
        return next(iter(self.open().values()))

    def items(self) -> list[TimelineItem]:
        """The whole talk, chunks joined and each tool call once."""
        message = FetchTimeline(
            request_id="", agent_id=self.agent_id, direction="tail", limit=0, projection="projected"
        )
        with self.client() as client:
            page: Any = client.request(message)
        return [entry.item for entry in page.entries]

    def turn(self) -> list[TimelineItem]:
        """The items since the last prompt."""
        items = self.items()
        last = max(n for n, item in enumerate(items) if isinstance(item, UserMessage))
        return items[last + 1 :]

    def said(self) -> str:
        return "".join(item.text for item in self.turn() if isinstance(item, AssistantMessage))

    def thought(self) -> str:
        return "".join(item.text for item in self.turn() if isinstance(item, Reasoning))

    def calls(self) -> list[ToolCall]:
        return [item for item in self.turn() if isinstance(item, ToolCall)]

    def call(self) -> ToolCall:
        """The only tool call of the turn."""
        (call,) = self.calls()
        return call

    def handle(self) -> str:
        """By what the program knows the session."""
        kept = self.snapshot().persistence
        assert kept is not None
        return kept.session_id

    def pid(self) -> int:
        """Of the program, once it runs."""
        deadline = time.monotonic() + TURN_S
        while (pid := self.inspect().agent_pid) is None:
            assert time.monotonic() < deadline, "the program does not run"
            time.sleep(0.02)
        return pid


def _encoded(message: PermissionAnswer) -> bytes:
    from sereno.core.protocol.frames import encode_request

    return encode_request(message)
