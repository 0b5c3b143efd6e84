"""`sereno inspect`: what stands behind an agent."""

from __future__ import annotations

import os
from typing import Any

import click
import msgspec

from sereno.core.protocol.additions import InspectAgent, InspectAgentResult
from sereno.core.protocol.messages import AgentEntry
from sereno.core.protocol.values import given
from sereno.tui.cli import complete, exits
from sereno.tui.cli.agents import summary
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import connect, find
from sereno.tui.cli.output import emit
from sereno.tui.cli.permits import request_lines
from sereno.tui.cli.text import clean_line, folder, shown


@click.command("inspect")
@click.argument("agent", shell_complete=complete.agents)
@output_options
def command(out: Output, agent: str) -> int:
    """Show AGENT's state, processes, memory, requests, queue and the end of its stderr."""
    with connect() as client:
        entry = find(client, agent)
        reply = client.request(InspectAgent(request_id="", agent_id=entry.agent.id))
        assert isinstance(reply, InspectAgentResult)
        if reply.error is not None:
            raise CliError("failed", reply.error, "")
    value = summary(msgspec.to_builtins(entry))
    value |= {
        "run": reply.run,
        "command": reply.command,
        "runnerPid": reply.runner_pid,
        "agentPid": reply.agent_pid,
        "memoryKib": reply.memory_kib,
        "pssKib": given(reply.pss_kib, None),
        "processes": msgspec.to_builtins(reply.processes),
        "journalBytes": reply.journal_bytes,
        "startedAt": reply.started_at,
        "exit": reply.exit,
        "requests": msgspec.to_builtins(entry.agent.pending_permissions),
        "queue": msgspec.to_builtins(entry.agent.sereno.queue) if entry.agent.sereno else [],
        "stderrTail": reply.stderr_tail,
    }
    lines = [*_facts(value), *_processes(reply), *_waiting(entry), *_stderr(reply)]
    emit(value, [entry.agent.id], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _facts(value: dict[str, Any]) -> list[str]:
    runs = value["agentPid"] is not None
    mib = value["memoryKib"] / 1024
    own = f", {value['pssKib'] / 1024:.1f} MiB its own" if value["pssKib"] is not None else ""
    where = folder(value["cwd"], os.environ.get("HOME", ""))
    facts = (
        ("id", value["id"]),
        ("title", value["title"]),
        ("needs", f"{value['needs']} ({value['status']})"),
        ("provider", value["provider"]),
        ("model", value["model"]),
        ("mode", value["mode"]),
        ("folder", where),
        ("branch", value["branch"]),
        ("labels", ", ".join(f"{key}={word}" for key, word in value["labels"].items())),
        ("created", value["createdAt"]),
        ("archived", value["archivedAt"]),
        ("error", value["lastError"]),
        ("next step", value["nextStep"]),
        ("run", f"{value['run']}, since {value['startedAt']}" if value["startedAt"] else None),
        ("last exit", value["exit"]),
        ("command", " ".join(value["command"])),
        (
            "pids",
            f"agent {value['agentPid']}, runner {value['runnerPid']}" if runs else "none runs",
        ),
        ("memory", f"{mib:.1f} MiB in {len(value['processes'])} processes{own}" if runs else None),
        ("journal", f"{value['journalBytes']} bytes" if runs else None),
    )
    return [f"{name:<10} {clean_line(shown(str(word)), 2000)}" for name, word in facts if word]


def _processes(reply: InspectAgentResult) -> list[str]:
    """The tree, children under their parents."""
    rows = {row.pid: row for row in reply.processes}
    lines = ["", "processes"] if rows else []

    def walk(parent: int | None, depth: int) -> None:
        for row in rows.values():
            if (row.ppid if row.ppid in rows else None) == parent and row.pid != parent:
                words = clean_line(shown(row.command), 200)
                note = "in the background  " if given(row.background, False) else ""
                mib = row.rss_kib / 1024
                lines.append(f"  {'  ' * depth}{row.pid}  {mib:.1f} MiB  {note}{words}")
                if depth < 30:
                    walk(row.pid, depth + 1)

    walk(None, 0)
    return lines


def _waiting(entry: AgentEntry) -> list[str]:
    lines: list[str] = []
    if entry.agent.pending_permissions:
        lines += ["", "asks for permission"]
        for request in entry.agent.pending_permissions:
            lines += request_lines(request, "  ")
    queue = entry.agent.sereno.queue if entry.agent.sereno else []
    if queue:
        lines += ["", "queue", *(f"  {clean_line(prompt.text, 200)}" for prompt in queue)]
    return lines


def _stderr(reply: InspectAgentResult) -> list[str]:
    if not reply.stderr_tail:
        return []
    return ["", "stderr", *(f"  {clean_line(line, 500)}" for line in reply.stderr_tail)]
