"""`sereno delete`: removes an agent for good."""

from __future__ import annotations

import sys
from typing import Any

import click

from sereno.core.protocol.messages import AgentDeleted
from sereno.core.protocol.requests import DeleteAgent
from sereno.tui.cli import complete, exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.commands.archive import END_S, check_not_busy
from sereno.tui.cli.link import connect, each, short
from sereno.tui.cli.output import emit, note
from sereno.tui.cli.text import clean_line


@click.command("delete")
@click.argument("agents", nargs=-1, required=True, shell_complete=complete.agents)
@click.option("-f", "--force", is_flag=True, help="Busy agents too.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask on a terminal.")
@output_options
def command(out: Output, agents: tuple[str, ...], force: bool, yes: bool) -> int:
    """End AGENTS and remove them and their timelines for good. The audit trail stays.

    On a terminal it asks first.
    """
    results: list[dict[str, Any]] = []
    lines: list[str] = []
    with connect() as client:
        chosen = [entry.agent for entry in each(client, agents)]
        for agent in chosen:
            check_not_busy(agent, force, "delete")
        if not yes and sys.stdin.isatty():
            note(*(f"{short(a.id)}  {clean_line(a.title or '-', 80)}" for a in chosen))
            click.confirm("Delete for good?", abort=True, err=True)
        for agent in chosen:
            reply = client.request(DeleteAgent(request_id="", agent_id=agent.id), timeout_s=END_S)
            assert isinstance(reply, AgentDeleted)
            results.append({"id": agent.id, "deleted": True})
            lines.append(f"{short(agent.id)}  deleted  {clean_line(agent.title or '-', 80)}")
    value: Any = results[0] if len(results) == 1 else results
    emit(value, [result["id"] for result in results], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK
