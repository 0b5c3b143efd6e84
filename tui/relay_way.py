"""The way through a relay to a paired daemon, as this home's configuration wants it: a relay that
it pins keys of must have one of them, for us as for the daemon (C-29).
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import time

from sereno.core.client.errors import ClientError
from sereno.core.client.paired import PairedHost
from sereno.core.client.target import Target
from sereno.core.config import ConfigError, load_config
from sereno.core.config.model import RelayConfig
from sereno.core.home import find_home
from sereno.relay_client.endpoints import Endpoint, parse_endpoint
from sereno.relay_client.pins import parse_pin

__all__ = ["paired_host", "pins_for"]


def paired_host(target: Target) -> PairedHost:
    """Whom a target leads to by its link or id. Raises ClientError."""
    home = find_home(os.environ)
    host = PairedHost.of_target(home, target.link, time.time())
    try:
        relay = load_config(home, os.environ).daemon.relay
    except ConfigError as error:  # Not without: it may hold the pins.
        raise ClientError(error.code, error.message.rstrip("."), error.next_step) from error
    host.pins = pins_for(host.endpoint, relay)
    return host


def pins_for(endpoint: Endpoint, relay: RelayConfig) -> tuple[bytes, ...]:
    """None for another relay than the configured one: by host and port, whatever is spoken there,
    so that a pin is not lost where somebody leaves TLS out."""
    if _place(endpoint) != _place(parse_endpoint(relay.endpoint)):
        return ()
    return tuple(parse_pin(one) for one in relay.pins)


def _place(endpoint: Endpoint) -> tuple[str, int]:
    host = endpoint.host.lower().rstrip(".")
    with contextlib.suppress(ValueError):
        host = ipaddress.ip_address(host).compressed
    return host, endpoint.port
