"""The gate of this daemon: its settings from the configuration, and which of them changed.

Who may come in is decided in core/security/gate.py; here it is only told the daemon's own facts:
its token, the addresses that it listens on, who of this machine is an agent.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from sereno.core.config import Config
from sereno.core.home import Home
from sereno.core.home.token import load, load_or_make
from sereno.core.security import tokens
from sereno.core.security.gate import Gate, GateSettings
from sereno.core.security.origins import origin_of, own_origins

__all__ = ["Gatekeeper"]

log = logging.getLogger("sereno.daemon")


class Gatekeeper:
    """Made at the daemon's start, where it makes the token if there is none (C-47)."""

    def __init__(self, home: Home, config: Config) -> None:
        """Raises HomeError for a token file that is damaged or not ours."""
        self._home = home
        self._digest = tokens.digest(load_or_make(home).text)
        self.app_paired = False
        """Whether official apps are paired: then the hosted one may also come directly."""
        self.gate = Gate(self._settings(config, ()))

    def look(self) -> None:
        """Reads the token again. Raises HomeError for one that is damaged; the old one stays."""
        token = load(self._home)
        if token is None:
            log.warning("the token file is gone; the token of before is still good")
        else:
            self._digest = tokens.digest(token.text)

    def use(self, config: Config, addresses: Sequence[tuple[str, int]]) -> frozenset[str]:
        """From now on this configuration, with these addresses open. Gives the credentials that
        ended."""
        return self.gate.use(self._settings(config, addresses))

    def _settings(self, config: Config, addresses: Sequence[tuple[str, int]]) -> GateSettings:
        daemon = config.daemon
        own = own_origins(addresses, tls=daemon.tls.cert is not None)
        if self.app_paired and (hosted := origin_of(config.app.base_url)) is not None:
            own |= {hosted}
        return GateSettings(
            uid=os.geteuid(),
            hostnames=daemon.hostnames,
            origins=own | frozenset(daemon.cors.allowed_origins),
            password_hash=daemon.auth.password,
            token_digest=self._digest,
            loopback=daemon.auth.loopback,
        )
