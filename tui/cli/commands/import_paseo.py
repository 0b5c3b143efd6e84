"""`sereno import-paseo`: takes over the settings, the id and the keys of a Paseo home."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from sereno.core.daemon.paseo import Taken, find_paseo_home, take_over
from sereno.core.home import HomeError
from sereno.tui.cli import exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import home
from sereno.tui.cli.output import emit
from sereno.tui.cli.text import clean_line

_ASK = (
    "Switch the relay on? From then on this daemon can be reached from everywhere, by phones that "
    "you confirm here"
)


@click.command("import-paseo")
@click.option("--from", "folder", metavar="FOLDER", help="Instead of PASEO_HOME or ~/.paseo.")
@click.option(
    "--relay/--no-relay",
    default=None,
    help="Switch the relay on, without which no paired phone can come; asked on a terminal.",
)
@output_options
def command(out: Output, folder: str | None, relay: bool | None) -> int:
    """Take over a Paseo home, so that phones that were paired with Paseo stay paired.

    Neither Paseo nor a daemon of this home may run meanwhile. What is set in config.toml already
    stays as it is, nothing in the Paseo home is changed, and each phone is asked about once, at its
    first visit. Do not start Paseo with that home again: two would answer for one id.
    """
    paseo = Path(folder) if folder is not None else find_paseo_home(os.environ)
    if relay is None and out.plain and sys.stdin.isatty() and sys.stdout.isatty():
        relay = click.confirm(_ASK, default=False)
    try:
        taken = take_over(home(), paseo, os.environ, relay=bool(relay))
    except HomeError as error:
        if error.code != "locked":
            raise
        next_step = "Stop it with `sereno daemon stop`, import, and open it again; agents go on"
        raise CliError("locked", "a daemon of this home runs", next_step, exits.USAGE) from error
    value = {
        "id": taken.server_id,
        "pairing": taken.pairing,
        "settings": list(taken.settings),
        "kept": list(taken.kept),
        "left": taken.left,
        "relay": taken.relay,
    }
    ids = [taken.server_id] if taken.server_id else []
    emit(value, ids, _lines(taken), as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _lines(taken: Taken) -> list[str]:
    lines = [
        {
            "taken": "The pairing is taken over: id and keys of Paseo are this daemon's now.",
            "already": "The pairing was taken over before.",
            "none": "There is no pairing to take over: Paseo never made its keys.",
        }[taken.pairing]
    ]
    if taken.settings:
        lines.append(f"Settings taken over: {', '.join(map(clean_line, taken.settings))}.")
    if taken.kept:
        lines.append(f"Set here already and kept: {', '.join(map(clean_line, taken.kept))}.")
    lines += [
        f"Not taken over: {clean_line(key)} ({clean_line(why, 300)})."
        for key, why in taken.left.items()
    ]
    if taken.pairing != "none":
        lines.append(
            "Start the daemon (`sereno`); each phone is asked about once, when it comes."
            if taken.relay
            else "The relay is off, so no phone comes yet: sereno import-paseo --relay"
        )
    return lines
