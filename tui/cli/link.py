"""Connecting a command to the daemon, and finding the agent that a person named.

Errors come out as CliError with words that name the candidates. Only `run` starts a daemon.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ClientError, NoDaemon
from sereno.core.home import Home, find_home
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import AgentEntry, FetchAgentResult, FetchAgentsResult
from sereno.core.protocol.requests import AgentFilter, FetchAgent, FetchAgents, Page
from sereno.tui.cli import exits, target
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.text import clean_line

REMOTE_S = 15.0
"""For connecting over a network, a password's proof included."""
SHORT = 8
MOST_CANDIDATES = 8


def home() -> Home:
    return find_home(os.environ)


def connect() -> SyncClient:
    """To the daemon of this home, or of `--host`. Raises NoDaemon, ConnectionLost, Refused."""
    return target.connect(REMOTE_S) or SyncClient.open(home())


def elsewhere() -> bool:
    """Whether the daemon may run on another machine, so that this one's folders say nothing."""
    chosen = target.target()
    return chosen is not None and not chosen.local


def folder_of(given: str | None) -> str:
    """An absolute folder for the daemon, by default the one in which the person stands.

    Raises CliError where that is gone, or where it would be on another machine.
    """
    if elsewhere():
        if given is None or not given.startswith(("/", "~")):
            raise CliError(
                "cwd_missing",
                "the daemon may run on another machine, where this folder is not",
                "Give --cwd with a whole path of that machine",
                exits.USAGE,
            )
        return given
    try:
        return os.path.abspath(given or os.getcwd())  # noqa: PTH100, PTH109 - links stay as typed
    except OSError:
        raise CliError(
            "cwd_missing", "the folder in which you stand is gone", "Give --cwd", exits.USAGE
        ) from None


def connect_or_start() -> SyncClient:
    """To the running daemon; where none runs for this home, one is started in the background."""
    if target.host():
        return connect()
    try:
        return connect()
    except NoDaemon as error:
        if error.code != "no_daemon":
            raise
    from sereno.core.daemon.control import start

    start(home())
    return connect()


def all_agents(client: SyncClient, *, archived: bool = True) -> list[AgentEntry]:
    """Every agent, last active first."""
    entries: list[AgentEntry] = []
    cursor: str | None = None
    while True:
        page = Page(limit=200) if cursor is None else Page(limit=200, cursor=cursor)
        wanted = AgentFilter(include_archived=archived)
        reply = client.request(FetchAgents(request_id="", filter=wanted, page=page))
        assert isinstance(reply, FetchAgentsResult)
        entries += reply.entries
        cursor = reply.page_info.next_cursor
        if cursor is None:
            return entries


def fetch(client: SyncClient, agent_id: str) -> AgentSnapshot | None:
    """The agent with this full id as it is now; None when it is gone."""
    reply = client.request(FetchAgent(request_id="", agent_id=agent_id))
    assert isinstance(reply, FetchAgentResult)
    return reply.agent


def find(client: SyncClient, identifier: str) -> AgentEntry:
    """The agent that an id, an unambiguous beginning of one, or a title means.

    Raises CliError (unknown_agent, ambiguous_agent) that lists what it could be.
    """
    reply = client.request(FetchAgent(request_id="", agent_id=identifier))
    assert isinstance(reply, FetchAgentResult)
    if reply.agent is not None:
        return AgentEntry(agent=reply.agent, project=reply.project)  # type: ignore[arg-type]
    agents = [entry.agent for entry in all_agents(client)]
    wanted = identifier.strip()
    by_id = [agent for agent in agents if wanted and agent.id.startswith(wanted)]
    fitting = by_id or [agent for agent in agents if agent.title == wanted]
    if len(fitting) > 1:
        raise CliError(
            "ambiguous_agent",
            f"{clean_line(identifier)} could be {len(fitting)} agents: {_candidates(fitting)}",
            "Give more characters of the id",
        )
    raise CliError("unknown_agent", reply.error or "no such agent", _similar(agents, wanted))


def _candidates(agents: Sequence[AgentSnapshot]) -> str:
    shown = [
        f"{agent.id[:SHORT]} ({clean_line(agent.title or 'no title', 40)})"
        for agent in agents[:MOST_CANDIDATES]
    ]
    more = len(agents) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _similar(agents: Sequence[AgentSnapshot], wanted: str) -> str:
    from sereno.tui.cli.app import nearest

    titles = {agent.title: agent for agent in agents if agent.title}
    near = nearest(wanted, list(titles))
    if near is not None:
        return f"Did you mean {_candidates([titles[near]])}? `sereno ls -a -g` lists all"
    return "`sereno ls -a -g` lists all agents"


def short(agent_id: str) -> str:
    """The id as people type it."""
    return agent_id[:SHORT]


def each(client: SyncClient, identifiers: Sequence[str]) -> list[AgentEntry]:
    """Several agents, each once, all found before anything is done to one."""
    found: dict[str, AgentEntry] = {}
    for identifier in identifiers:
        entry = find(client, identifier)
        found[entry.agent.id] = entry
    return list(found.values())


def refused(code: str, message: str, next_step: str = "") -> CliError:
    return CliError(code, message, next_step, exits.FAILED)


__all__ = [
    "ClientError",
    "all_agents",
    "connect",
    "connect_or_start",
    "each",
    "elsewhere",
    "fetch",
    "find",
    "folder_of",
    "home",
    "refused",
    "short",
]
