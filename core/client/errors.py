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
    """Nobody listens, or nobody answers: a later call may be luckier.

    Codes: no_daemon, no_answer, not_allowed of a unix socket; host_unreachable, host_timeout of a
    network.
    """


class Refused(ClientError):
    """A daemon, or somebody else in its place, did not let us in; calling again changes nothing.

    Codes: unauthorized, too_many_attempts, host_not_allowed, forbidden, not_a_daemon, tls_expected,
    no_tls, untrusted, wrong_name, expired, tls_failed, incompatible.
    """


class ConnectionLost(ClientError):
    """The daemon went away, closed the connection or sent what nobody can read.

    `close_code` is the WebSocket's (wire reference 5.9), 1006 without one; 1013 means that this
    client did not read fast enough. `reason`: what stood beside it, of whoever closed.
    """

    def __init__(
        self, message: str, next_step: str = "", close_code: int = 1006, reason: str = ""
    ) -> None:
        super().__init__("connection_lost", message, next_step)
        self.close_code = close_code
        self.reason = reason


class RpcError(ClientError):
    """The daemon refused a request; code and words are its own (wire reference section 7)."""
