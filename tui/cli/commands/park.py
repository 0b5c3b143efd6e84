"""`sereno park`: end the program of an idle agent until the next prompt."""

from __future__ import annotations

from typing import Any

import click

from sereno.core.protocol.additions import ParkAgent, ParkAgentResult
from sereno.core.protocol.values import given
from sereno.tui.cli import complete, exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import connect, each, short
from sereno.tui.cli.output import emit
from sereno.tui.cli.text import clean_line

END_S = 60.0


@click.command("park")
@click.argument("agents", nargs=-1, required=True, shell_complete=complete.agents)
@output_options
def command(out: Output, agents: tuple[str, ...]) -> int:
    """End the programs of idle AGENTS to free their memory.

    Their sessions stay, and the next prompt goes on with them. Refused, with the reason, where
    something would be lost by it: while a turn runs, something is asked or queued, or a command
    works in the background.
    """
    results: list[dict[str, Any]] = []
    with connect() as client:
        for entry in each(client, agents):
            agent = entry.agent
            if agent.sereno and given(agent.sereno.parked, False):
                results.append({"id": agent.id, "title": agent.title, "parked": True})
                continue
            reply = client.request(ParkAgent(request_id="", agent_id=agent.id), timeout_s=END_S)
            assert isinstance(reply, ParkAgentResult)
            if reply.error is not None:
                raise CliError("not_ended", reply.error, "")
            results.append({"id": agent.id, "title": agent.title, "parked": True})
    lines = [
        f"{short(one['id'])}  parked  {clean_line(one['title'] or '-', 80)}" for one in results
    ]
    value: Any = results if len(results) != 1 else results[0]
    emit(value, [one["id"] for one in results], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK
