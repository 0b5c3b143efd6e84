"""`sereno attach`: an agent live, with what was said just before."""

from __future__ import annotations

import click

from sereno.tui.cli import complete
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.live import show_live
from sereno.tui.cli.printer import KINDS


@click.command("attach")
@click.argument("agent", shell_complete=complete.agents)
@click.option(
    "--tail",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    metavar="N",
    help="How many entries from before to print first.",
)
@output_options
def command(out: Output, agent: str, tail: int) -> int:
    """Follow AGENT live; ctrl+c leaves and changes nothing.

    Requests for permission and the ends of turns are shown too. With --json each line is one
    `agent_stream` payload of the wire.
    """
    return show_live(agent, tail, frozenset(KINDS), out, events=True)
