"""The daemon itself: ping, status, stop and restart, audit; and messages that need no answer."""

from __future__ import annotations

import logging

from sereno.core.protocol.additions import (
    AuditVerify,
    AuditVerifyResult,
    DaemonStatus,
    DaemonStatusResult,
    MakeOffer,
    MakeOfferResult,
    ReloadDaemon,
    ReloadDaemonResult,
)
from sereno.core.protocol.messages import Pong, RestartRequested, ShutdownRequested
from sereno.core.protocol.requests import (
    ClientHeartbeat,
    Ping,
    RegisterPushToken,
    RestartServer,
    ShutdownServer,
)
from sereno.core.sessions.dispatch import Call, Table

__all__ = ["table"]

log = logging.getLogger("sereno.sessions")

table = Table()


@table.handles(Ping)
def ping(call: Call, request: Ping) -> Pong:
    now = call.services.now_ms()
    return Pong(
        request_id=request.request_id,
        server_received_at=now,
        server_sent_at=now,
        client_sent_at=request.client_sent_at,
    )


@table.handles(ClientHeartbeat)
def heartbeat(call: Call, request: ClientHeartbeat) -> None:
    """Accepted: nothing is filtered by presence (wire reference 6.14 allows that)."""


@table.handles(RegisterPushToken)
def push_token(call: Call, request: RegisterPushToken) -> None:
    """Accepted: Sereno sends no push notifications through a third party."""


@table.handles(ShutdownServer)
async def shutdown(call: Call, request: ShutdownServer) -> ShutdownRequested:
    await _note(call, "daemon.stop")
    call.services.daemon.stop("stop", call.by)
    return ShutdownRequested(client_id=call.session.client_id, request_id=request.request_id)


@table.handles(RestartServer)
async def restart(call: Call, request: RestartServer) -> RestartRequested:
    await _note(call, "daemon.restart")
    call.services.daemon.stop("restart", call.by)
    return RestartRequested(
        client_id=call.session.client_id, request_id=request.request_id, reason=request.reason
    )


async def _note(call: Call, action: str) -> None:
    """An audit that cannot be written (a full disk, a damaged chain) keeps nobody from stopping
    the daemon: it may be the way out. The log then has what the audit has not."""
    try:
        await call.services.note(call.by, action, "", {})
    except Exception as error:  # noqa: BLE001 - whatever the store says, the daemon stops
        log.error("%s by %s is not in the audit: %s", action, call.by, error)


@table.handles(DaemonStatus)
async def status(call: Call, request: DaemonStatus) -> DaemonStatusResult:
    return await call.services.daemon.status(request.request_id)


@table.handles(ReloadDaemon)
async def reload(call: Call, request: ReloadDaemon) -> ReloadDaemonResult:
    await _note(call, "daemon.reload")
    return await call.services.daemon.reload(request.request_id)


@table.handles(MakeOffer)
async def offer(call: Call, request: MakeOffer) -> MakeOfferResult:
    """Lets others in, so only at this machine, and never without a trace: unlike a stop, it is
    refused where the audit cannot be written."""
    call.only_here(
        "An offer is made on the machine of the daemon only.",
        "Run `sereno token qr` there.",
    )
    await call.services.note(call.by, "token.offer", "", {})
    return call.services.daemon.offer(request.request_id)


@table.handles(AuditVerify)
async def verify(call: Call, request: AuditVerify) -> AuditVerifyResult:
    return await call.services.daemon.verify_audit(request.request_id)
