"""What the Codex driver must remember over a restart of the daemon, and the core its parts share.

`State` is the snapshot: small, because it is stored with nearly every batch. Not in it: what is in
the timeline already, lists of models (Codex is asked again).
"""

from __future__ import annotations

from typing import Any

import msgspec

from sereno.core.protocol.agents import Command, Model
from sereno.core.providers.common.core import DriverState
from sereno.core.providers.common.lines import PeerCore

__all__ = [
    "Child",
    "Core",
    "ItemRecord",
    "Limit",
    "OpenRequest",
    "State",
    "Tokens",
]


class ItemRecord(msgspec.Struct, omit_defaults=True):
    """An item of a turn that has begun and not ended. `item`: as the program last told it."""

    item: dict[str, Any]
    output: str = ""
    """The end of what it has printed so far."""
    printed: int = 0
    told: int = 0
    """Characters printed in all, and how many of them when it was last shown."""
    denied: bool = False
    nested: bool = False
    """It belongs to a sub-agent, and is shown with that."""
    size: int = 0
    """Bytes of the line that told it."""
    digest: int = 0
    """Checksum of the timeline item last emitted."""


class OpenRequest(msgspec.Struct, omit_defaults=True):
    """A request of the program that waits for a person. `params`: what its answer needs.

    `facts`: checksum of what the person was shown; `asks`: how often it was shown.
    """

    rpc_id: Any
    method: str
    thread_id: str = ""
    turn_id: str = ""
    item_id: str = ""
    params: dict[str, Any] = {}
    subject: str = ""
    """What was asked for, in a few words, for the agent when it is told why not."""
    facts: str = ""
    kept: str = ""
    """The same of what is kept of it, to see later whether it has changed."""
    asks: int = 1
    size: int = 0


class Child(msgspec.Struct, omit_defaults=True):
    """A sub-agent: a thread of its own in the same process."""

    call_id: str = ""
    turn_id: str = ""
    name: str = ""
    model: str = ""
    prompt: str = ""
    log: str = ""
    actions: list[tuple[str, str]] = []
    dropped: int = 0
    """Actions that are no longer in the list."""
    status: str = "running"
    digest: int = 0


class Tokens(msgspec.Struct, omit_defaults=True):
    """Token use: `base_*` is the thread's total when the turn began."""

    base_input: float | None = None
    base_cached: float = 0
    base_output: float = 0
    input: float | None = None
    cached: float | None = None
    output: float | None = None
    context_used: float | None = None
    context_size: float | None = None


class Limit(msgspec.Struct, omit_defaults=True):
    """One window of the account's rate limit: per cent used, minutes long, unix time of reset."""

    used: float = 0
    minutes: int = 0
    resets_at: int = 0


class State(DriverState, omit_defaults=True):
    """What this driver remembers besides."""

    thread_id: str = ""
    resumed: bool = False
    lost: str = ""
    """Why an earlier conversation could not be reopened."""
    opened: bool = False
    configured: bool = False
    """The thread was asked for everything that opening it could not carry."""
    title: str = ""
    models: tuple[Model, ...] = ()
    commands: tuple[Command, ...] = ()
    """Both only until Ready has told them."""
    mode_id: str | None = None
    chosen: list[str] = []
    """Modes that a person chose and of which Codex has not told yet."""
    model_id: str | None = None
    effort: str | None = None
    planning: bool = False
    sandbox: dict[str, Any] = {}
    """The workspace sandbox as Codex's own configuration has it."""
    skills_stale: bool = False
    """They have changed since the list was asked for that is under way."""
    skills_again: int = 0
    skills: dict[str, str] = {}
    """Name of a skill: the path of its file."""
    turn_id: str = ""
    own: int = 0
    """How many turns nobody here prompted."""
    plan_item: str = ""
    plan_text: str = ""
    """The last plan of this turn."""
    active_id: str = ""
    """What an interrupt must name: in a review it is another turn than the one that was begun."""
    reviewing: str = ""
    """Id of the item of the review that runs."""
    text_item: str = ""
    part: int = 0
    streamed: list[str] = []
    """Ids of the messages that came in pieces."""
    items: dict[str, ItemRecord] = {}
    closed: list[str] = []
    """Ids of items that the turn left unfinished; a late word about them is no failure."""
    children: dict[str, Child] = {}
    requests: dict[str, OpenRequest] = {}
    tokens: Tokens = msgspec.field(default_factory=Tokens)
    limits: list[Limit] = []


class Core(PeerCore[State]):
    """The core of the parts of this driver."""

    bare = True
    sums_kept = 200
