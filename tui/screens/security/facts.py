"""The security of a daemon as facts in words: labels, values, what is to be said beside them.

Pure, and without a width: view.py makes lines of them. Every text of the daemon is shown with
nothing hidden in it, because a person decides by it (T42).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sereno.core.protocol.additions import DoorStatus
from sereno.core.protocol.security import Check, Guest, SecurityState
from sereno.core.security.sanitise import reveal
from sereno.tui.timeline import milliseconds
from sereno.tui.words import ago, count, folder, one_line

__all__ = ["CHANGED", "LEVELS", "Fact", "Note", "checks", "forced_by", "proof", "reach", "said"]

Note = tuple[str, str]
"""Words and their style."""

CHANGED = {
    "listen": "daemon.listen",
    "hostnames": "daemon.hostnames",
    "origins": "daemon.cors.allowed_origins",
    "password": "daemon.auth.password",
    "loopback": "daemon.auth.loopback",
    "token": "",
}
"""What can be changed on the page, and the setting behind it."""

LEVELS = {"danger": ("! danger", "failed"), "warning": ("! warning", "asks"), "ok": ("ok", "done")}

_WAYS = {"unix": "local socket", "memory": "in memory", "tcp": "TCP", "tls": "TCP with TLS"}
_SHOWED = {
    "local": "is your user",
    "agent": "is an agent",
    "same-user": "is your user",
    "trust": "showed nothing",
    "token": "showed the token",
    "password": "showed the password",
    "offer": "showed a one-time secret",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """`key`: by which it is chosen. `right`: its state in a word, at the end of the line."""

    key: str
    label: str
    value: str
    right: str = ""
    right_style: str = "dim"
    label_style: str = ""
    value_style: str = ""
    notes: tuple[Note, ...] = ()


def said(text: str | None) -> str:
    """A text of the daemon in one line, with what hides in it spelt out."""
    return one_line(reveal(text or ""))


def forced_by(state: SecurityState, key: str) -> str:
    """The variable of the daemon's environment that sets this; empty where none does."""
    return said(state.forced.get(CHANGED.get(key, ""), ""))


def _notes(state: SecurityState, key: str, *more: Note) -> tuple[Note, ...]:
    name = forced_by(state, key)
    told = (f"set by {name} in the daemon's environment: cannot be changed here", "asks-line")
    return (told, *more) if name else more


def reach(state: SecurityState, home: str) -> list[Fact]:
    """Who can reach the daemon."""
    socket = Fact(
        "socket", "Local socket", f"for your user only, {folder(said(state.socket), home)}", "on"
    )
    if state.any_hostname:
        names = Fact("hostnames", "Accepted hostnames", "any name", "any", "asks")
    else:
        listed = ", ".join(map(said, state.hostnames)) or "none but localhost and addresses"
        names = Fact("hostnames", "Accepted hostnames", f"{listed}; every other one is refused")
    origins = ", ".join(map(said, state.origins)) or "its own only"
    wild = "*" in state.origins
    return [
        socket,
        *_addresses(state),
        Fact(
            "tls",
            "Encryption",
            "TLS on every network address"
            if state.tls
            else "none of ours: [daemon.tls] in config.toml, a VPN or SSH",
            "on" if state.tls else "off",
        ),
        Fact(names.key, names.label, names.value, names.right, names.right_style,
             notes=_notes(state, "hostnames")),
        Fact("origins", "Pages of origins", origins, "any" if wild else "", "asks",
             notes=_notes(state, "origins")),
    ]  # fmt: skip


def _addresses(state: SecurityState) -> Iterator[Fact]:
    """The first is chosen for all of them: they are one setting."""
    label = "Network addresses"
    if not state.doors:
        yield Fact("listen", label, "none: nothing comes in by a network", "off",
                   notes=_notes(state, "listen"))  # fmt: skip
    for place, door in enumerate(state.doors):
        notes = _notes(state, "listen") if place == len(state.doors) - 1 else ()
        key = "listen" if place == 0 else f"listen-{place}"
        yield _door(door, key, label if place == 0 else "", notes)


def _door(door: DoorStatus, key: str, label: str, notes: tuple[Note, ...]) -> Fact:
    name = said(door.address)
    if door.error is not None:
        told: list[Note] = [(said(door.error), "failed")]
        if door.next_step:
            told.append((said(door.next_step), "dim"))
        return Fact(key, label, name, "not open", "failed", notes=(*told, *notes))
    where = ", ".join(said(place) for place in door.open)
    value = name if where in ("", name) else f"{name}, now {where}"
    if door.warning:
        notes = ((said(door.warning), "asks-line"), *notes)
    return Fact(key, label, value, "on" if door.open else "off", notes=notes)


def proof(state: SecurityState, now_ms: int) -> list[Fact]:
    """What they must show, and who did."""
    if state.password_set:
        password = "every network connection must show it, or the token"
    else:
        password = "none: no address that others reach can be open"
    return [
        Fact("password", "Password", password, "set" if state.password_set else "not set",
             notes=_notes(state, "password")),
        Fact("token", "Token", _token(state, now_ms)),
        Fact("loopback", "From this machine", _rule(state), state.loopback,
             "failed" if state.loopback == "trust" and not state.password_set else "dim",
             notes=_notes(state, "loopback")),
        Fact("page", "This page", "only on this machine: a phone can never change it"),
        *_guests(state.guests),
    ]  # fmt: skip


def _rule(state: SecurityState) -> str:
    words = {
        "same-user": "programs of your user show nothing",
        "token": "every program must show the token",
        "trust": "any user's programs show nothing",
    }[state.loopback]
    return f"{words}, once no password is set" if state.password_set else words


def _token(state: SecurityState, now_ms: int) -> str:
    if state.token_made_at is None:
        return "its file cannot be used; enter makes a new one"
    made = milliseconds(state.token_made_at)
    when = ago(now_ms - made) if made else said(state.token_made_at)
    return f"made {'just now' if when == 'now' else when}; lets in whoever shows it"


def _guests(guests: list[Guest]) -> Iterator[Fact]:
    for place, guest in enumerate(guests):
        way = _WAYS.get(guest.way, said(guest.way))
        showed = _SHOWED.get(guest.proof, f"showed {said(guest.proof)}")
        value = f"{count(guest.connections, 'connection')}, {way}, {showed}"
        yield Fact(f"guest-{place}", "Connected now" if place == 0 else "", value, said(guest.role))


def checks(found: list[Check], *, short: bool) -> list[Fact]:
    """The worst first, as they came; `short` counts what is well in one line."""
    facts = []
    for place, check in enumerate(found):
        if short and check.level == "ok":
            continue
        label, style = LEVELS[check.level]
        step = said(check.next_step)
        notes = ((step, "dim"),) if step else ()
        facts.append(
            Fact(f"check-{place}", label, said(check.text), label_style=style, notes=notes)
        )
    well = sum(check.level == "ok" for check in found)
    if short and well:
        words = "every check is well" if not facts else f"{well} other checks are well"
        if well == 1 and facts:
            words = "1 other check is well"
        facts.append(Fact("check-ok", "ok", words, label_style="done"))
    return facts
