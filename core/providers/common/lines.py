"""The core of a driver whose program speaks JSON-RPC, and what can be said of a line as it came."""

from __future__ import annotations

import re
from typing import TypeVar

from sereno.core.providers.common.core import Core, DriverState
from sereno.core.providers.driver import Identity, Setup
from sereno.core.providers.jsonrpc import Peer

__all__ = ["PeerCore", "is_clean"]

CLEAN_LIMIT = 8_192
_ESCAPES = re.compile(rb"\\[urbf]")  # control characters; `\\n` and `\\t` may stay

S = TypeVar("S", bound=DriverState)


class PeerCore(Core[S]):
    """A core with its peer. `bare`: as jsonrpc.Peer has it.

    `line_clean`, `line_size`: of the line that is being read.
    """

    bare = False

    def __init__(
        self, identity: Identity, setup: Setup, state: S, taken: bytes | None = None
    ) -> None:
        super().__init__(identity, setup, state, taken)
        self.peer = Peer(state.peer, bare=self.bare)
        self.line_clean = False
        self.line_size = 0

    @property
    def version(self) -> int:
        return self._touched + self.peer.version

    def reading(self, line: bytes) -> None:
        """This line is being read."""
        self.line_clean, self.line_size = is_clean(line), len(line)


def is_clean(line: bytes) -> bool:
    """Whether no string in a line of JSON can hold anything to be sanitised.

    JSON has control characters only as escapes; a line of short ASCII without such escapes needs no
    second look at each of its strings.
    """
    return (
        line.isascii()
        and len(line) <= CLEAN_LIMIT
        and line.find(0x7F) < 0
        and _ESCAPES.search(line) is None
    )
