"""What an offer's link holds, and why there may be none: through which relay, for which program.

Pure but for the imports, which are made when an offer is. Source: sections 1.1 to 1.3 of the wire
reference; for our own clients relay_client/noise/offer3.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sereno.core.config.model import Config, RelayConfig
from sereno.core.protocol.pairing import Kind, RelayStatus

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

    if kind == "sereno":
        return Refused(
            "not_yet",
            "Offers for Sereno's own clients are not there yet.",
            "Make one for the official apps: sereno pair",
        )
    try:
        if config.public_endpoint is not None:
            return parse_public_endpoint(config.public_endpoint)
        endpoint = parse_endpoint(config.endpoint)
    except BadEndpoint as error:
        return Refused("endpoint_invalid", str(error), "Correct [daemon.relay] in config.toml.")
    if kind == "app" and not endpoint.official:
        return Refused(
            "endpoint_not_official",
            f"This daemon dials its relay as {config.endpoint}, and the official apps cannot: they "
            "speak TLS to relay.paseo.sh:443 and to no other relay.",
            "Set daemon.relay.public_endpoint to an address of the relay without TLS, host:port. "
            "What is said stays encrypted end to end.",
        )
    return endpoint


def link(
    kind: Kind, server_id: str, public: bytes, psk: bytes | None, endpoint: Endpoint, config: Config
) -> str:
    """The link, a key for whoever holds it. `psk`: of an offer for our own clients."""
    from sereno.relay_client.offer import Offer

    assert kind == "app", f"no links for {kind}, with a secret or without ({psk is None})"
    return Offer(server_id, public, endpoint).url(config.app.base_url)


def unconnected(config: RelayConfig) -> RelayStatus:
    """The relay's state while nobody dials it."""
    return RelayStatus(
        enabled=config.enabled,
        endpoint=config.endpoint,
        public_endpoint=config.public_endpoint or config.endpoint,
        state="idle" if config.enabled else "off",
    )
