"""What a driver wants to happen: the only way in which a provider speaks to the rest of Sereno.

Plain data, made by drivers (sans-I/O) and carried out by core/agents. All text in them came from
an agent program and has passed core/security/sanitise.py. Not here: sequence numbers, storage.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sereno.core.protocol.agents import (
    Capabilities,
    Command,
    Feature,
    Mode,
    Model,
    SelectOption,
    Usage,
)
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.timeline import TimelineItem
from sereno.core.protocol.values import UNSET, UnsetType

__all__ = [
    "Asked",
    "Changed",
    "Diagnostic",
    "Effect",
    "Item",
    "Level",
    "Outcome",
    "Ready",
    "Send",
    "SessionFailed",
    "TurnEnded",
    "TurnStarted",
    "Withdrawn",
]

Outcome = Literal["completed", "canceled", "failed"]
Level = Literal["debug", "info", "notice", "warning", "error"]


class Send(msgspec.Struct, frozen=True):
    """Bytes for the program's standard input: one or more whole lines, in order."""

    data: bytes


class Ready(msgspec.Struct, frozen=True):
    """The session stands, in the mode and with the model that were asked for.

    The first prompt may be sent now. `resumed` is False where the program had to begin anew;
    if that was not wished, a timeline item has said so already.
    """

    session_id: str
    resumed: bool
    capabilities: Capabilities
    modes: tuple[Mode, ...] = ()
    mode_id: str | None = None
    models: tuple[Model, ...] = ()
    model_id: str | None = None
    thinking_options: tuple[SelectOption, ...] = ()
    thinking_option_id: str | None = None
    features: tuple[Feature, ...] = ()
    commands: tuple[Command, ...] = ()
    program: str = ""
    version: str = ""
    can_explain_denial: bool = False
    """Whether the reason of a denial reaches the agent. Where not, clients should say so."""


class Item(msgspec.Struct, frozen=True):
    """A timeline item. `delta`: text to be appended to the item before it, mergeable.

    A tool call with a known call id replaces its earlier state. (A struct: there are many.)
    """

    item: TimelineItem
    delta: bool = False


class TurnStarted(msgspec.Struct, frozen=True):
    prompt_id: str


class TurnEnded(msgspec.Struct, frozen=True):
    """The end of the turn of `prompt_id`. With `failed`: cause, next step and a code.

    With `canceled`, `error` may say why where nobody here interrupted it.
    Codes: rate_limited, overloaded, auth_required, context_full, max_tokens, refused,
    network, quota, exited, provider_error.
    """

    prompt_id: str
    outcome: Outcome
    error: str | None = None
    code: str | None = None
    next_step: str | None = None
    usage: Usage | None = None


class Asked(msgspec.Struct, frozen=True):
    """The program waits for an answer: Driver.answer(request.id, …)."""

    request: PermissionRequest


class Withdrawn(msgspec.Struct, frozen=True):
    """An open request is void; it must not be answered any more."""

    request_id: str
    reason: str


class Changed(msgspec.Struct, frozen=True):
    """What is not UNSET is new. `usage`: tokens and cost of the agent since it began."""

    mode_id: str | UnsetType | None = UNSET
    modes: tuple[Mode, ...] | UnsetType = UNSET
    model_id: str | UnsetType | None = UNSET
    models: tuple[Model, ...] | UnsetType = UNSET
    thinking_option_id: str | UnsetType | None = UNSET
    thinking_options: tuple[SelectOption, ...] | UnsetType = UNSET
    features: tuple[Feature, ...] | UnsetType = UNSET
    commands: tuple[Command, ...] | UnsetType = UNSET
    title: str | UnsetType = UNSET
    usage: Usage | UnsetType = UNSET
    session_id: str | UnsetType = UNSET
    """The program goes on under another id (a cleared conversation): this one is to be resumed."""


class Refused(msgspec.Struct, frozen=True):
    """The program did not take a setting that was asked for; an Item says so to the person. The
    next start must not ask for it again: a dangerous mode that was refused stays refused."""

    what: str
    """mode, model or thinking."""
    value: str


class SessionFailed(msgspec.Struct, frozen=True):
    """There is no session (any more); a process that still lives should be ended.

    Codes: auth_required, protocol_version, mode_refused, model_refused, start_failed, exited;
    session_lost: the program does not know the session that was to be resumed, and could not begin
    anew by itself; the agent forgets that session, and its next run begins a new one.
    """

    error: str
    code: str
    next_step: str | None = None


class Diagnostic(msgspec.Struct, frozen=True):
    """For the agent's log; from level `notice` up it is also worth showing to the person."""

    level: Level
    text: str
    detail: str = ""


Effect = (
    Send
    | Ready
    | Item
    | TurnStarted
    | TurnEnded
    | Asked
    | Withdrawn
    | Changed
    | Refused
    | SessionFailed
    | Diagnostic
)
