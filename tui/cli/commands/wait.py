"""`sereno wait`: until an agent is done, failed or asks."""

from __future__ import annotations

import time

import click

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ConnectionLost, NoDaemon
from sereno.core.protocol.messages import WaitResult
from sereno.core.protocol.requests import WaitForFinish
from sereno.tui.cli import complete, exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.follow import LONGEST_STEP_S, RECONNECT_S, REMOTE_RECONNECT_S, STEP_S
from sereno.tui.cli.link import connect, elsewhere, find, short
from sereno.tui.cli.output import emit
from sereno.tui.cli.text import clean_line

EXIT = {
    "idle": exits.OK,
    "error": exits.AGENT_FAILED,
    "permission": exits.ASKS,
    "timeout": exits.TIMEOUT,
}
WORDS = {"idle": "done", "error": "failed", "permission": "asks", "timeout": "still busy"}


@click.command("wait")
@click.argument("agent", shell_complete=complete.agents)
@click.option("--timeout", type=float, metavar="SECONDS", help="Default: as long as it takes.")
@output_options
def command(out: Output, agent: str, timeout: float | None) -> int:
    """Wait until AGENT is done (0), failed (5), asks for permission (7) or the time is over (124).

    An agent that is not busy is done at once.
    """
    if timeout is not None and timeout <= 0:
        raise click.UsageError("--timeout must be more than 0")
    deadline = None if timeout is None else time.monotonic() + timeout
    client = connect()
    try:
        agent_id = find(client, agent).agent.id
        while True:
            try:
                result = _wait(client, agent_id, deadline)
                break
            except ConnectionLost as lost:
                client.close()
                client = _again(lost, deadline)
    finally:
        client.close()
    title = clean_line((result.final.title if result.final else None) or "-", 80)
    lines = [f"{short(agent_id)}  {WORDS[result.status]}  {title}"]
    if result.error:
        lines.append(f"  {clean_line(result.error)}")
    value = {
        "id": agent_id,
        "status": result.status,
        "error": result.error,
        "lastMessage": result.last_message,
    }
    emit(value, [agent_id], lines, as_json=out.as_json, quiet=out.quiet)
    return EXIT[result.status]


def _wait(client: SyncClient, agent_id: str, deadline: float | None) -> WaitResult:
    request = WaitForFinish(request_id="", agent_id=agent_id)
    limit: float | None = None
    if deadline is not None:
        left = max(0.001, deadline - time.monotonic())
        request.timeout_ms = max(1, round(left * 1000))
        limit = left + 5.0
    reply = client.request(request, timeout_s=limit)
    assert isinstance(reply, WaitResult)
    return reply


def _again(lost: ConnectionLost, deadline: float | None) -> SyncClient:
    """A daemon that changes hands is back in a moment, a network takes longer."""
    step = STEP_S
    patience = time.monotonic() + (REMOTE_RECONNECT_S if elsewhere() else RECONNECT_S)
    while True:
        try:
            return connect()
        except (NoDaemon, ConnectionLost):
            now = time.monotonic()
            if now > patience or (deadline is not None and now > deadline):
                raise lost from None
            time.sleep(step)
            step = min(step * 1.5, LONGEST_STEP_S) if elsewhere() else STEP_S
