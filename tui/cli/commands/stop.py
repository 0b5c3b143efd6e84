"""`sereno stop`: interrupt a turn, or end an agent's processes."""

from __future__ import annotations

from typing import Any

import click

from sereno.core.client.blocking import SyncClient
from sereno.core.protocol.additions import EndAgent, EndAgentResult
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.requests import CancelAgent
from sereno.tui.cli import complete, exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError, report
from sereno.tui.cli.link import all_agents, connect, each, short
from sereno.tui.cli.output import emit
from sereno.tui.cli.text import clean_line

END_S = 60.0


@click.command("stop")
@click.argument("agents", nargs=-1, shell_complete=complete.agents)
@click.option("--all", "everyone", is_flag=True, help="Every agent that is busy.")
@click.option("--end", is_flag=True, help="End the whole process tree; the next prompt resumes.")
@output_options
def command(out: Output, agents: tuple[str, ...], everyone: bool, end: bool) -> int:
    """Interrupt the running turn of AGENTS. Open requests for permission are withdrawn.

    With --end the agent's processes are ended too, and it is verified that none is left; the
    timeline stays, and the next prompt resumes the session.
    """
    if bool(agents) == everyone:
        raise click.UsageError("name agents, or give --all")
    with connect() as client:
        chosen = _busy(client, end) if everyone else each(client, agents)
        results = [_stop(client, entry.agent, end) for entry in chosen]
    lines = [_line(result) for result in results] or ["No agent is busy."]
    value: Any = results if everyone or len(results) != 1 else results[0]
    ids = [result["id"] for result in results]
    emit(value, ids, lines, as_json=out.as_json, quiet=out.quiet)
    left = [result for result in results if result["remaining"]]
    if not left:
        return exits.OK
    pids = ", ".join(str(pid) for result in left for pid in result["remaining"])
    error = CliError(
        "not_ended", f"processes are left: {pids}", "End them with `kill -9`", exits.FAILED
    )
    return report(error, out.as_json)


def _busy(client: SyncClient, end: bool) -> list[Any]:
    """With --end every agent that has a process; else those with a running turn."""
    running = ("running", "initializing") + (("idle", "error") if end else ())
    return [entry for entry in all_agents(client, archived=end) if entry.agent.status in running]


def _stop(client: SyncClient, agent: AgentSnapshot, end: bool) -> dict[str, Any]:
    result: dict[str, Any] = {"id": agent.id, "title": agent.title, "ended": None, "remaining": []}
    if end:
        reply = client.request(EndAgent(request_id="", agent_id=agent.id), timeout_s=END_S)
        assert isinstance(reply, EndAgentResult)
        if reply.error is not None:
            raise CliError("not_ended", reply.error, "")
        result.update(ended=reply.verified, remaining=reply.remaining, interrupted=None)
    else:
        busy = agent.status in ("running", "initializing")
        client.request(CancelAgent(request_id="", agent_id=agent.id))
        result["interrupted"] = busy
    return result


def _line(result: dict[str, Any]) -> str:
    if result["ended"] is not None:
        words = "ended, nothing is left" if result["ended"] else "NOT ended"
    else:
        words = "interrupted" if result["interrupted"] else "was not busy"
    return f"{short(result['id'])}  {words}  {clean_line(result['title'] or '-', 80)}"
