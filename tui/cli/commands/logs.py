"""`sereno logs`: an agent's timeline, whole, its end, or as it grows."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from sereno.core.client.blocking import SyncClient
from sereno.core.protocol.timeline import Cursor, Entry
from sereno.tui.cli import complete, exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.link import connect, find
from sereno.tui.cli.live import Line, show_live
from sereno.tui.cli.output import say, wire_json
from sereno.tui.cli.printer import KINDS, Printer, kind_of
from sereno.tui.cli.tail import ROWS, last_entries, page


@click.command("logs")
@click.argument("agent", shell_complete=complete.agents)
@click.option("-f", "--follow", is_flag=True, help="Go on as it grows; ctrl+c leaves.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only the last N entries.")
@click.option(
    "--filter",
    "kinds",
    multiple=True,
    type=click.Choice(KINDS),
    help="Only these; may be repeated.",
)
@click.option("--entries", is_flag=True, help="With --json: whole entries, with number and time.")
@output_options
def command(
    out: Output, agent: str, follow: bool, tail: int | None, kinds: tuple[str, ...], entries: bool
) -> int:
    """Print the timeline of AGENT: what it was told, said and did.

    With --json each line is one timeline item of the wire. Without -f and --entries the chunks of
    a message are joined and a tool call is one item; else items are as they were stored.
    """
    wanted = frozenset(kinds or KINDS)
    line: Line = _entry_line if entries else _item_line
    if follow:
        return show_live(agent, tail, wanted, out, events=False, line=line if out.as_json else None)
    with connect() as client:
        agent_id = find(client, agent).agent.id
        printer = Printer(sys.stdout.write, sys.stdout.write, wanted)
        for entry in _past(client, agent_id, tail, joined=out.as_json and not entries):
            if not out.as_json:
                printer.item(entry.item)
            elif kind_of(entry.item) in wanted:
                say(line(entry))
        printer.finish()
    return exits.OK


def _past(client: SyncClient, agent_id: str, tail: int | None, joined: bool) -> Iterator[Entry]:
    """The entries asked for, oldest first; a long timeline comes page by page."""
    if tail is not None:
        yield from last_entries(client, agent_id, tail, "projected" if joined else "canonical")[0]
    elif joined:
        yield from page(client, agent_id, "tail", None, 0, "projected").entries
    else:
        cursor: Cursor | None = None
        while True:
            part = page(client, agent_id, "after", cursor, ROWS, "canonical")
            yield from part.entries
            cursor = part.end_cursor
            if not part.has_newer or cursor is None:
                return


def _item_line(entry: Entry) -> str:
    return wire_json(entry.item)


def _entry_line(entry: Entry) -> str:
    return wire_json(entry)
