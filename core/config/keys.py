"""The table of settings: which keys there are, and which check belongs to each.

One row a setting; the default and the meaning stand in `model.py`. The keys of `[providers.NAME]`
are in `providers.py`, because those tables are named by the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sereno.core.config import checks
from sereno.core.config.checks import BOOLEAN, TEXT, Check

SETTINGS: Final[dict[str, Check]] = {
    "daemon.listen": Check(checks.listen, checks.list_from_text),
    "daemon.hostnames": Check(checks.hostnames, checks.hostnames_from_text),
    "daemon.cors.allowed_origins": Check(checks.origins, checks.list_from_text),
    "daemon.auth.password": Check(checks.bcrypt_hash, secret=True),
    "daemon.auth.loopback": checks.one_of("same-user", "token", "trust"),
    "daemon.auth.device_days": checks.whole(0, 3_650),
    "daemon.relay.enabled": BOOLEAN,
    "daemon.relay.endpoint": Check(checks.endpoint),
    "daemon.relay.public_endpoint": Check(checks.host_port),
    "daemon.relay.pins": Check(checks.pins, checks.list_from_text),
    "daemon.tls.cert": TEXT,
    "daemon.tls.key": TEXT,
    "app.base_url": Check(checks.web_address),
    "log.level": checks.one_of("trace", "debug", "info", "warn", "error", "fatal"),
    "log.format": checks.one_of("json", "pretty"),
    "agents.end_grace_seconds": checks.number(0, 60),
    "agents.queue_limit": checks.whole(1, 10_000),
    "agents.journal_limit_mb": checks.whole(1, 65_536),
    "agents.park_after_minutes": checks.number(0, 525_600),
    "agents.park_memory_mb": checks.whole(0, 16_777_216),
    "ui.theme": Check(checks.theme),
    "ui.mouse": BOOLEAN,
    "ui.bell": BOOLEAN,
    "ui.animations": BOOLEAN,
    "ui.keys": Check(checks.bindings),
}

# A variable adds to the list of the file instead of replacing it (wire reference 4.5, 4.6).
UNIONS: Final = frozenset({"daemon.hostnames", "daemon.cors.allowed_origins"})

# The password has no variable: a hash in the environment helps nobody. Nor has a table.
VARIABLES: Final[dict[str, str]] = {
    "SERENO_" + key.removeprefix("daemon.").replace(".", "_").upper(): key
    for key in SETTINGS
    if not SETTINGS[key].secret and key != "ui.keys"
} | {"SERENO_CORS_ORIGINS": "daemon.cors.allowed_origins"}


def as_variables(flags: Mapping[str, str]) -> dict[str, str]:
    """Flags as the variables that say the same: what was said for this start holds for the
    daemons that take over from it. What has no variable is left out."""
    names = {key: name for name, key in VARIABLES.items()}
    return {names[key]: value for key, value in flags.items() if key in names}


def nearest(name: str, siblings: list[str]) -> str | None:
    """The valid key that a person most likely meant by an unknown one; None if none is near.

    `name` is the dotted unknown key, `siblings` the dotted keys valid in its table.
    """
    import difflib  # no part of a start whose configuration is right

    last = name.rpartition(".")[2]
    beside = {key.rpartition(".")[2]: key for key in siblings}
    found = difflib.get_close_matches(last, beside, n=1, cutoff=0.6)
    if found:
        return beside[found[0]]
    # The right key in the wrong table, such as `listen` at the top.
    elsewhere = {key.rpartition(".")[2]: key for key in reversed(SETTINGS)}
    found = difflib.get_close_matches(last, elsewhere, n=1, cutoff=0.8)
    if found:
        return elsewhere[found[0]]
    return None
