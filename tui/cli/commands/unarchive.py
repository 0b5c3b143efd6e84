"""`sereno unarchive`: brings an archived agent back into the list, without starting it."""

from __future__ import annotations

from typing import Any

import click

from sereno.core.protocol.additions import UnarchiveAgent, UnarchiveAgentResult
from sereno.core.protocol.values import given
from sereno.tui.cli import complete, exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import connect, each, short
from sereno.tui.cli.output import emit
from sereno.tui.cli.text import clean_line


@click.command("unarchive")
@click.argument("agents", nargs=-1, required=True, shell_complete=complete.agents)
@output_options
def command(out: Output, agents: tuple[str, ...]) -> int:
    """Bring archived AGENTS back. None is started; the next prompt does that."""
    results: list[dict[str, Any]] = []
    lines: list[str] = []
    with connect() as client:
        chosen = [entry.agent for entry in each(client, agents)]
        for agent in chosen:
            if not given(agent.archived_at, None):
                words = f"{short(agent.id)} is not archived"
                raise CliError("not_archived", words, "`sereno ls` shows it")
        for agent in chosen:
            reply = client.request(UnarchiveAgent(request_id="", agent_id=agent.id))
            assert isinstance(reply, UnarchiveAgentResult)
            if reply.error:
                raise CliError("failed", reply.error)
            results.append({"id": agent.id, "archivedAt": None})
            lines.append(f"{short(agent.id)}  back  {clean_line(agent.title or '-', 80)}")
    value: Any = results[0] if len(results) == 1 else results
    emit(value, [result["id"] for result in results], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK
