"""`sereno provider`: agent programs, their modes and models."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.messages import ProviderModels
from sereno.core.protocol.requests import ListProviderModels
from sereno.core.protocol.values import given
from sereno.tui.cli import complete, exits
from sereno.tui.cli.app import Output, nearest, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import connect
from sereno.tui.cli.output import emit, terminal_width
from sereno.tui.cli.providers import HEAD, modes_of, next_steps, row, snapshot
from sereno.tui.cli.text import clean_line, columns


@click.group("provider")
def command() -> None:
    """List agent programs and their models."""


@command.command("ls")
@output_options
def list_providers(out: Output) -> int:
    """List the agent programs: installed or not, signed in or not, and what to do next.

    Each program is asked itself, by its own status command; no file of it is opened.
    """
    with connect() as client:
        entries = snapshot(client, closely=True)
    value = [{"id": entry.provider, **msgspec.to_builtins(entry)} for entry in entries]
    ids = [entry.provider for entry in entries]
    lines = columns([HEAD, *map(row, entries)], terminal_width(), len(HEAD) - 1)
    steps = next_steps(entries)
    if steps:
        wide = max(len(name) for name, _ in steps)
        lines += ["", *(f"{name:<{wide}}  {words}" for name, words in steps)]
    emit(value, ids, lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


@command.command("models")
@click.argument("name", shell_complete=complete.providers)
@output_options
def list_models(out: Output, name: str) -> int:
    """List the models of agent program NAME, how much each can think, and its modes."""
    with connect() as client:
        reply = client.request(ListProviderModels(request_id="", provider=name), timeout_s=45.0)
        assert isinstance(reply, ProviderModels)
        error = given(reply.error, None)
        if error is not None:
            raise _failed(name, snapshot(client), error)
        entry = next((e for e in snapshot(client) if e.provider == name), None)
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
    modes = "" if entry is None else modes_of(entry)
    if modes:
        lines += ["", f"modes: {modes}"]
    ids = [model.id for model in models]
    emit(msgspec.to_builtins(models), ids, lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _failed(name: str, entries: Sequence[ProviderEntry], error: str) -> CliError:
    if name in [entry.provider for entry in entries]:
        steps = dict(next_steps([entry for entry in entries if entry.provider == name]))
        step = steps.get(name, "")
        hint = step[:1].upper() + step[1:] if step.startswith("install") else step
        return CliError("provider_failed", error, hint or "`sereno provider ls` says what it needs")
    near = nearest(name, [entry.provider for entry in entries])
    hint = f"Did you mean `{near}`? " if near else ""
    return CliError("unknown_provider", error, f"{hint}`sereno provider ls` lists them")
