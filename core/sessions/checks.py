"""The one order of checks for everything that a client sends (reference codemantle-clawde C.3.2).

What comes before a message exists is done where it happens, in this order. Unix socket: the peer's
uid, process and number of connections (listeners/unix.py), request line and headers
(listeners/websocket.py). TCP: number and address (crowd.py), TLS (tls.py), request line and headers
(heads.py), Host and Origin (stages.py), who it is (doorkeeper.py), all in core/listeners. Then size
and deadline before hello, hello itself (connection.py). Then, for each message, the stages
here; and behind them ownership, idempotency, and what only the fleet can know, then the effect,
the audit, and the reply (dispatch.py). A stage that refuses is the last one entered.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from sereno.core.protocol.frames import (
    BadFrame,
    ClientFrame,
    SessionRequest,
    decode_client_frame,
    request_name,
)
from sereno.core.security.roles import Role, may
from sereno.core.sessions.limits import MOST_CALLS, NESTING, TokenBucket, too_deep
from sereno.core.sessions.replies import bad_frame, rpc_error
from sereno.core.sessions.shape import misshapen

__all__ = ["STAGES", "Check", "Refused", "Stage", "Unit", "run"]


class Stage(enum.Enum):
    RATE = "rate"
    NESTING = "nesting"
    SHAPE = "shape"
    SCHEMA = "schema"
    ROLE = "role"
    LOAD = "load"


class Refused(Exception):
    """`frame` is what the sending socket is told; `request_type` is empty where it is unknown."""

    def __init__(self, stage: Stage, frame: bytes, request_type: str = "") -> None:
        super().__init__(stage.value)
        self.stage = stage
        self.frame = frame
        self.request_type = request_type


class Unit(msgspec.Struct):
    """One message on its way through the stages. `now`: monotonic seconds; `under_way`: how many
    requests of the session run already. SCHEMA sets `frame` and `request_type`."""

    data: bytes
    now: float
    bucket: TokenBucket
    role: Role
    under_way: int = 0
    frame: ClientFrame | None = None
    request_type: str = ""
    paid: bool = False

    @property
    def request_id(self) -> str:
        if isinstance(self.frame, SessionRequest):
            found = getattr(self.frame.message, "request_id", "")
            return found if isinstance(found, str) else ""
        return ""


Check = Callable[[Unit], None]

_FREE: Final = frozenset({"ping", "client_heartbeat"})
_CLAIMS_FREE: Final = re.compile(rb'"type"\s*:\s*"(?:ping|client_heartbeat)"')


def _rate(unit: Unit) -> None:
    """Ping and heartbeat are free; whether that is what it is, is known after SCHEMA only."""
    if _CLAIMS_FREE.search(unit.data[:256]):
        return
    _pay(unit, *_address(unit.data))


def _pay(unit: Unit, request_id: str, request_type: str) -> None:
    unit.paid = unit.bucket.take(unit.now)
    if not unit.paid:
        raise Refused(
            Stage.RATE,
            rpc_error(
                request_id,
                request_type,
                "rate_limited",
                "Too many requests",
                "Wait a moment, then ask again.",
            ),
            request_type,
        )


class _Head(msgspec.Struct, rename="camel", frozen=True):
    type: str = ""
    request_id: str = ""


class _Envelope(msgspec.Struct, frozen=True):
    message: _Head = _Head()


_envelopes: Final = msgspec.json.Decoder(_Envelope)


def _address(data: bytes) -> tuple[str, str]:
    """Request id and type of a message that is not looked at any further."""
    try:
        head = _envelopes.decode(data).message
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return "", ""
    return head.request_id, head.type


def _nesting(unit: Unit) -> None:
    if too_deep(unit.data):
        error = BadFrame("", "", "", f"nested deeper than {NESTING} levels")
        raise Refused(Stage.NESTING, bad_frame(error))


def _shape(unit: Unit) -> None:
    words = misshapen(unit.data)
    if words is not None:
        raise Refused(Stage.SHAPE, bad_frame(BadFrame("", "", "", words)))


def _schema(unit: Unit) -> None:
    try:
        unit.frame = decode_client_frame(unit.data)
    except BadFrame as error:
        raise Refused(Stage.SCHEMA, bad_frame(error), error.request_type) from error
    if isinstance(unit.frame, SessionRequest):
        unit.request_type = request_name(unit.frame.message)
        if not unit.paid and unit.request_type not in _FREE:
            _pay(unit, unit.request_id, unit.request_type)


def _role(unit: Unit) -> None:
    if unit.request_type and not may(unit.role, unit.request_type):
        message = f"The role {unit.role.value} may not do this ({unit.request_type})"
        step = (
            "This process was started by an agent; ask from a terminal of your own."
            if unit.role is Role.AGENT
            else ""
        )
        frame = rpc_error(unit.request_id, unit.request_type, "forbidden", message, step)
        raise Refused(Stage.ROLE, frame, unit.request_type)


def _load(unit: Unit) -> None:
    if unit.request_type and unit.under_way >= MOST_CALLS:
        message = f"More than {MOST_CALLS} requests of this client are under way"
        frame = rpc_error(unit.request_id, unit.request_type, "too_many_requests", message)
        raise Refused(Stage.LOAD, frame, unit.request_type)


STAGES: Final[Sequence[tuple[Stage, Check]]] = (
    (Stage.RATE, _rate),
    (Stage.NESTING, _nesting),
    (Stage.SHAPE, _shape),
    (Stage.SCHEMA, _schema),
    (Stage.ROLE, _role),
    (Stage.LOAD, _load),
)


def run(unit: Unit, stages: Sequence[tuple[Stage, Check]] = STAGES) -> None:
    """Takes a message through all stages in order. Raises Refused at the first that says no."""
    for _, check in stages:
        check(unit)
