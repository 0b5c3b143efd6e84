"""`sereno relay`: the self-hosted relay in the foreground. Needs no home and no daemon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sereno.tui.cli import exits
from sereno.tui.cli.errors import CliError

if TYPE_CHECKING:
    from sereno.relay_server.settings import Settings

_F = TypeVar("_F", bound=Callable[..., Any])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_COUNT = click.IntRange(min=1)


def _most(option: str, words: str, default: int) -> Callable[[_F], _F]:
    return click.option(option, type=_COUNT, default=default, show_default=True, help=words)


@click.command("relay")
@click.option(
    "--listen",
    multiple=True,
    metavar="HOST:PORT",
    help="Listen here without TLS; may be repeated.  [default: 127.0.0.1:8787]",
)
@click.option("--listen-tls", multiple=True, metavar="HOST:PORT", help="Listen here with TLS 1.3.")
@click.option("--cert", type=_FILE, help="PEM file with the certificate and its chain.")
@click.option("--key", type=_FILE, help="PEM file with the certificate's key.")
@click.option(
    "--trust-proxy",
    multiple=True,
    metavar="ADDRESS",
    help="Believe X-Forwarded-For of this address or network.",
)
@click.option("--metrics", multiple=True, metavar="HOST:PORT", help="Show metrics here as well.")
@click.option(
    "--nats",
    multiple=True,
    envvar="SERENO_RELAY_NATS",
    metavar="URL",
    help="Join the other nodes over this NATS server; may be repeated for a cluster.",
)
@click.option("--node", default="", metavar="NAME", help="This node's name in the others' logs.")
@_most("--max-frames", "Frames of a connection that wait for its daemon.", 200)
@_most("--max-waiting", "Bytes of a connection that wait.", 4 * 1024 * 1024)
@_most("--max-clients", "Clients of one id.", 64)
@_most("--max-ids", "Ids of one address.", 256)
@_most("--max-message", "Bytes of one message.", 32 * 1024 * 1024)
@_most("--max-address-sockets", "Sockets of one address.", 4096)
@_most("--max-address-memory", "Bytes held for one address.", 64 * 1024 * 1024)
@_most("--max-sockets", "Sockets in all.", 16_000)
@_most("--max-memory", "Bytes held in all.", 256 * 1024 * 1024)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
)
def command(**options: Any) -> int:
    """Run a relay: it joins daemons and their clients, and can read nothing of what they say.

    A limit that is reached closes the connection with 1013 and leaves the others alone. SIGTERM
    stops it, SIGHUP reads the certificate again. docs/relay.md tells the rest.
    """
    from sereno.relay_server.program import run_relay
    from sereno.relay_server.settings import RelayError

    try:
        run_relay(_settings(options), options["log_level"])
    except RelayError as error:
        code = exits.NO_DAEMON if error.code == "port_in_use" else exits.USAGE
        raise CliError(error.code, error.message, error.next_step, code) from error
    return exits.OK


def _settings(options: dict[str, Any]) -> Settings:
    from sereno.relay_server.limits import Limits
    from sereno.relay_server.settings import Settings, read_address, read_networks

    listen = options["listen"]
    if not (listen or options["listen_tls"]):
        listen = ("127.0.0.1:8787",)
    most = {name[4:]: value for name, value in options.items() if name.startswith("max_")}
    return Settings(
        plain=tuple(map(read_address, listen)),
        tls=tuple(map(read_address, options["listen_tls"])),
        metrics=tuple(map(read_address, options["metrics"])),
        cert=options["cert"],
        key=options["key"],
        proxies=read_networks(options["trust_proxy"]),
        nats=tuple(options["nats"]),
        node=options["node"],
        limits=Limits(**most),
    )
