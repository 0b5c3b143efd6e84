"""`sereno daemon`: starts, stops and shows the background daemon."""

from __future__ import annotations

import os
from typing import Any

import click
import msgspec

from sereno.core.client.errors import NoDaemon
from sereno.core.daemon import control
from sereno.core.protocol.additions import (
    DaemonStatus,
    DaemonStatusResult,
    ReloadDaemon,
    ReloadDaemonResult,
)
from sereno.tui.cli import exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.commands import pair, password
from sereno.tui.cli.errors import CliError, no_daemon
from sereno.tui.cli.link import connect, home
from sereno.tui.cli.output import emit
from sereno.tui.cli.text import clean_line, folder


@click.group("daemon")
def command() -> None:
    """Start, stop and look at the daemon. Agents outlive it."""


command.add_command(password.command)
command.add_command(pair.command)


@command.command("start")
@output_options
def start(out: Output) -> int:
    """Start a daemon in the background, where none runs."""
    before = control.status(home())
    if before.running and before.answers:
        state, words = before, "runs already"
    else:
        state, words = _start(), "started"
    value = {"id": str(state.pid), "pid": state.pid, "started": words == "started"}
    lines = [f"The daemon {words} (pid {state.pid}, {state.version})."]
    emit(value, [str(state.pid)], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _start() -> control.DaemonState:
    """As `sereno --no-ui` would: an address that cannot be opened is a refusal here."""
    try:
        return control.start(home(), strict=True)
    except control.ControlError as error:
        raise CliError(error.code, error.message, error.next_step, error.exit_code) from error


@command.command("reload")
@output_options
def reload(out: Output) -> int:
    """Read config.toml again: hostnames, origins, password, addresses, TLS, log level."""
    with connect() as client:
        reply = client.request(ReloadDaemon(request_id=""))
    assert isinstance(reply, ReloadDaemonResult)
    if reply.error is not None:
        raise CliError("refused", reply.error, reply.next_step or "", exits.USAGE)
    line = "The configuration was read again."
    emit({"reloaded": True}, (), [line], as_json=out.as_json, quiet=out.quiet)
    return exits.OK


@command.command("stop")
@output_options
def stop(out: Output) -> int:
    """Stop the daemon. Agents go on; what they do meanwhile is kept for the next daemon."""
    stopped = control.stop(home())
    line = "The daemon is stopped; agents go on." if stopped else "No daemon ran."
    emit({"stopped": stopped}, (), [line], as_json=out.as_json, quiet=out.quiet)
    return exits.OK


@command.command("restart")
@output_options
def restart(out: Output) -> int:
    """Stop the daemon and start a new one. Agents go on."""
    state = control.restart(home())
    value = {"id": str(state.pid), "pid": state.pid, "started": True}
    lines = [f"The daemon runs again (pid {state.pid}, {state.version})."]
    emit(value, [str(state.pid)], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


@command.command("status")
@output_options
def status(out: Output) -> int:
    """Show the running daemon; exit code 3 where none runs."""
    try:
        client = connect()
    except NoDaemon as error:
        if error.code != "no_daemon":
            raise
        emit(
            {"running": False},
            (),
            [f"{no_daemon().message.capitalize()}."],
            as_json=out.as_json,
            quiet=out.quiet,
        )
        return exits.NO_DAEMON
    with client:
        reply = client.request(DaemonStatus(request_id=""))
    assert isinstance(reply, DaemonStatusResult)
    value: dict[str, Any] = {"running": True, **msgspec.to_builtins(reply)}
    del value["requestId"]
    emit(value, [str(reply.pid)], _lines(reply), as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _lines(reply: DaemonStatusResult) -> list[str]:
    agents = ", ".join(f"{count} {name}" for name, count in reply.agents.items() if count)
    where = "inside a terminal UI" if reply.embedded else "in the background"
    facts = (
        ("version", reply.version),
        ("pid", f"{reply.pid}, {where}"),
        ("started", reply.started_at),
        ("home", folder(reply.home, os.environ.get("HOME", ""))),
        *_addresses(reply),
        ("agents", agents or "none"),
        ("requests", f"{reply.open_requests} open"),
        ("sessions", str(reply.sessions)),
        ("memory", f"{reply.memory_kib / 1024:.1f} MiB"),
        ("schema", str(reply.schema_version)),
    )
    return [f"{name:<9} {clean_line(word, 400)}" for name, word in facts]


def _addresses(reply: DaemonStatusResult) -> list[tuple[str, str]]:
    """Where it listens, and what stands in the way or is to be known of it."""
    rows = [("listens", ", ".join(reply.listen) or "-")]
    for door in reply.doors:
        if door.error is not None:
            rows.append(("closed", " ".join(filter(None, (door.error, door.next_step)))))
        elif door.warning is not None:
            rows.append(("warning", door.warning))
    return rows
