"""What a change would make possible that is not possible now: the words of the second question.

Pure. A change that only narrows is not asked about. Whether a change may be made at all is the
daemon's word; this only says what it would mean.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from sereno.core.config import TcpAddress, parse_listen
from sereno.core.protocol.security import ChangeSecurity, SecurityState
from sereno.core.protocol.values import given
from sereno.tui.screens.confirm.screen import Question

__all__ = ["password_removal", "reached_from", "rotation", "widened"]

_LOOSE = {"token": 0, "same-user": 1, "trust": 2}
_ALL = frozenset({"0.0.0.0", "::"})


def widened(state: SecurityState, change: ChangeSecurity) -> Question | None:
    """What to ask before the change is sent; None where nobody gains anything by it."""
    lines = tuple(
        dict.fromkeys(
            [
                *_by_addresses(state, given(change.listen, state.listen)),
                *_by_names(state, change),
                *_by_origins(state, given(change.origins, state.origins)),
                *_by_rule(state, given(change.loopback, state.loopback)),
            ]
        )
    )
    return Question("This lets more in. Change it?", lines, "change it") if lines else None


def password_removal(state: SecurityState) -> Question:
    """Before the password goes: what lets people in afterwards."""
    rule = {
        "same-user": "Programs of your user on this machine then connect without showing anything.",
        "token": "Whoever has the token connects; nothing else lets anybody in.",
        "trust": "Every user and every program of this machine then connects without showing "
        "anything, and acts as you.",
    }[state.loopback]
    return Question(
        "Remove the password?",
        (
            rule,
            "No address that other machines reach can be open without a password.",
            "Whoever came in with it is sent away now.",
        ),
        "remove it",
    )


def rotation() -> Question:
    """Before a new token is made."""
    return Question(
        "Make a new token?",
        (
            "Whoever uses the old one is sent away at once, and needs the new one.",
            "On a shell: sereno token show, or sereno token qr for a phone.",
        ),
        "make a new one",
    )


def reached_from(text: str) -> str:
    """Who reaches an address, in words; empty for what is no address (the daemon says why)."""
    try:
        address = parse_listen(text)
    except ValueError:
        return ""
    if not isinstance(address, TcpAddress):
        return "a socket of this machine"
    if address.host in _ALL:
        return "every network of this machine"
    if _is_here(address.host):
        return "this machine only"
    return f"whoever reaches {address.host} by a network"


def _is_here(host: str) -> bool:
    """Only what surely is: a name may be anything by tomorrow."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _by_addresses(state: SecurityState, listen: Iterable[str]) -> Iterator[str]:
    known = {_text(one) for one in state.listen}
    wide = [
        text
        for text in listen
        if _text(text) not in known
        and reached_from(text) not in ("", "this machine only", "a socket of this machine")
    ]
    for text in wide:
        yield f"{text} is reached from {_from(text)}: from there anybody can try to come in."
    if wide and not state.tls:
        yield (
            "It is not encrypted: whoever is on the way reads the password and all that is said. "
            "A VPN, SSH or [daemon.tls] encrypts."
        )


def _from(text: str) -> str:
    words = reached_from(text)
    return f"{words}, also the internet where that leads here" if "every" in words else words


def _text(text: str) -> str:
    try:
        return parse_listen(text).text
    except ValueError:
        return text


def _by_names(state: SecurityState, change: ChangeSecurity) -> Iterator[str]:
    if state.any_hostname:
        return
    if given(change.any_hostname, False):
        yield (
            "Every host name is answered: a page of any web site can take this daemon's address "
            "for its own and talk to it from your browser (DNS rebinding)."
        )
        return
    known = set(state.hostnames)
    for name in given(change.hostnames, []):
        if name not in known:
            below = f"{name[1:]} and every name below it are" if name[:1] == "." else f"{name} is"
            yield f"{below} answered: whoever decides what that name means can point pages here."


def _by_origins(state: SecurityState, origins: Iterable[str]) -> Iterator[str]:
    for origin in origins:
        if origin == "*" and "*" not in state.origins:
            yield "Pages of every web site that you open may try to connect."
        elif origin not in state.origins and "*" not in state.origins:
            yield f"Pages of {origin} may connect from your browser."


def _by_rule(state: SecurityState, rule: str) -> Iterator[str]:
    if _LOOSE[rule] <= _LOOSE[state.loopback]:
        return
    if rule == "trust":
        yield (
            "Every user and every program of this machine connects without showing anything, and "
            "acts as you: reads all talks, answers requests, starts agents."
        )
    else:
        yield "Programs of your user on this machine connect without showing anything."
    if state.password_set:
        yield "It counts as soon as there is no password any more."
