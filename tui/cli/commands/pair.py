"""`sereno pair`: lets another device in, by a code to scan; also `sereno daemon pair`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Literal

import click

from sereno.core.protocol.pairing import (
    Offer,
    OfferPairing,
    OfferPairingResult,
    RelayStatus,
    RotatePairings,
    RotatePairingsResult,
)
from sereno.tui import pairing_words as words
from sereno.tui.cli import exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import connect
from sereno.tui.cli.output import emit, note, on_terminal, say, terminal_width
from sereno.tui.cli.pairing import Waiting, asked, clock, state_of


@click.group("pair", invoke_without_command=True)
@click.option("--name", default="", metavar="WORDS", help="What the device is to be called.")
@click.option(
    "--rights",
    type=click.Choice(["operator", "viewer"]),
    default="operator",
    help="What it may do; an operator all but settings, pairing and terminals.",
)
@click.option(
    "--for",
    "kind",
    type=click.Choice(["app", "sereno"]),
    default="app",
    help="For an official app, or another Sereno.",
)
@click.option("-y", "--yes", is_flag=True, help="Let the first client in without a question.")
@click.option("--enable-relay", is_flag=True, help="Switch the relay on, where it is off.")
@click.option("--image", metavar="FILE", help="Write the code as a PNG that only you can read.")
@output_options
@click.pass_context
def command(
    ctx: click.Context,
    out: Output,
    name: str,
    rights: Literal["operator", "viewer"],
    kind: Literal["app", "sereno"],
    yes: bool,
    enable_relay: bool,
    image: str | None,
) -> int:
    """Let one other device in: draws a code that it scans, and asks you before it gets in.

    The code counts once, for ten minutes; ctrl+c ends it. With --json the link is printed and
    nothing is waited for: somebody then has to say yes on the screen, unless --yes is given.
    """
    if ctx.invoked_subcommand is not None:
        return exits.OK
    if out.plain:
        _only_for_eyes(yes)
    request = OfferPairing(
        request_id="",
        kind=kind,
        name=name,
        rights=rights,
        confirm=not yes,
        enable_relay=enable_relay,
    )
    client = connect()
    with client:
        reply = _offer(client.request(request))
        assert reply.offer is not None
        assert reply.url is not None
        _write_image(image, reply.url)
        if out.plain:
            relay = state_of(client).relay
            shown = partial(_shown, reply, rights, relay, yes)
            if not yes:
                return Waiting(client, reply.offer, rights).run(shown)
            say(*shown())
            return exits.OK
    value = _json(reply.offer, reply.url, rights, confirm=not yes)
    if reply.typed is not None:
        value["code"] = reply.typed
    emit(value, [reply.url], (), as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _json(offer: Offer, url: str, rights: str, *, confirm: bool) -> dict[str, object]:
    return {
        "id": offer.id,
        "url": url,
        "kind": offer.kind,
        "rights": rights,
        "madeAt": offer.made_at,
        "expiresAt": offer.expires_at,
        "confirm": confirm,
    }


def _offer(reply: object) -> OfferPairingResult:
    """Raises CliError where there is none; a relay that is off has its own way out."""
    assert isinstance(reply, OfferPairingResult)
    if reply.code == "relay_off":
        raise CliError(
            "relay_off",
            "the relay is off: nothing dials out of this machine, so no device could come",
            "Say `sereno pair --enable-relay` to switch it on",
        )
    if reply.offer is None or reply.url is None:
        message = reply.error or "the daemon made no offer"
        raise CliError(reply.code or "refused", message, reply.next_step or "", exits.FAILED)
    return reply


def _only_for_eyes(yes: bool) -> None:
    """The link is a key, and the question needs somebody to answer it."""
    if on_terminal() and (yes or sys.stdin.isatty()):
        return
    raise CliError(
        "not_a_terminal",
        "the code is a key for whoever has it, and here is no terminal to show it on",
        "Use --json, and --yes where nobody can be asked",
        exits.USAGE,
    )


def _drawn(url: str) -> list[str]:
    """The code, whole or not at all."""
    from sereno.tui.cli.qr import coloured
    from sereno.tui.qr import code_of

    code = code_of(url)
    width = terminal_width() or code.width
    if width >= code.width:
        return coloured(code)
    return [f"The code needs {code.width} columns, and this terminal has {width}. Open the link:"]


def _shown(reply: OfferPairingResult, rights: str, relay: RelayStatus, yes: bool) -> list[str]:
    """The code, the link, and what they are worth."""
    assert reply.offer is not None
    assert reply.url is not None
    about = _about(reply.offer, rights, relay, yes)
    return [*_drawn(reply.url), reply.url, *_to_type(reply.typed), "", *about]


def _to_type(typed: str | None) -> list[str]:
    """Instead of the link, where it cannot be brought."""
    if typed is None:
        return []
    return ["", f"Or typed, where the same relay is set: sereno --host {typed}"]


def _about(offer: Offer, rights: str, relay: RelayStatus, yes: bool) -> list[str]:
    until = clock(offer.expires_at)
    lets = "is let in without a question" if yes else "is asked about here"
    scan = "the Paseo app" if offer.kind == "app" else "another Sereno: sereno --host 'LINK'"
    end = "" if yes else " ctrl+c ends it."
    return [
        f"For {scan}. Whoever comes first {lets}; until {until}.{end}",
        f"Grants: {words.grants(rights)}. Not: {words.WITHHELD}.",
        f"Way: {words.relay_name(relay)}. {words.relay_could(offer.kind)}",
        "This is a key: do not post or record it.",
    ]


def _write_image(image: str | None, url: str) -> None:
    if image is None:
        return
    from sereno.core.home.files import atomic_write
    from sereno.tui.qr import image_of

    atomic_write(Path(image), image_of(url))
    note(f"The code is in {image}, which only you can read. Remove it when it was scanned.")


@command.command("rotate")
@click.option("-y", "--yes", is_flag=True, help="Do not ask on a terminal.")
@output_options
def rotate(out: Output, yes: bool) -> int:
    """End every pairing and every offer: new keys, and every device has to pair again.

    For when a key may have leaked. Old links and codes never work again.
    """
    with connect() as client:
        if not yes and sys.stdin.isatty():
            state = state_of(client)
            note(*(f"{words.device_name(device)} loses its way in." for device in state.devices))
            click.confirm("End every pairing and every open offer?", abort=True, err=True)
        reply = asked(client, RotatePairings(request_id=""), RotatePairingsResult)
    value = {"rotated": True, "devices": reply.devices, "offers": reply.offers}
    many = "1 device" if reply.devices == 1 else f"{reply.devices} devices"
    line = f"Every key is new. {many} must pair again; every old link is dead."
    emit(value, (), [line], as_json=out.as_json, quiet=out.quiet)
    return exits.OK
