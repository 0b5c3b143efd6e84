"""The states of an agent's life and the one table of what may follow what.

    CLOSED ──start──▶ STARTING ──ready──▶ IDLE ──turn──▶ RUNNING ──interrupt──▶ CANCELING
      ▲                  │                 ▲  ▲             │ │                    │ │
      │                  │                 │  └──completed──┘ │  completed,canceled│ │
      │                  │                 └──────────────────┼────────────────────┘ │
      │                  │              FAILED ◀───failed─────┴──────────────────────┘
      │                  │               │ (turn: RUNNING again)
      │◀──gone── ENDING ◀┴──end── any state with a process
      │                  │
   BROKEN ◀──broke── any state with a process;  BROKEN ──start──▶ STARTING, ──end──▶ CLOSED

FAILED has a living process and waits for the next prompt; BROKEN and CLOSED have none. Not here:
what causes an event, and what else changes with it (life.py).
"""

from __future__ import annotations

import enum

from sereno.core.protocol.agents import AgentStatus

__all__ = ["ALIVE", "IN_TURN", "Event", "State", "after", "wire_status"]


class State(enum.Enum):
    CLOSED = "closed"
    """No process: never started, ended by the person, or left by itself with nothing to say."""
    STARTING = "starting"
    """A process is being started, or has not yet said that its session stands."""
    IDLE = "idle"
    RUNNING = "running"
    CANCELING = "canceling"
    """The turn was interrupted and the program has not yet said that it ended."""
    FAILED = "failed"
    """The last turn failed; the process lives."""
    ENDING = "ending"
    """Its process tree is being ended because a person asked for it."""
    BROKEN = "broken"
    """The process is gone without having been asked, or could not be started."""


class Event(enum.Enum):
    START = "start"
    READY = "ready"
    TURN = "turn"
    INTERRUPT = "interrupt"
    COMPLETED = "completed"
    CANCELED = "canceled"
    FAILED = "failed"
    END = "end"
    GONE = "gone"
    """The process is gone and that is fine: it was asked to, or left by itself between turns."""
    BROKE = "broke"


ALIVE = frozenset(
    {State.STARTING, State.IDLE, State.RUNNING, State.CANCELING, State.FAILED, State.ENDING}
)
"""States in which there is, or may be, a process."""

IN_TURN = frozenset({State.RUNNING, State.CANCELING})

_S, _E = State, Event
_TABLE: dict[tuple[State, Event], State] = {
    (_S.CLOSED, _E.START): _S.STARTING,
    (_S.BROKEN, _E.START): _S.STARTING,
    (_S.BROKEN, _E.END): _S.CLOSED,
    (_S.STARTING, _E.READY): _S.IDLE,
    (_S.IDLE, _E.TURN): _S.RUNNING,
    (_S.FAILED, _E.TURN): _S.RUNNING,
    (_S.RUNNING, _E.INTERRUPT): _S.CANCELING,
    (_S.RUNNING, _E.COMPLETED): _S.IDLE,
    (_S.RUNNING, _E.CANCELED): _S.IDLE,
    (_S.RUNNING, _E.FAILED): _S.FAILED,
    (_S.CANCELING, _E.COMPLETED): _S.IDLE,
    (_S.CANCELING, _E.CANCELED): _S.IDLE,
    (_S.CANCELING, _E.FAILED): _S.FAILED,
    # A turn that ends while the process is being ended changes nothing more.
    (_S.ENDING, _E.COMPLETED): _S.ENDING,
    (_S.ENDING, _E.CANCELED): _S.ENDING,
    (_S.ENDING, _E.FAILED): _S.ENDING,
    (_S.ENDING, _E.READY): _S.ENDING,
    (_S.ENDING, _E.BROKE): _S.CLOSED,
    **{(state, _E.END): _S.ENDING for state in ALIVE - {_S.ENDING}},
    **{(state, _E.GONE): _S.CLOSED for state in ALIVE},
    **{(state, _E.BROKE): _S.BROKEN for state in ALIVE - {_S.ENDING}},
}

_WIRE: dict[State, AgentStatus] = {
    State.CLOSED: "closed",
    State.STARTING: "initializing",
    State.IDLE: "idle",
    State.RUNNING: "running",
    State.CANCELING: "running",
    State.FAILED: "error",
    State.ENDING: "running",
    State.BROKEN: "error",
}


def after(state: State, event: Event) -> State | None:
    """The next state; None where the event has no meaning in this state."""
    return _TABLE.get((state, event))


def wire_status(state: State, *, in_turn: bool) -> AgentStatus:
    """The status that clients know (wire reference 6.2.2)."""
    if state is State.ENDING and not in_turn:
        return "idle"
    return _WIRE[state]
