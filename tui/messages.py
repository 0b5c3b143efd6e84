"""What widgets ask of the app: small messages that bubble up; the app alone talks to the link.

The screen that posted one gets `ActDone` or `ActFailed` back. Not here: how it is done (link.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.message import Message

from sereno.core.protocol.permissions import PermissionResponse
from sereno.core.protocol.requests import Image
from sereno.core.protocol.values import Wire

__all__ = [
    "Act",
    "ActDone",
    "ActFailed",
    "Answer",
    "ArchiveAgent",
    "CreateAgent",
    "EndAgent",
    "ImportSession",
    "Interrupt",
    "LoadOlder",
    "Rename",
    "Seen",
    "SendPrompt",
    "SetMode",
    "SetModel",
    "SetThinking",
    "TakeBack",
    "Unarchive",
]


@dataclass
class Act(Message):
    """Something that the person wants done to an agent."""

    agent_id: str


@dataclass
class SendPrompt(Act):
    text: str
    message_id: str
    delivery: Literal["queue", "interrupt"] = "queue"
    images: tuple[Image, ...] = ()


@dataclass
class TakeBack(Act):
    """A queued prompt comes back; None: the newest. The reply is a TakeBackPromptResult."""

    prompt_id: str | None = None


@dataclass
class Interrupt(Act):
    """Stops the turn; the agent stays."""


@dataclass
class Answer(Act):
    request_id: str
    response: PermissionResponse


@dataclass
class SetMode(Act):
    mode_id: str


@dataclass
class SetModel(Act):
    model_id: str | None


@dataclass
class SetThinking(Act):
    option_id: str | None


@dataclass
class LoadOlder(Act):
    """The page of the timeline before what is here."""


@dataclass
class Rename(Act):
    name: str


@dataclass
class EndAgent(Act):
    """Ends the whole process tree; asked and confirmed before it is posted."""


@dataclass
class ArchiveAgent(Act):
    """Ends the agent and puts it away; `Unarchive` undoes it."""


@dataclass
class Unarchive(Act):
    pass


@dataclass
class Seen(Act):
    """The person looked at it: its mark of attention goes."""


@dataclass
class CreateAgent(Act):
    """A new agent; `agent_id` is empty. The reply is an AgentCreated."""

    provider: str
    folder: str
    task: str
    mode_id: str | None = None
    model_id: str | None = None
    thinking_id: str | None = None
    title: str | None = None
    images: tuple[Image, ...] = ()


@dataclass
class ImportSession(Act):
    """A session of an agent program becomes an agent; `agent_id` is empty. The reply is an
    AgentResumed."""

    provider: str
    session_id: str
    folder: str


@dataclass
class ActDone(Message):
    """An act succeeded; `reply` is the daemon's answer, None where there is none."""

    act: Act
    reply: Wire | None


@dataclass
class ActFailed(Message):
    """An act failed; `words` say the cause and the next step."""

    act: Act
    words: str
