"""`sereno audit`: the append-only trail of who did what."""

from __future__ import annotations

import click

from sereno.core.protocol.additions import AuditVerify, AuditVerifyResult
from sereno.tui.cli import exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.link import connect
from sereno.tui.cli.output import emit

LIMIT_S = 300.0


@click.group("audit")
def command() -> None:
    """Look at the audit trail."""


@command.command("verify")
@output_options
def verify(out: Output) -> int:
    """Check the chain of the whole audit trail; exit code 1 where it does not hold."""
    with connect() as client:
        reply = client.request(AuditVerify(request_id=""), timeout_s=LIMIT_S)
        assert isinstance(reply, AuditVerifyResult)
    if reply.ok:
        lines = [f"The audit trail holds: {reply.entries} entries."]
    else:
        lines = [
            f"The audit trail does NOT hold from entry {reply.first_bad} on "
            f"({reply.entries} entries). Keep a copy of sereno.db before anything else."
        ]
    value = {"ok": reply.ok, "entries": reply.entries, "firstBad": reply.first_bad}
    emit(value, (), lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK if reply.ok else exits.FAILED
