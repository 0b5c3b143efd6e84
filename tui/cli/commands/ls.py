"""`sereno ls` for help, completion and unusual spellings; listing.py does the work."""

from __future__ import annotations

import click

from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.listing import ListOptions, run


@click.command("ls")
@click.option("-a", "--all", "archived", is_flag=True, help="Archived agents too.")
@click.option("-g", "--global", "everywhere", is_flag=True, help="Agents of every project.")
@output_options
def command(out: Output, archived: bool, everywhere: bool) -> int:
    """List the agents of this project.

    This project is the git repository in which you stand, with all its worktrees, or the folder
    and what is below it. It never starts a daemon: without one the list is empty and the exit
    code is 3.
    """
    return run(ListOptions(archived, everywhere, out.as_json, out.quiet))
