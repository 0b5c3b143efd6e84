"""What the ACP driver must remember over a restart of the daemon, and the core its parts share.

`State` is the snapshot: small, because it is stored with nearly every batch. Not in it: texts that
are in the timeline already, lists of modes or models (only a checksum, to see a change).
"""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec

from sereno.core.protocol.agents import Command, Feature, Mode, Model, SelectOption
from sereno.core.providers.common.core import DriverState
from sereno.core.providers.common.lines import PeerCore

__all__ = [
    "CallRecord",
    "Core",
    "OpenRequest",
    "Option",
    "Options",
    "State",
]

CONFIGURING = "configuring"
"""A phase between OPENING and READY."""


class Options(TypedDict, total=False):
    """Modes, models and so on, as one message said them; the keys of `Changed`."""

    mode_id: str | None
    modes: tuple[Mode, ...]
    model_id: str | None
    models: tuple[Model, ...]
    thinking_option_id: str | None
    thinking_options: tuple[SelectOption, ...]
    features: tuple[Feature, ...]


class Option(msgspec.Struct, array_like=True):
    """One answer that the program offers: its `optionId`, kind and name."""

    id: str
    kind: str
    name: str


class CallRecord(msgspec.Struct, omit_defaults=True):
    """A tool call as far as it is known; the program sends it in pieces."""

    id: str
    name: str = ""
    title: str = ""
    kind: str = ""
    status: str = "pending"
    raw_input: dict[str, Any] = {}
    raw_output: Any = None
    content: list[dict[str, Any]] = []
    paths: list[str] = []
    output: str = ""
    """Terminal output that came in pieces of its own."""
    exit_code: int | None = None
    denied: bool = False
    refused: str = ""
    """Why it was told no where no person said so."""
    digest: int = 0
    """Checksum of the item last emitted."""
    size: int = 0
    """Bytes of the lines that spoke of it."""
    dirty: bool = False
    """Whether any of those lines could hold something to be sanitised."""
    forgotten: bool = False
    """Finished, and too large to be kept: nothing more is said about it."""


class OpenRequest(msgspec.Struct):
    """A permission request that waits. `view`: the call as the person was shown it, long texts
    clipped; `facts`: checksums of all of it; `own`: the arguments that the request itself named;
    `asks`: how often it was shown.
    """

    rpc_id: Any
    call_id: str
    options: list[Option]
    view: CallRecord
    facts: dict[str, str]
    own: list[str] = []
    asks: int = 1


class Usage(msgspec.Struct, omit_defaults=True):
    context_used: float | None = None
    context_size: float | None = None


class State(DriverState, omit_defaults=True):
    """What this driver remembers besides."""

    session_id: str = ""
    resumed: bool = False
    lost: str = ""
    """Why an earlier session could not be reopened."""
    replaying: bool = False
    program: str = ""
    can_load: bool = False
    can_resume: bool = False
    takes_images: bool = False
    login_hints: list[str] = []
    wishes: list[tuple[str, str]] = []
    """Options still to be set before Ready: (subject, value)."""
    options: Options = {}
    commands: tuple[Command, ...] = ()
    """Both only until Ready has told them."""
    setters: dict[str, str] = {}
    """How a subject is set: "" by its own method, else the id of the config option."""
    current: dict[str, str | None] = {}
    prompts: int = 0
    broken: bool = False
    """The program reported an error of the model inside the turn (codex-acp)."""
    last_text: str = ""
    message_id: str = ""
    calls: dict[str, CallRecord] = {}
    finished: list[str] = []
    """Ids of the finished among them, oldest first."""
    requests: dict[str, OpenRequest] = {}
    usage: Usage = msgspec.field(default_factory=Usage)
    totals: list[float | None] = []
    """Tokens in, cached and out, of a program that counts over its session."""


class Core(PeerCore[State]):
    """The core of the parts of this driver."""
