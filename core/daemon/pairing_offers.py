"""What an offer's link holds, and why there may be none: through which relay, for which program.

Pure but for the imports, which are made when an offer is. Source: sections 1.1 to 1.3 of the wire
reference; for our own clients relay_client/noise/offer3.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sereno.core.config.model import Config, RelayConfig
from sereno.core.daemon.pairing_keys import Keys
from sereno.core.protocol.pairing import Kind, RelayStatus
from sereno.core.security.pairings import Pairing

if TYPE_CHECKING:
    from sereno.relay_client.endpoints import Endpoint

__all__ = ["RELAY_OFF", "Refused", "endpoint_for", "link", "unconnected"]


class Refused(msgspec.Struct, frozen=True):
    """Why there is no offer; the names are those of OfferPairingResult."""

    code: str
    error: str
    next_step: str


RELAY_OFF = Refused(
    "relay_off",
    "The relay is off, so nobody could come by an offer.",
    "Switch it on: sereno pair --enable-relay. From then on this daemon can be reached from "
    "everywhere, by whoever you let in.",
)


def endpoint_for(kind: Kind, config: RelayConfig) -> Endpoint | Refused:
    """Where a client of this kind dials: what the configuration calls public, else where we do."""
    from sereno.relay_client.endpoints import BadEndpoint, parse_endpoint, parse_public_endpoint

    try:
        dialled = parse_endpoint(config.endpoint)
        named = config.public_endpoint
        endpoint = dialled if named is None else parse_public_endpoint(named)
    except BadEndpoint as error:
        return Refused("endpoint_invalid", str(error), "Correct [daemon.relay] in config.toml.")
    if kind == "sereno":
        # The plain address of the same relay is for the official apps.
        return dialled if dialled.tls and dialled.host == endpoint.host else endpoint
    if not endpoint.official:
        return Refused(
            "endpoint_not_official",
            f"This daemon dials its relay as {config.endpoint}, and the official apps cannot: they "
            "speak TLS to relay.paseo.sh:443 and to no other relay.",
            "Set daemon.relay.public_endpoint to an address of the relay without TLS, host:port. "
            "What is said stays encrypted end to end.",
        )
    return endpoint


def link(pairing: Pairing, keys: Keys, endpoint: Endpoint, config: Config) -> str:
    """The link, a key for whoever holds it."""
    public = keys.public(pairing.server_id)
    if pairing.kind == "sereno":
        from sereno.relay_client.noise.offer3 import Offer3

        secret, until = keys.psk(pairing.server_id), pairing.until_ms // 1000
        return Offer3(pairing.server_id, public, secret, until, endpoint).link()
    from sereno.relay_client.offer import Offer

    return Offer(pairing.server_id, public, endpoint).url(config.app.base_url)


def unconnected(config: RelayConfig) -> RelayStatus:
    """The relay's state while nobody dials it."""
    return RelayStatus(
        enabled=config.enabled,
        endpoint=config.endpoint,
        public_endpoint=config.public_endpoint or config.endpoint,
        state="idle" if config.enabled else "off",
    )
