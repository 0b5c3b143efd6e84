"""What the shell completes: ids of agents, requests, providers. Quick, and never starts a daemon.

Silence is the right answer to any failure here: a person pressed tab and asked for nothing else.
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from sereno.tui.cli.agents import SHORT, Entry, need
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.text import clean_line

LIMIT_S = 0.5


def _entries(archived: bool = False) -> list[Entry]:
    from sereno.tui.cli.quick import QuickLink

    try:
        with QuickLink.open(LIMIT_S, ask=False) as link:
            return link.agents(archived, LIMIT_S)
    except CliError:
        return []


def agents(
    _ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Short ids, explained by state and title; longer ones where the short are not enough."""
    found = []
    for entry in _entries():
        agent = entry["agent"]
        value = agent["id"] if len(incomplete) > SHORT else agent["id"][:SHORT]
        if value.startswith(incomplete):
            words = f"{need(agent)}  {clean_line(agent.get('title') or '-', 60)}"
            found.append(CompletionItem(value, help=words))
    return found


def requests(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Open requests of the agent that was named before."""
    wanted = str(ctx.params.get("agent") or "")
    return [
        CompletionItem(request["id"], help=clean_line(request.get("title") or request["name"], 60))
        for entry in _entries()
        if entry["agent"]["id"].startswith(wanted)
        for request in entry["agent"].get("pendingPermissions") or []
        if request["id"].startswith(incomplete)
    ]


def providers(
    _ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names from the configuration; no daemon is asked."""
    import os
    from contextlib import suppress

    from sereno.core.config import BUILT_IN_PROVIDERS, load_config
    from sereno.core.home import HomeError, find_home

    names = set(BUILT_IN_PROVIDERS)
    with suppress(HomeError):
        names |= set(load_config(find_home(os.environ), os.environ).providers)
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]
