"""A command whose daemon is reached through a relay: pairing at the first time, said on stderr.

Loaded only for a pairing link, a code that is typed, or `sereno://ID`, as the host.
"""

from __future__ import annotations

import os
import sys
import time

from sereno.core.client.blocking import SyncClient
from sereno.core.client.bridge import RelayedClient
from sereno.core.client.paired import PairedHost
from sereno.core.client.target import Target
from sereno.core.config import load_config
from sereno.core.home import find_home
from sereno.relay_client.pins import parse_pin
from sereno.tui.cli.output import note
from sereno.tui.relay_way import paired_host

__all__ = ["exchange", "through"]


def exchange(target: Target) -> Target:
    """What the code of a target leads to, by the relay of this home's configuration. The code is
    spent by that, so it is said at once how to go on. Raises ClientError and ConfigError."""
    home = find_home(os.environ)
    relay = load_config(home, os.environ).daemon.relay
    pins = [parse_pin(one) for one in relay.pins]
    host = PairedHost.of_code(home, target.code, relay.endpoint, time.time(), pins=pins)
    note(
        f"sereno: the code was right, and is spent. If this breaks: --host sereno://{host.server_id}"
    )
    return Target(link=f"sereno://{host.server_id}")


def through(target: Target) -> SyncClient:
    """Connected and let in. Raises ClientError."""
    host = paired_host(target)
    new = host.is_new
    client = RelayedClient.through(host, words=_compare)
    if new:
        note(f"sereno: paired. From now on: --host sereno://{host.server_id}")
    return client


def _compare(words: tuple[str, str, str]) -> None:
    """From the thread of the connection, once."""
    sys.stderr.write(
        f"sereno: these words stand at the daemon too, if nobody is in between:\n\n"
        f"    {'   '.join(words)}\n\n"
        "sereno: waiting for a yes there...\n"
    )
    sys.stderr.flush()
