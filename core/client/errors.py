"""How talking to a daemon fails, for every client: cause, next step and a code.

Raised by core/client/blocking.py and core/client/aio.py; imports nothing.
"""

from __future__ import annotations


class ClientError(Exception):
    """`message` says the cause, `next_step` what a person can do, `code` is for programs."""

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(f"{message}. {next_step}" if next_step else message)
        self.code = code
        self.message = message
        self.next_step = next_step


class NoDaemon(ClientError):
    """Nobody listens on the home's socket. Codes: no_daemon, no_answer, not_allowed."""


class ConnectionLost(ClientError):
    """The daemon went away, closed the connection or sent what nobody can read.

    `close_code` is the WebSocket's (wire reference 5.9), 1006 without one; 1013 means that this
    client did not read fast enough.
    """

    def __init__(self, message: str, next_step: str = "", close_code: int = 1006) -> None:
        super().__init__("connection_lost", message, next_step)
        self.close_code = close_code


class RpcError(ClientError):
    """The daemon refused a request; code and words are its own (wire reference section 7)."""
