"""One agent as the screens see it: its newest snapshot, what it needs, the tail of its timeline.

Pure. model.py keeps one for each agent and says when it changed.
"""

from __future__ import annotations

import enum

import msgspec

from sereno.core.protocol.agents import (
    AgentExtra,
    AgentSnapshot,
    Mode,
    ProjectPlacement,
    QueuedPrompt,
)
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.timeline import UserMessage
from sereno.core.protocol.values import given
from sereno.tui.timeline import Timeline, milliseconds

__all__ = ["AgentState", "Need", "asked_at", "by_need", "is_dangerous", "matches"]


class Need(enum.Enum):
    """What an agent needs from the person; the order is the order of the list.

    The letter stands before colour: every screen reads without any.
    """

    ASKS = ("?", "asks")
    FAILED = ("x", "failed")
    BUSY = (">", "busy")
    STARTING = (">", "starting")
    DONE = ("+", "done")
    IDLE = ("-", "idle")
    STOPPED = ("=", "stopped")

    @property
    def letter(self) -> str:
        return self.value[0]

    @property
    def word(self) -> str:
        return self.value[1]


_AT_REST = frozenset({Need.IDLE, Need.DONE, Need.FAILED, Need.STOPPED})
_ORDER = {need: place for place, need in enumerate(Need)} | {Need.STARTING: 2}


class AgentState(msgspec.Struct, eq=False):
    """One agent: the newest snapshot and the tail of its timeline."""

    snapshot: AgentSnapshot
    project: ProjectPlacement | None = None
    timeline: Timeline = msgspec.field(default_factory=Timeline)
    canceled: bool = False
    """The last turn was stopped, as far as this screen has heard it."""

    @property
    def id(self) -> str:
        return self.snapshot.id

    @property
    def extra(self) -> AgentExtra:
        return given(self.snapshot.sereno, AgentExtra(run=0))

    @property
    def queued(self) -> tuple[QueuedPrompt, ...]:
        return tuple(self.extra.queue)

    @property
    def holds(self) -> bool:
        """Prompts wait for the person and not for a turn: after a stop or a failure."""
        return bool(self.extra.queue) and self.need in _AT_REST

    @property
    def unanswered(self) -> bool:
        """It rests, and nothing came after the last prompt."""
        blocks = self.timeline.blocks
        last = blocks[-1].item if blocks else None
        return isinstance(last, UserMessage) and self.need in _AT_REST - {Need.FAILED}

    @property
    def title(self) -> str:
        return self.snapshot.title or self.snapshot.id[:8]

    @property
    def mode(self) -> Mode | None:
        """The mode it works in, as its program described it."""
        current = self.snapshot.current_mode_id
        return next((mode for mode in self.snapshot.available_modes if mode.id == current), None)

    @property
    def last_line(self) -> str:
        return given(self.extra.last_line, "")

    @property
    def need(self) -> Need:
        snapshot = self.snapshot
        if snapshot.pending_permissions:
            return Need.ASKS
        match snapshot.status:
            case "error":
                return Need.FAILED
            case "running":
                return Need.BUSY
            case "initializing":
                return Need.STARTING
            case "closed":
                return Need.STOPPED
        if given(snapshot.requires_attention, False):
            failed = given(snapshot.attention_reason, None) == "error"
            return Need.FAILED if failed else Need.DONE
        return Need.IDLE

    @property
    def since_ms(self) -> int:
        """Since when it is in its state, epoch milliseconds."""
        snapshot = self.snapshot
        match self.need:
            case Need.ASKS:
                return min(asked_at(request) or self._updated for request in self._pending)
            case Need.BUSY | Need.STARTING:
                return milliseconds(given(self.extra.turn_started_at, "")) or self._updated
            case _:
                stamp = given(snapshot.attention_timestamp, None)
                return milliseconds(stamp) if stamp else self._updated

    @property
    def _pending(self) -> list[PermissionRequest]:
        return self.snapshot.pending_permissions

    @property
    def _updated(self) -> int:
        return milliseconds(self.snapshot.updated_at)


def is_dangerous(mode: Mode | None) -> bool:
    """Whether nothing is asked in this mode before it happens: shown loudly, wherever it is."""
    return mode is not None and given(mode.color_tier, "") == "dangerous"


def asked_at(request: PermissionRequest) -> int:
    """When the agent asked, epoch milliseconds; 0 where the daemon did not say."""
    ours = given(request.metadata, {}).get("sereno")
    stamp = ours.get("askedAt") if isinstance(ours, dict) else None
    return milliseconds(stamp) if isinstance(stamp, str) else 0


def by_need(state: AgentState) -> tuple[int, int, str]:
    """The key of the list's order: by need, what waits or works longest first."""
    need = state.need
    oldest_first = need in (Need.ASKS, Need.BUSY, Need.STARTING)
    since = state.since_ms if oldest_first else -state.since_ms
    return _ORDER[need], since, state.id


def matches(state: AgentState, wanted: list[str]) -> bool:
    """Whether title, provider, folder, state and id hold all of these words."""
    if not wanted:
        return True
    snapshot = state.snapshot
    text = " ".join(
        (state.title, snapshot.provider, snapshot.cwd, state.need.word, snapshot.id)
    ).casefold()
    return all(word in text for word in wanted)
