"""What the security screen asks of a daemon: typed questions over the link's one way to ask.

Each raises ActError where the daemon refused or is gone, with its words whole. Nothing is changed
anywhere else than through these (`sereno.security.*`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sereno.core.protocol.security import (
    ChangeSecurity,
    ChangeSecurityResult,
    ReadSecurity,
    ReadSecurityResult,
    RotateToken,
    RotateTokenResult,
    SecurityState,
    SetPassword,
    SetPasswordResult,
    TryHost,
    TryHostResult,
)
from sereno.tui.link_api import ActError, Link

__all__ = ["change", "read", "rotate_token", "set_password", "try_host"]


async def read(link: Link) -> SecurityState:
    """Everything, looked at now."""
    reply = await link.ask(ReadSecurity(request_id=""))
    assert isinstance(reply, ReadSecurityResult)
    return reply.state


async def change(link: Link, request: ChangeSecurity) -> SecurityState:
    """How it is after the change."""
    reply = await link.ask(request)
    assert isinstance(reply, ChangeSecurityResult)
    _refusal(reply)
    return reply.state


async def set_password(link: Link, password: str | None) -> tuple[SecurityState, Sequence[str]]:
    """How it is after it, and what speaks against the password; None removes it."""
    reply = await link.ask(SetPassword(request_id="", password=password))
    assert isinstance(reply, SetPasswordResult)
    _refusal(reply)
    return reply.state, reply.doubts


async def rotate_token(link: Link) -> SecurityState:
    """How it is with a new token."""
    reply = await link.ask(RotateToken(request_id=""))
    assert isinstance(reply, RotateTokenResult)
    _refusal(reply)
    return reply.state


async def try_host(link: Link, request: TryHost) -> TryHostResult:
    """Whether a Host header would pass by the draft in `request`."""
    reply = await link.ask(request)
    assert isinstance(reply, TryHostResult)
    return reply


def _refusal(reply: ChangeSecurityResult | SetPasswordResult | RotateTokenResult) -> None:
    if reply.error is not None:
        raise ActError(reply.error, reply.next_step or "")
