"""The forms in which a request is refused or fails (wire reference section 7.1), exactly.

Pure: words to frames. When which form is due is decided in dispatch.py and connection.py.
"""

from __future__ import annotations

import uuid

from sereno.core.protocol.frames import BadFrame, encode_payload
from sereno.core.protocol.messages import ActivityLog, RpcError, StatusError
from sereno.core.protocol.values import UNSET, iso
from sereno.core.workspaces.paths import printable

__all__ = ["RequestFailed", "activity", "bad_frame", "rpc_error"]


class RequestFailed(Exception):
    """A handler says no in the generic form, with a code of its own where the wire has one.

    `message` is the cause, `next_step` what the person can do.
    """

    def __init__(self, message: str, next_step: str = "", *, code: str = "handler_error") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step


def rpc_error(
    request_id: str, request_type: str, code: str, error: str, next_step: str = ""
) -> bytes:
    """A whole `rpc_error` frame."""
    return encode_payload(
        RpcError(
            request_id=request_id,
            request_type=request_type or UNSET,
            error=error,
            code=code,
            next_step=next_step or UNSET,
        )
    )


def bad_frame(error: BadFrame) -> bytes:
    """What is answered to a frame that could not be read, to the sending socket only."""
    if error.code == "unknown_schema":
        return rpc_error(error.request_id, error.request_type, error.code, _unserved(error))
    if error.code == "invalid_message":
        return rpc_error(error.request_id, error.request_type, error.code, "Invalid message")
    return encode_payload(StatusError(message=f"Invalid message: {error.detail}"[:500]))


def _unserved(error: BadFrame) -> str:
    """Whoever asks is mostly a person at an official app or command line, and reads this. Our own
    clients know the old words, and say themselves that the daemon is older than they are."""
    name = printable(error.request_type)[:80]
    if name.startswith("sereno."):
        return "Unknown request schema"
    if error.known_type:
        return f"Invalid {name}: {error.detail[:200]}"
    return f"Sereno does not serve {name or 'a request without a type'}"


def activity(content: str, now_ms: int) -> bytes:
    """An `activity_log` of type error: told to the whole session when something failed."""
    return encode_payload(
        ActivityLog(id=str(uuid.uuid4()), timestamp=iso(now_ms), type="error", content=content)
    )
