"""Where a channel of our own clients stands, and what each thing heard leads to there.

Pure tables; both ends share all rows but that of ASKING. A frame is text or binary; a binary one is
a part of the handshake, or a record, which is opened and then looked up.
"""

from __future__ import annotations

import enum

from sereno.relay_client.noise.effects import Cause

__all__ = ["CLIENT_TABLE", "DAEMON_TABLE", "FRAMES", "Heard", "Move", "State", "Table"]


class State(enum.Enum):
    """Where a channel stands."""

    NEW = enum.auto()
    """A client that has not started."""
    FIRST = enum.auto()
    """A daemon that waits for the first message."""
    SECOND = enum.auto()
    """A client that waits for the second."""
    THIRD = enum.auto()
    """A daemon that waits for the third."""
    ASKING = enum.auto()
    """The handshake is finished; somebody must say yes at the daemon."""
    OPEN = enum.auto()
    SAID = enum.auto()
    """We have said our end."""
    HEARD = enum.auto()
    """The other side has said its end."""
    CLOSED = enum.auto()


class Heard(enum.Enum):
    """What a record is."""

    PIECE = enum.auto()
    """Part of a message, or a change of keys."""
    MESSAGE = enum.auto()
    END = enum.auto()
    WELCOME = enum.auto()
    REFUSED = enum.auto()


class Move(enum.Enum):
    """What to do, unless it ends the channel."""

    GREET = enum.auto()
    """The next message of the handshake."""
    READ = enum.auto()
    """Open the record."""
    OPEN = enum.auto()
    DELIVER = enum.auto()
    FINISH = enum.auto()
    IGNORE = enum.auto()


Table = dict[State, dict[Heard, Move | Cause]]

FRAMES: dict[State, dict[type[str] | type[bytes], Move | Cause]] = {
    State.NEW: {str: Cause.UNTIMELY, bytes: Cause.UNTIMELY},
    State.FIRST: {str: Cause.PLAINTEXT, bytes: Move.GREET},
    State.SECOND: {str: Cause.PLAINTEXT, bytes: Move.GREET},
    State.THIRD: {str: Cause.PLAINTEXT, bytes: Move.GREET},
    State.ASKING: {str: Cause.PLAINTEXT, bytes: Move.READ},
    State.OPEN: {str: Cause.PLAINTEXT, bytes: Move.READ},
    State.SAID: {str: Cause.PLAINTEXT, bytes: Move.READ},
    State.HEARD: {str: Cause.PLAINTEXT, bytes: Move.READ},
    State.CLOSED: {str: Move.IGNORE, bytes: Move.IGNORE},
}
"""What a frame leads to. There is no second handshake: its first message is no record (T08)."""

_UNTIMELY: dict[Heard, Move | Cause] = dict.fromkeys(Heard, Cause.UNTIMELY)
_SHARED: Table = {
    State.OPEN: {
        **_UNTIMELY,
        Heard.PIECE: Move.IGNORE,
        Heard.MESSAGE: Move.DELIVER,
        Heard.END: Move.FINISH,
    },
    State.SAID: {
        **_UNTIMELY,
        Heard.PIECE: Move.IGNORE,
        Heard.MESSAGE: Move.DELIVER,
        Heard.END: Cause.DONE,
    },
    State.HEARD: _UNTIMELY,
}
DAEMON_TABLE: Table = {**_SHARED, State.ASKING: {**_UNTIMELY, Heard.END: Cause.LEFT}}
"""Nothing of a client is taken before the yes, not even to keep it (C-16)."""
CLIENT_TABLE: Table = {
    **_SHARED,
    State.ASKING: {
        **_UNTIMELY,
        Heard.END: Cause.NOT_CONFIRMED,
        Heard.WELCOME: Move.OPEN,
        Heard.REFUSED: Cause.REFUSED,
    },
}
