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


@dataclass(eq=False, repr=False)
class Act(Message):
    """Something that the person wants done to an agent. Equal to another one that wants the same:
    said here once, for a class of each kind that makes its own takes part of every start."""

    agent_id: str

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({vars(self)})"


@dataclass(eq=False, repr=False)
class SendPrompt(Act):
    text: str
    message_id: str
    delivery: Literal["queue", "interrupt"] = "queue"
    images: tuple[Image, ...] = ()


@dataclass(eq=False, repr=False)
class TakeBack(Act):
    """A queued prompt comes back; None: the newest. The reply is a TakeBackPromptResult."""

    prompt_id: str | None = None


class Interrupt(Act):
    """Stops the turn; the agent stays."""


@dataclass(eq=False, repr=False)
class Answer(Act):
    request_id: str
    response: PermissionResponse


@dataclass(eq=False, repr=False)
class SetMode(Act):
    mode_id: str


@dataclass(eq=False, repr=False)
class SetModel(Act):
    model_id: str | None


@dataclass(eq=False, repr=False)
class SetThinking(Act):
    option_id: str | None


class LoadOlder(Act):
    """The page of the timeline before what is here."""


@dataclass(eq=False, repr=False)
class Rename(Act):
    name: str


class EndAgent(Act):
    """Ends the whole process tree; asked and confirmed before it is posted."""


class ArchiveAgent(Act):
    """Ends the agent and puts it away; `Unarchive` undoes it."""


class Unarchive(Act):
    pass


class Seen(Act):
    """The person looked at it: its mark of attention goes."""


@dataclass(eq=False, repr=False)
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


@dataclass(eq=False, repr=False)
class ImportSession(Act):
    """A session of an agent program becomes an agent; `agent_id` is empty. The reply is an
    AgentResumed."""

    provider: str
    session_id: str
    folder: str


@dataclass(eq=False, repr=False)
class ActDone(Message):
    """An act succeeded; `reply` is the daemon's answer, None where there is none."""

    act: Act
    reply: Wire | None


@dataclass(eq=False, repr=False)
class ActFailed(Message):
    """An act failed; `words` say the cause and the next step."""

    act: Act
    words: str
