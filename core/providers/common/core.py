"""The core that the parts of one driver share, and what the memory of every driver holds.

`DriverState` is the part of a snapshot that is the same for all. It is stored as JSON by the names
of its fields, so that a later daemon reads what an earlier one wrote: no field is ever renamed.
"""

from __future__ import annotations

import zlib
from typing import Any, Generic, TypeVar

import msgspec

from sereno.core.providers.common.spending import Spent, spent_before
from sereno.core.providers.driver import Identity, Setup
from sereno.core.providers.effects import Diagnostic, Effect, Level
from sereno.core.providers.jsonrpc import PeerState

__all__ = ["FAILED", "NEW", "OPENING", "READY", "Core", "DriverState", "checksum"]

NEW, OPENING, READY, FAILED = "new", "opening", "ready", "failed"

_encode = msgspec.json.Encoder().encode


class DriverState(msgspec.Struct, omit_defaults=True):
    """What every driver remembers; mutable, owned by one driver."""

    phase: str = NEW
    version: str = ""
    """Of the program."""
    peer: PeerState = msgspec.field(default_factory=PeerState)
    sums: dict[str, int] = {}
    """Checksums of what was last told about a subject."""
    prompt_id: str | None = None
    """Of the turn that runs."""
    cancelling: bool = False
    text_kind: str = ""
    """What the text is that is being streamed: nothing has come in between."""
    sanitiser: tuple[str, bool] = ("", False)
    asked: int = 0
    """How many requests were shown to the person."""
    spent: Spent = msgspec.field(default_factory=Spent)
    """By the turns that are over, and by earlier runs."""
    junk: int = 0
    junk_bytes: int = 0
    """Lines, and bytes of lines, that were no messages."""


S = TypeVar("S", bound=DriverState)


class Core(Generic[S]):
    """State and identity, shared by the parts of one driver; counts changes.

    `taken`: the snapshot that `state` was read from, if any.
    `sums_kept`: how many checksums are kept, where subjects come and go.
    """

    sums_kept: int | None = None

    def __init__(
        self, identity: Identity, setup: Setup, state: S, taken: bytes | None = None
    ) -> None:
        self.identity = identity
        self.setup = setup
        self.state = state
        if taken is None:
            state.spent = spent_before(setup.spent)
        self._touched = 0
        self._snapshot = taken or b""
        self._snapshot_version = -1 if taken is None else 0

    @property
    def version(self) -> int:
        """Rises with each change of the state."""
        return self._touched

    def touch(self) -> None:
        """The state has changed: the next snapshot is a new one."""
        self._touched += 1

    def snapshot(self) -> bytes:
        """The state, encoded anew only where it has changed."""
        version = self.version
        if version != self._snapshot_version:
            self._snapshot = _encode(self.state)
            self._snapshot_version = version
        return self._snapshot

    def noted(self, level: Level, text: str, detail: str = "") -> list[Effect]:
        return [Diagnostic(level, text, detail)]

    def new_sum(self, subject: str, value: Any) -> bool:
        """Whether `value` differs from what was last told about `subject`."""
        number, sums = checksum(value), self.state.sums
        if sums.get(subject) == number:
            return False
        if self.sums_kept is not None and len(sums) >= self.sums_kept:
            del sums[next(iter(sums))]
        sums[subject] = number
        self.touch()
        return True


def checksum(value: Any) -> int:
    """A small number that changes when `value` does; not for security."""
    return zlib.crc32(_encode(value))
