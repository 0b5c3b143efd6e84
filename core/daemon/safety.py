"""What the security page says about itself: is this daemon safe as it stands? (tui-design, check)

Pure: facts in, sentences out, the worst first. Nothing is looked up and nothing changed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from sereno.core.config import DaemonConfig
from sereno.core.daemon.sockets import is_loopback
from sereno.core.protocol.additions import AuditVerifyResult, DoorStatus
from sereno.core.protocol.security import Check

__all__ = ["OLD_TOKEN_MS", "Facts", "checks"]

OLD_TOKEN_MS = 90 * 24 * 3600 * 1000
_ORDER = {"danger": 0, "warning": 1, "ok": 2}


class Facts(msgspec.Struct, frozen=True):
    """Modes are permission bits, None where there is no such file. `token_made_ms`: None for a
    token that is not there or cannot be used. Times are epoch milliseconds."""

    config: DaemonConfig
    doors: Sequence[DoorStatus]
    home_mode: int | None
    config_mode: int | None
    socket_mode: int | None
    token_made_ms: int | None
    now_ms: int
    audit: AuditVerifyResult


def checks(facts: Facts) -> list[Check]:
    """Every check with its result; the worst first, in a fixed order among equals."""
    found = [*_files(facts), *_network(facts), *_rules(facts), *_keys(facts), *_audit(facts)]
    return sorted(found, key=lambda one: _ORDER[one.level])


def _files(facts: Facts) -> Iterator[Check]:
    if facts.home_mode == 0o700 and facts.socket_mode == 0o600:
        yield Check("ok", "the socket is private: only your user can open it")
    else:
        yield Check(
            "danger",
            "others may open the home or its socket",
            "Restart the daemon: it narrows both to your user.",
        )
    if facts.config_mode not in (None, 0o600):
        yield Check("danger", "others may read config.toml", "chmod 600 it.")


def _network(facts: Facts) -> Iterator[Check]:
    config = facts.config
    wide = [
        place
        for door in facts.doors
        for place in door.open
        if not place.startswith("/") and not is_loopback(place.rpartition(":")[0].strip("[]"))
    ]
    if not wide:
        yield Check("ok", "no network address is open: only this machine reaches the daemon")
    elif config.auth.password is None:
        yield Check(
            "danger", f"{', '.join(wide)} is open without a password", "Set a password now."
        )
    elif config.tls.cert is None:
        yield Check(
            "warning",
            f"{', '.join(wide)} is not encrypted: a password does not encrypt",
            "Set [daemon.tls], or reach it through a VPN or SSH.",
        )
    else:
        yield Check("ok", "the network addresses need a password and are encrypted")
    for door in facts.doors:
        if door.error is not None:
            yield Check(
                "warning", f"{door.address} is not open: {door.error}", door.next_step or ""
            )


def _rules(facts: Facts) -> Iterator[Check]:
    config = facts.config
    if config.auth.password is None:
        match config.auth.loopback:
            case "trust":
                yield Check(
                    "danger",
                    "every user and every program of this machine may connect",
                    "Set the rule for this machine back to same-user.",
                )
            case "token":
                yield Check("ok", "programs of this machine must show the token")
            case _:
                yield Check("ok", "of this machine only programs of your user may connect")
    else:
        yield Check("ok", "every TCP connection must show the password or the token")
    if config.hostnames is True:
        yield Check(
            "warning",
            "every Host name is answered: a stranger's page can use its own name",
            "List the names that you use instead.",
        )
    if "*" in config.cors.allowed_origins:
        yield Check(
            "warning",
            "pages of every web site may try to connect",
            "List the origins that you use instead of *.",
        )


def _keys(facts: Facts) -> Iterator[Check]:
    if facts.token_made_ms is None:
        yield Check(
            "warning", "the token file cannot be used", "`sereno token rotate` makes a new one."
        )
    elif facts.now_ms - facts.token_made_ms > OLD_TOKEN_MS:
        yield Check("warning", "the token is older than 90 days", "Rotate it.")
    else:
        yield Check("ok", "the token is younger than 90 days")


def _audit(facts: Facts) -> Iterator[Check]:
    if facts.audit.ok:
        yield Check("ok", f"the audit's chain holds, {facts.audit.entries} entries")
    else:
        yield Check(
            "danger",
            f"the audit was changed: its chain breaks at entry {facts.audit.first_bad}",
            "See SECURITY.md: keep a copy of sereno.db before anything else.",
        )
