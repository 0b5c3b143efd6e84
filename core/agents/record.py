"""What is remembered of an agent besides its timeline, ledger and queue: one frozen value.

Stored as JSON in the agents table. Fields may be added with a default; none may change its
meaning without a migration. Not here: how it changes (life.py), how clients see it (snapshot.py).
"""

from __future__ import annotations

import functools

import msgspec

from sereno.core.agents.states import State
from sereno.core.protocol.agents import (
    AttentionReason,
    Capabilities,
    Command,
    Feature,
    Mode,
    ProjectPlacement,
    Usage,
)
from sereno.core.protocol.decoders import decoder

__all__ = [
    "AgentRecord",
    "Attention",
    "Denial",
    "Failure",
    "Reported",
    "Turn",
    "Wish",
    "decode",
    "encode",
]


class Failure(msgspec.Struct, frozen=True):
    """Why the agent is in FAILED or BROKEN, in words for a person."""

    message: str
    code: str = ""
    next_step: str | None = None


class Attention(msgspec.Struct, frozen=True):
    """The unread mark (wire reference 6.14)."""

    reason: AttentionReason
    at_ms: int


class Turn(msgspec.Struct, frozen=True):
    """The turn that runs. `interrupted_by`: who asked to cancel it; None: nobody."""

    prompt_id: str
    started_ms: int
    interrupted_by: str | None = None


class Denial(msgspec.Struct, frozen=True):
    """Who said no to a tool call, and their reason."""

    by: str
    words: str = ""
    told: bool = True
    """Whether the words reach the agent, too."""


class Wish(msgspec.Struct, frozen=True):
    """How a new process is to be set up."""

    mode: str | None = None
    model: str | None = None
    thinking: str | None = None


class Reported(msgspec.Struct, frozen=True):
    """What the program said about itself when it was ready, and since."""

    capabilities: Capabilities = msgspec.field(default_factory=Capabilities)
    modes: tuple[Mode, ...] = ()
    mode_id: str | None = None
    model_id: str | None = None
    thinking_option_id: str | None = None
    features: tuple[Feature, ...] = ()
    commands: tuple[Command, ...] = ()
    takes_words: bool | None = None
    """Whether the reason of a denial reaches it; None: it has not said."""


class AgentRecord(msgspec.Struct, frozen=True):
    """Times are epoch milliseconds."""

    id: str
    provider: str
    cwd: str
    created_ms: int
    epoch: str
    placement: ProjectPlacement
    wish: Wish
    title: str | None
    title_given: bool
    labels: dict[str, str]
    updated_ms: int
    state: State = State.CLOSED
    archived_ms: int | None = None
    last_user_ms: int | None = None
    session_id: str | None = None
    reported: Reported = Reported()
    usage: Usage | None = None
    failure: Failure | None = None
    attention: Attention | None = None
    turn: Turn | None = None
    held: bool = False
    """The queue waits for the person: the last turn was cancelled or failed."""
    last_line: str = ""
    run_started_ms: int | None = None
    exit: str | None = None
    """How the last process ended, in words."""
    parked: bool = False
    """It was ended, or is being ended, because it was idle; the next prompt goes on."""
    since_ms: int = 0
    """When its present state began; 0 in records of older releases."""
    worked_ms: int | None = None
    """When the first turn of the present run began."""
    heard: int = 0
    """The journal offset up to which all but a half line was taken, where that is behind the
    committed position; else 0."""
    denials: dict[str, Denial] = {}
    """Tool calls of the present turn to which a person said no, by call id."""


_encoder = msgspec.json.Encoder()


@functools.cache
def _decoder() -> msgspec.json.Decoder[AgentRecord]:
    """Made where there is an agent: a daemon without any starts sooner."""
    return decoder(AgentRecord)


def encode(record: AgentRecord) -> bytes:
    return _encoder.encode(record)


def decode(data: bytes) -> AgentRecord:
    """Raises msgspec.DecodeError for what no release of Sereno has written."""
    return _decoder().decode(data)
