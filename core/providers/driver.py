"""What every driver can do: the one interface between core/agents and an agent program.

A driver is sans-I/O: it gets the bytes of the program's standard output and the wishes of the
person, and returns effects. It knows no process, clock or task, and everything that it must
remember comes out of `snapshot()`. Implemented by acp/, claude/ and codex/; which one drives a
provider is the preset's `protocol`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from sereno.core.protocol.agents import Usage
from sereno.core.protocol.permissions import PermissionResponse
from sereno.core.protocol.requests import Image
from sereno.core.providers.effects import Effect

__all__ = ["CannotAnswer", "Driver", "DriverBusy", "Identity", "Prompt", "Setup"]


class DriverBusy(Exception):
    """A prompt was given before Ready or while a turn runs: a mistake of the caller."""


class CannotAnswer(Exception):
    """This answer cannot be given to this request; nothing was sent, the request stays open.

    `code`: request_gone, unknown_action, no_single_allow, input_unchangeable.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Prompt(msgspec.Struct, frozen=True):
    """`id` comes back in TurnStarted and TurnEnded. Attachments: wire reference 6.6.3."""

    id: str
    text: str
    images: tuple[Image, ...] = ()
    attachments: tuple[Mapping[str, Any], ...] = ()


class Identity(msgspec.Struct, frozen=True):
    """Who is driven: the provider's name on the wire, and its label for people. `login_hint`: how
    to sign in, for failures that are about that. `command`: the program as a person would start
    it."""

    provider: str
    label: str
    login_hint: str = ""
    command: tuple[str, ...] = ()


class Setup(msgspec.Struct, frozen=True):
    """What a session is to begin with. `run` counts the agent's processes: it makes ids unique.

    `session_id`: a UUID that no session has yet, the same for the whole run: for programs that let
    the caller choose the id of a new session. `title`: the agent's name as the person sees it.
    `disallowed_tools`: names of tools, as the program calls them, that the model must not have.
    `spent`: the agent's usage when its last run ended; a new run counts on from it.
    `trusted`: the person lets the folder bring settings of its own for the program; `left_out`:
    what of that is there and is not taken.
    """

    cwd: str
    run: int = 1
    mode: str | None = None
    model: str | None = None
    thinking: str | None = None
    title: str | None = None
    session_id: str | None = None
    disallowed_tools: tuple[str, ...] = ()
    trusted: bool = False
    left_out: tuple[str, ...] = ()
    spent: Usage | None = None


class Driver(Protocol):
    """One run of one agent program."""

    def start(self, resume: str | None) -> list[Effect]:
        """The first frames to the program; `resume` is a session id that it knew.

        Ready or SessionFailed follows from receive().
        """
        ...

    def receive(self, data: bytes) -> list[Effect]:
        """Standard output as it comes: lines with their newline; a half line is kept (also in the
        snapshot) until its rest arrives. Never raises for what the program says.
        """
        ...

    def prompt(self, prompt: Prompt) -> list[Effect]:
        """Begins a turn: TurnStarted and the frames. Raises DriverBusy."""
        ...

    def answer(self, request_id: str, response: PermissionResponse) -> list[Effect]:
        """Answers an open request. Raises CannotAnswer."""
        ...

    def interrupt(self) -> list[Effect]:
        """Cancels the running turn and withdraws its open requests; TurnEnded still follows from
        the program. Nothing happens without a turn; asked twice, it is said twice.
        """
        ...

    def set_mode(self, mode_id: str) -> list[Effect]:
        """Changed follows when the program agreed; an item says so when it refused."""
        ...

    def set_model(self, model_id: str | None) -> list[Effect]: ...

    def set_thinking(self, option_id: str | None) -> list[Effect]: ...

    def set_feature(self, feature_id: str, value: str) -> list[Effect]: ...

    def exited(self, code: int | None, signal: int | None, stderr_tail: str) -> list[Effect]:
        """The program is gone, `stderr_tail` its last words: closes calls, requests and turn.

        SessionFailed comes last, unless it ended with 0 between turns.
        """
        ...

    def snapshot(self) -> bytes:
        """All that is needed to go on after a restart of the daemon; the same object while
        nothing changed, so that `is` tells whether it must be stored again.
        """
        ...
