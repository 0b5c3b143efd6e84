"""What the daemon knows of agent programs, as rows and next steps. Pure but for waiting for it.

Whether a program is installed and signed in is its own word, asked by the daemon; nothing here
looks at a file of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sereno.core.client.blocking import SyncClient
from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.messages import ProvidersSnapshot, ProvidersSnapshotUpdate
from sereno.core.protocol.requests import GetProvidersSnapshot
from sereno.core.protocol.values import given
from sereno.tui.cli.text import clean_line

__all__ = ["HEAD", "modes_of", "next_steps", "row", "settled", "snapshot"]

SETTLE_S = 15.0
HEAD = ("NAME", "STATE", "VERSION", "SIGNED IN", "PROGRAM")


def snapshot(client: SyncClient, *, closely: bool = False) -> list[ProviderEntry]:
    """Every provider, once the daemon has looked for all of them or the time is over.

    `closely`: also once it has asked those that are there for version and sign-in.
    """
    deadline = time.monotonic() + SETTLE_S
    reply = client.request(GetProvidersSnapshot(request_id=""))
    assert isinstance(reply, ProvidersSnapshot)
    entries = reply.entries
    while not settled(entries, closely=closely) and time.monotonic() < deadline:
        push = client.next_push(max(0.0, deadline - time.monotonic()))
        if isinstance(push, ProvidersSnapshotUpdate):
            entries = push.entries
    return entries


def settled(entries: Sequence[ProviderEntry], *, closely: bool) -> bool:
    """Whether nothing more is to come. The demo agent is never asked: it has no model."""
    if any(entry.status == "loading" for entry in entries):
        return False
    there = [entry for entry in entries if entry.status == "ready" and entry.provider != "demo"]
    there = [entry for entry in there if given(entry.enabled, True)]
    return not closely or not there or any(given(entry.sign_in, None) for entry in there)


def row(entry: ProviderEntry) -> tuple[str, ...]:
    """One line of the list."""
    return (
        clean_line(entry.provider, 40),
        _state(entry),
        clean_line(given(entry.version, ""), 24) or "-",
        _signed_in(entry),
        clean_line(_program(entry), 200) or "-",
    )


def _program(entry: ProviderEntry) -> str:
    """The program that was found, with its arguments; else what was looked for."""
    command = given(entry.command, [])
    return " ".join([given(entry.path, "") or "".join(command[:1]), *command[1:]])


def _state(entry: ProviderEntry) -> str:
    if not given(entry.enabled, True):
        return "disabled"
    return "not found" if entry.status == "unavailable" else entry.status


def _signed_in(entry: ProviderEntry) -> str:
    sign_in = given(entry.sign_in, None)
    if sign_in is None or entry.status != "ready":
        return "-"
    words = clean_line(sign_in.words, 60)
    match sign_in.state:
        case "yes":
            return f"yes, {words}" if words else "yes"
        case "no":
            return "no"
        case _:
            return "not known"


def next_steps(entries: Sequence[ProviderEntry]) -> list[tuple[str, str]]:
    """Who needs something, and what, whole: (name, words)."""
    steps: list[tuple[str, str]] = []
    for entry in entries:
        name, words = clean_line(entry.provider, 40), _next_step(entry)
        if words and given(entry.enabled, True):
            steps.append((name, clean_line(words, 600)))
    return steps


def _next_step(entry: ProviderEntry) -> str:
    hint = given(entry.install_hint, "")
    error = given(entry.error, "")
    match entry.status:
        case "unavailable":
            plain = hint.endswith(".") or hint.startswith("See")
            return hint or error if plain or not hint else f"install it: {hint}"
        case "error":
            return f"{error.rstrip('.')}. {hint}".strip() if hint else error
        case _:
            pass
    sign_in = given(entry.sign_in, None)
    if sign_in is None or sign_in.state == "yes":
        return ""
    hint = given(sign_in.hint, "")
    if sign_in.state == "no":
        return f"sign in: {hint}" if hint else "sign in with the program itself"
    why = sign_in.words.rstrip(".")
    return f"sign-in not known: {why[:1].lower()}{why[1:]}. If it fails: {hint}" if hint else ""


def modes_of(entry: ProviderEntry) -> str:
    """`ask*, plan`: the default one is marked."""
    default = given(entry.default_mode_id, None)
    modes = [f"{mode.id}*" if mode.id == default else mode.id for mode in given(entry.modes, [])]
    return clean_line(", ".join(modes), 300)
