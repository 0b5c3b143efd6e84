"""`sereno token`: the key of this home's daemon, for clients that may do what you may."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from sereno.core.home import prepare
from sereno.core.home.token import Token, load, rotate
from sereno.tui.cli import exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import home
from sereno.tui.cli.output import emit, on_terminal
from sereno.tui.cli.reloading import reload_daemon


@click.group("token")
def command() -> None:
    """Show or replace the token of this home's daemon. Whoever has it is let in."""


@command.command("show")
@click.option("--force", is_flag=True, help="Print it into a pipe or file, too.")
@output_options
def show(out: Output, force: bool) -> int:
    """Print the token, and nothing else.

    Only on a terminal, unless --force says that a pipe or a file may have it.
    """
    if not (on_terminal() or force):
        raise CliError(
            "not_a_terminal",
            "the token is a key and is not printed into a pipe or file",
            "Use --force if that is what you want",
            exits.USAGE,
        )
    token = _token()
    emit(_facts(token), [token.text], [token.text], as_json=out.as_json, quiet=out.quiet)
    return exits.OK


@command.command("rotate")
@output_options
def renew(out: Output) -> int:
    """Make a new token; the old one is dead at once.

    A running daemon closes the connections that showed the old one. The new one is not printed:
    `sereno token show` does that.
    """
    prepare(home())
    token = rotate(home())
    running = reload_daemon("The new token is saved")
    line = (
        "The token is new. Connections that showed the old one are closed."
        if running
        else "The token is new. The next daemon knows no other."
    )
    value = {"rotated": True, "applied": running, "madeAt": _facts(token)["madeAt"]}
    emit(value, (), [line], as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _token() -> Token:
    """Raises CliError where none was made yet, HomeError where the file cannot be used."""
    token = load(home())
    if token is None:
        raise CliError(
            "no_token",
            "this home has no token yet; a daemon makes it at its first start",
            "Start one with `sereno daemon start`",
        )
    return token


def _facts(token: Token) -> dict[str, str]:
    made = datetime.fromtimestamp(token.made_ms / 1000, UTC)
    return {"token": token.text, "madeAt": made.isoformat(timespec="seconds")}
