"""`sereno token`: the key of this home's daemon, for clients that may do what you may."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from sereno.core.client.blocking import SyncClient
from sereno.core.home import prepare
from sereno.core.home.token import Token, load, rotate
from sereno.core.protocol.additions import MakeOffer, MakeOfferResult
from sereno.tui.cli import exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import home
from sereno.tui.cli.output import emit, note, on_terminal
from sereno.tui.cli.reach import url_of
from sereno.tui.cli.reloading import reload_daemon


@click.group("token")
def command() -> None:
    """The key of this home's daemon: show it, replace it, or let one device in without it."""


@command.command("show")
@click.option("--force", is_flag=True, help="Print it into a pipe or file, too.")
@output_options
def show(out: Output, force: bool) -> int:
    """Print the token, and nothing else.

    Only on a terminal, unless --force says that a pipe or a file may have it.
    """
    _only_for_eyes("the token", force)
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
    running = reload_daemon("The new token is saved", token=True)
    line = (
        "The token is new. Connections that showed the old one are closed."
        if running
        else "The token is new. The next daemon knows no other."
    )
    value = {"rotated": True, "applied": running, "madeAt": _facts(token)["madeAt"]}
    emit(value, (), [line], as_json=out.as_json, quiet=out.quiet)
    return exits.OK


@command.command("qr")
@click.option("--at", metavar="HOST[:PORT]", help="How the other device reaches this machine.")
@click.option("--force", is_flag=True, help="Print it into a pipe or file, too.")
@output_options
def qr(out: Output, at: str | None, force: bool) -> int:
    """Draw a code that lets one other device in, once, within ten minutes.

    It carries an address and a secret for this one time, never the token (`sereno --host` and
    other clients of the same protocol take its text). Whoever shows it first is let in as an
    operator, until the connection ends; a new password or token ends it too.
    """
    _only_for_eyes("the secret in the code", force)
    with SyncClient.open(home()) as client:
        offer = client.request(MakeOffer(request_id=""))
    assert isinstance(offer, MakeOfferResult)
    url = url_of(offer, at)
    from sereno.tui.cli.qr import drawn

    if not offer.tls:
        note(
            "This address speaks no TLS: whoever can listen in the network in between can read it."
        )
    lines = [
        *drawn(url),
        url,
        f"Lets in whoever shows it first, once, until {_clock(offer.expires_at)}.",
    ]
    value = {"url": url, "expiresAt": offer.expires_at}
    emit(value, [url], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _only_for_eyes(what: str, force: bool) -> None:
    if not (on_terminal() or force):
        raise CliError(
            "not_a_terminal",
            f"{what} is a key and is not printed into a pipe or file",
            "Use --force if that is what you want",
            exits.USAGE,
        )


def _clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M")


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
