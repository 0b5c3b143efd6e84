"""The security page: what it shows, and what may be changed there.

For the owner on the local socket or in memory only (design section 7): a phone that was let in can
never let others in. Every change is in the audit before it is made.
"""

from __future__ import annotations

import msgspec

from sereno.core.protocol.security import (
    ChangeSecurity,
    ChangeSecurityResult,
    ReadSecurity,
    ReadSecurityResult,
    RotateToken,
    RotateTokenResult,
    SetPassword,
    SetPasswordResult,
    TryHost,
    TryHostResult,
)
from sereno.core.protocol.values import UNSET
from sereno.core.sessions.dispatch import Call, Table

__all__ = ["table"]

table = Table()


@table.handles(ReadSecurity)
async def read(call: Call, request: ReadSecurity) -> ReadSecurityResult:
    _only_here(call)
    return ReadSecurityResult(request.request_id, await call.services.security.state())


@table.handles(ChangeSecurity)
async def change(call: Call, request: ChangeSecurity) -> ChangeSecurityResult:
    _only_here(call)
    given = msgspec.structs.asdict(request)
    told = {
        name: msgspec.json.encode(value).decode()
        for name, value in given.items()
        if value is not UNSET and name != "request_id"
    }
    await call.services.note(call.by, "security.change", "", told)
    refused = await call.services.security.change(request)
    state = await call.services.security.state()
    return ChangeSecurityResult(request.request_id, state, *refused)


@table.handles(SetPassword)
async def set_password(call: Call, request: SetPassword) -> SetPasswordResult:
    _only_here(call)
    what = "security.password.remove" if request.password is None else "security.password.set"
    await call.services.note(call.by, what, "", {})
    doubts, *refused = await call.services.security.set_password(request.password)
    state = await call.services.security.state()
    return SetPasswordResult(request.request_id, state, list(doubts), *refused)


@table.handles(RotateToken)
async def rotate_token(call: Call, request: RotateToken) -> RotateTokenResult:
    _only_here(call)
    await call.services.note(call.by, "security.token.rotate", "", {})
    refused = await call.services.security.rotate_token()
    return RotateTokenResult(request.request_id, await call.services.security.state(), *refused)


@table.handles(TryHost)
def try_host(call: Call, request: TryHost) -> TryHostResult:
    _only_here(call)
    return call.services.security.try_host(request)


def _only_here(call: Call) -> None:
    call.only_here(
        "The security of this daemon is looked at and changed on its own machine only.",
        "Open sereno there, in a terminal or through SSH.",
    )
