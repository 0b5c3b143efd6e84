"""`sereno import`: sessions that were begun outside Sereno, and taking them over as agents."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from sereno.core.client.blocking import SyncClient
from sereno.core.protocol.importing import (
    AgentResumed,
    ImportAgent,
    ListProviderSessions,
    ProviderSession,
    ProviderSessions,
)
from sereno.core.protocol.messages import AgentCreateFailed
from sereno.core.protocol.values import UNSET, given
from sereno.tui.cli import complete, exits
from sereno.tui.cli.agents import epoch_ms
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import connect, folder_of, short
from sereno.tui.cli.output import emit, note, on_terminal, terminal_width
from sereno.tui.cli.text import ago, clean_line, columns

LIST_S = 60.0
"""Programs may have to be started to tell what they have."""
IMPORT_S = 60.0
SHORTEST = 8
HEAD = ("SESSION", "PROVIDER", "TITLE", "ACTIVE", "AGENT")


@click.command("import")
@click.argument("sessions", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Import all that are not here yet.")
@click.option("--provider", metavar="NAME", shell_complete=complete.providers)
@click.option("--cwd", metavar="FOLDER", type=click.Path(), help="Of this folder. [here]")
@click.option("--limit", default=50, show_default=True, help="At most so many, newest first.")
@output_options
def command(
    out: Output,
    sessions: tuple[str, ...],
    everything: bool,
    provider: str | None,
    cwd: str | None,
    limit: int,
) -> int:
    """List the sessions that agent programs have for this folder, or import SESSIONS.

    A session is named by its id or a beginning of it. What is imported is an agent like any
    other: its next prompt goes on where the session ended.
    """
    folder = folder_of(cwd)
    with connect() as client:
        listed = _listed(client, folder, provider, limit)
        for problem in listed.problems:
            words = f"{problem.error.rstrip('.')}. {given(problem.next_step, '')}".strip()
            note(f"{clean_line(problem.provider, 40)}: {clean_line(words, 400)}")
        if not sessions and not everything:
            return _show(listed.sessions, out)
        fresh = [one for one in listed.sessions if given(one.agent_id, None) is None]
        chosen = fresh if everything else [_find(listed.sessions, word) for word in sessions]
        results = [_import(client, one) for one in dict.fromkeys(map(_key, chosen))]
    value: Any = results[0] if len(results) == 1 and not everything else results
    lines = [f"{row['shortId']}  {clean_line(row['title'] or '-', 80)}" for row in results]
    if not results and out.plain:
        note("Nothing to import: every session of this folder is here already.")
    quiet = out.quiet or not on_terminal()
    emit(value, [row["id"] for row in results], lines, as_json=out.as_json, quiet=quiet)
    return exits.OK


def _listed(client: SyncClient, folder: str, provider: str | None, limit: int) -> ProviderSessions:
    request = ListProviderSessions(
        request_id="", cwd=folder, provider=provider or UNSET, limit=limit
    )
    reply = client.request(request, timeout_s=LIST_S)
    assert isinstance(reply, ProviderSessions)
    return reply


def _show(sessions: Sequence[ProviderSession], out: Output) -> int:
    value = [
        {
            "id": one.session_id,
            "provider": one.provider,
            "title": one.title,
            "cwd": one.cwd,
            "updatedAt": one.updated_at,
            "agentId": given(one.agent_id, None),
        }
        for one in sessions
    ]
    lines = ["No sessions of agent programs for this folder."]
    if sessions:
        now_ms = time.time_ns() // 1_000_000
        size = unique_length([one.session_id for one in sessions])
        rows = [_row(one, size, now_ms) for one in sessions]
        lines = columns([HEAD, *rows], terminal_width(), HEAD.index("TITLE"))
    ids = [one.session_id for one in sessions]
    emit(value, ids, lines, as_json=out.as_json, quiet=out.quiet)
    if sessions and out.plain and on_terminal():
        note("`sereno import SESSION` takes one over, `sereno import --all` all of them.")
    return exits.OK


def _row(one: ProviderSession, size: int, now_ms: int) -> tuple[str, ...]:
    at = epoch_ms(one.updated_at) if one.updated_at else 0
    agent = given(one.agent_id, None)
    return (
        clean_line(one.session_id[:size], 80),
        clean_line(one.provider, 24),
        clean_line(one.title or "-", 120),
        ago(now_ms - at) if at else "-",
        short(agent) if agent else "-",
    )


def unique_length(ids: Sequence[str]) -> int:
    """How many characters tell all ids apart, and at least SHORTEST."""
    longest = max((len(each) for each in ids), default=SHORTEST)
    for size in range(SHORTEST, longest):
        if len({each[:size] for each in ids}) == len(set(ids)):
            return size
    return longest


def _key(one: ProviderSession) -> tuple[str, str, str]:
    return one.provider, one.session_id, one.cwd


def _find(sessions: Sequence[ProviderSession], word: str) -> ProviderSession:
    """The session that a word means. Raises CliError."""
    wanted = word.strip()
    exact = [one for one in sessions if one.session_id == wanted]
    fitting = exact or [one for one in sessions if wanted and one.session_id.startswith(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    shown = clean_line(word, 80)
    if fitting:
        names = ", ".join(
            f"{clean_line(one.session_id, 80)} ({clean_line(one.provider, 24)})"
            for one in fitting[:5]
        )
        raise CliError(
            "ambiguous_session",
            f"{shown} could be {len(fitting)} sessions: {names}",
            "Give more characters of the id, or --provider",
            exits.NOT_FOUND,
        )
    raise CliError(
        "unknown_session",
        f"no program has a session {shown} for this folder",
        "`sereno import` lists them; `--cwd` looks at another folder",
        exits.NOT_FOUND,
    )


def _import(client: SyncClient, key: tuple[str, str, str]) -> dict[str, Any]:
    provider, session_id, cwd = key
    request = ImportAgent(request_id="", provider=provider, session_id=session_id, cwd=cwd)
    reply = client.request(request, timeout_s=IMPORT_S)
    if isinstance(reply, AgentCreateFailed):
        code = given(reply.error_code, "failed")
        raise CliError(code, reply.error, given(reply.next_step, ""))
    assert isinstance(reply, AgentResumed)
    return {
        "id": reply.agent_id,
        "shortId": short(reply.agent_id),
        "title": reply.agent.title,
        "provider": provider,
        "sessionId": session_id,
    }
