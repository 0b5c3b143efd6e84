"""What the Claude driver must remember over a restart of the daemon, and the core its parts share.

`State` is the snapshot: small, because it is stored with nearly every batch. Not in it: texts that
are in the timeline already, lists of modes, models and commands (only checksums).
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from sereno.core.protocol.agents import Command, Model
from sereno.core.protocol.timeline import ToolStatus
from sereno.core.providers.common.core import Core as Base
from sereno.core.providers.common.core import DriverState
from sereno.core.providers.driver import Setup

__all__ = [
    "Call",
    "Core",
    "Grant",
    "Limit",
    "ModelFacts",
    "OpenRequest",
    "State",
    "message_uuid",
]


class Call(msgspec.Struct, omit_defaults=True):
    """A tool call as far as it is known. `parent`: the call of the sub-agent that it belongs to."""

    id: str
    name: str = ""
    input: dict[str, Any] = {}
    status: ToolStatus = "running"
    text: str = ""
    """What the program gave back to the model."""
    result: dict[str, Any] = {}
    """The same with its parts named: `tool_use_result`."""
    parent: str = ""
    denied: bool = False
    background: bool = False
    """It goes on after it was answered: a sub-agent or a command in the background."""
    log: str = ""
    actions: list[tuple[str, str]] = []
    """Of a sub-agent: the tools it used, and a line about each."""
    used: int = 0
    """How many these were; only the last ones are kept."""
    digest: int = 0


class Grant(msgspec.Struct, array_like=True):
    """A standing answer: the program's own suggestions, for this session only."""

    id: str
    label: str
    updates: list[dict[str, Any]]


class OpenRequest(msgspec.Struct, omit_defaults=True):
    """A question that waits. `input`: what the program wants to run, as it said it.

    `whole`: whether that is all of it; what is too long is not kept, and not editable. `hidden`:
    not all of it could be shown either, so that it can be denied only.
    """

    rpc_id: str
    call_id: str
    tool: str
    input: dict[str, Any] = {}
    whole: bool = True
    hidden: bool = False
    grants: list[Grant] = []
    agent_id: str = ""
    reason: str = ""
    description: str = ""
    plan: str = ""


class Known(msgspec.Struct, omit_defaults=True):
    """The fill of the context."""

    context_used: float | None = None
    context_size: float | None = None


class Limit(msgspec.Struct, array_like=True):
    """The account's limit, as the program last said it. `resets_at`: seconds since 1970."""

    status: str
    kind: str = ""
    resets_at: int = 0


class ModelFacts(msgspec.Struct, array_like=True):
    """Of an offered model: its id, the name that the program resolves it to, its efforts."""

    id: str
    resolved: str
    efforts: list[str]


class State(DriverState, omit_defaults=True):
    """What this driver remembers besides. Of `peer` only its half line, its numbers and its open
    calls are used: this is no JSON-RPC.
    """

    session_id: str = ""
    resuming: bool = False
    mode: str | None = None
    chosen: str | None = None
    """The mode that a person last asked for in this run, if any: the program may go there."""
    model: str | None = None
    thinking: str | None = None
    models: list[ModelFacts] = []
    offered: tuple[Model, ...] = ()
    commands: tuple[Command, ...] = ()
    """Both only until Ready has told them."""
    prompt_uuid: str = ""
    prompts: int = 0
    spoken: bool = False
    """The turn has said something to the person."""
    local_output: str = ""
    """What a slash command printed, until something was said."""
    message_id: str = ""
    streamed: str = ""
    """Kind of the content block of which pieces have come: its whole must not be said again."""
    calls: dict[str, Call] = {}
    finished: list[str] = []
    """Ids of the finished among them, oldest first."""
    todos: dict[str, tuple[str, bool]] = {}
    """The program's list of tasks, where it keeps one: text, done."""
    tasks: dict[str, str] = {}
    """What runs in the background: task id, and its call."""
    begun: list[str] = []
    """Those of them that began in the running turn."""
    requests: dict[str, OpenRequest] = {}
    usage: Known = msgspec.field(default_factory=Known)
    limit: Limit | None = None
    error_kind: str = ""
    """Of the model's last error in this turn: authentication_failed, rate_limit, …"""


class Core(Base[State]):
    """The core of the parts of this driver."""

    def facts_of(self, model_id: str | None) -> ModelFacts | None:
        return next((m for m in self.state.models if m.id == (model_id or "default")), None)


def message_uuid(setup: Setup, session_id: str, number: int, prompt_id: str) -> str:
    """The id of our `number`th message: the program names it when it is done with it.

    Never the same twice in one session, whatever agent and run it comes from: the program takes a
    message with a known id for one that it has had, and says nothing at all.
    """
    parts = ("sereno", setup.session_id, setup.run, session_id, number, prompt_id)
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "\0".join(str(part) for part in parts)))
