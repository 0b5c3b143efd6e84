"""`sereno archive`: ends an agent and hides it."""

from __future__ import annotations

from typing import Any

import click

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import AgentArchived
from sereno.core.protocol.requests import ArchiveAgent
from sereno.core.protocol.values import given
from sereno.tui.cli import complete, exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import connect, each, short
from sereno.tui.cli.output import emit
from sereno.tui.cli.text import clean_line

END_S = 60.0


@click.command("archive")
@click.argument("agents", nargs=-1, required=True, shell_complete=complete.agents)
@click.option("-f", "--force", is_flag=True, help="Busy agents too; their turn is cut off.")
@output_options
def command(out: Output, agents: tuple[str, ...], force: bool) -> int:
    """End AGENTS and hide them. Their timeline stays; a new prompt brings one back."""
    results: list[dict[str, Any]] = []
    lines: list[str] = []
    with connect() as client:
        chosen = [entry.agent for entry in each(client, agents)]
        for agent in chosen:
            check_not_busy(agent, force, "archive")
            if given(agent.archived_at, None):
                raise CliError(
                    "archived", f"{short(agent.id)} is archived already", "A prompt brings it back"
                )
        for agent in chosen:
            reply = client.request(ArchiveAgent(request_id="", agent_id=agent.id), timeout_s=END_S)
            assert isinstance(reply, AgentArchived)
            results.append({"id": agent.id, "archivedAt": reply.archived_at})
            lines.append(f"{short(agent.id)}  archived  {clean_line(agent.title or '-', 80)}")
    value: Any = results[0] if len(results) == 1 else results
    emit(value, [result["id"] for result in results], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def check_not_busy(agent: AgentSnapshot, force: bool, verb: str) -> None:
    """A turn is cut off only by somebody who says so."""
    if agent.status in ("running", "initializing") and not force:
        raise CliError(
            "busy",
            f"{short(agent.id)} is busy",
            f"Wait for it, `sereno stop {short(agent.id)}`, or {verb} it with --force",
        )
