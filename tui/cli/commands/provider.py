"""`sereno provider`: agent programs, their modes and models."""

from __future__ import annotations

import time

import click
import msgspec

from sereno.core.client_sync import SyncClient
from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.messages import ProviderModels, ProvidersSnapshot
from sereno.core.protocol.requests import GetProvidersSnapshot, ListProviderModels
from sereno.core.protocol.values import given
from sereno.tui.cli import complete, exits
from sereno.tui.cli.app import Output, nearest, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import connect
from sereno.tui.cli.output import emit, terminal_width
from sereno.tui.cli.text import clean_line, columns

SETTLE_S = 10.0


@click.group("provider")
def command() -> None:
    """List agent programs and their models."""


@command.command("ls")
@output_options
def list_providers(out: Output) -> int:
    """List the agent programs, whether they are ready here, and their modes."""
    with connect() as client:
        entries = snapshot(client)
    rows = [("NAME", "STATE", "LABEL", "MODES")]
    for entry in entries:
        enabled = given(entry.enabled, True)
        default = given(entry.default_mode_id, None)
        modes = [f"{m.id}*" if m.id == default else m.id for m in given(entry.modes, [])]
        state = entry.status if enabled else "disabled"
        note = given(entry.error, "")
        rows.append(
            (
                clean_line(entry.provider, 40),
                state,
                clean_line(given(entry.label, ""), 40) or "-",
                clean_line(note if note and state != "ready" else ", ".join(modes), 300) or "-",
            )
        )
    value = [{"id": entry.provider, **msgspec.to_builtins(entry)} for entry in entries]
    ids = [entry.provider for entry in entries]
    lines = columns(rows, terminal_width(), 3)
    emit(value, ids, lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


@command.command("models")
@click.argument("name", shell_complete=complete.providers)
@output_options
def list_models(out: Output, name: str) -> int:
    """List the models of agent program NAME, and how much each can think."""
    with connect() as client:
        reply = client.request(ListProviderModels(request_id="", provider=name), timeout_s=45.0)
        assert isinstance(reply, ProviderModels)
        error = given(reply.error, None)
        if error is not None:
            raise _unknown(name, [e.provider for e in snapshot(client)], error)
    models = given(reply.models, [])
    rows = [("MODEL", "LABEL", "THINKING")]
    for model in models:
        options = given(model.thinking_options, [])
        default = given(model.default_thinking_option_id, None)
        efforts = [f"{o.id}*" if o.id == default else o.id for o in options]
        star = "*" if given(model.is_default, False) else ""
        rows.append(
            (
                clean_line(model.id, 80) + star,
                clean_line(model.label, 80),
                clean_line(", ".join(efforts), 120) or "-",
            )
        )
    lines = columns(rows, terminal_width(), 1) if models else ["It has not said which it has."]
    ids = [model.id for model in models]
    emit(msgspec.to_builtins(models), ids, lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _unknown(name: str, known: list[str], error: str) -> CliError:
    if name in known:
        return CliError("provider_failed", error, "`sereno doctor` looks at agent programs")
    near = nearest(name, known)
    hint = f"Did you mean `{near}`? " if near else ""
    return CliError("unknown_provider", error, f"{hint}`sereno provider ls` lists them")


def snapshot(client: SyncClient) -> list[ProviderEntry]:
    """Every provider, once the daemon has looked for all of them or the time is over."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        reply = client.request(GetProvidersSnapshot(request_id=""))
        assert isinstance(reply, ProvidersSnapshot)
        loading = any(entry.status == "loading" for entry in reply.entries)
        if not loading or time.monotonic() > deadline:
            return reply.entries
        client.next_push(0.2)
