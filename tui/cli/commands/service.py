"""`sereno service`: installs, removes and shows the daemon as a service of your user."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from sereno.tui.cli import exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import home
from sereno.tui.cli.output import emit, note, say
from sereno.tui.cli.service import acts
from sereno.tui.cli.service.manager import Manager
from sereno.tui.cli.service.sealed import State, read, state_of
from sereno.tui.cli.text import clean_line


@click.group("service")
def command() -> None:
    """The daemon as a service: it starts by itself and comes back when it fails.

    A systemd user unit, on macOS a launchd agent; never with root.
    """


@command.command("install")
@click.option("--print", "only_print", is_flag=True, help="Show the file and install nothing.")
@click.option("--no-start", is_flag=True, help="Start with the next login or boot, not now.")
@click.option("-f", "--force", is_flag=True, help="Overwrite a file that was edited.")
@output_options
def install(out: Output, only_print: bool, no_start: bool, force: bool) -> int:
    """Write the service file, and start the service.

    A file that you edited is overwritten after a question only. A daemon in the background makes
    room for the service; agents go on.
    """
    manager = _manager()
    if only_print:
        say(manager.text.rstrip("\n"))
        return exits.OK
    _ask_if_edited(manager, force, "overwrite")
    done = acts.install(manager, home(), start=not no_start)
    value = {
        "id": manager.file.name,
        "file": str(manager.file),
        "before": done.state.value,
        "started": done.started,
        "notes": done.lines,
    }
    emit(value, [manager.file.name], done.lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


@command.command("uninstall")
@click.option("-f", "--force", is_flag=True, help="Remove a file that was edited, too.")
@output_options
def uninstall(out: Output, force: bool) -> int:
    """Stop the service and remove its file. Agents live on."""
    manager = _manager()
    _ask_if_edited(manager, force, "remove")
    lines = acts.uninstall(manager)
    value = {"id": manager.file.name, "notes": lines}
    emit(value, [manager.file.name], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


@command.command("status")
@output_options
def status(out: Output) -> int:
    """Show the service; exit code 3 where it does not run."""
    manager = _manager()
    state = state_of(read(manager.file), manager.text)
    manager.check()
    service = manager.look()
    advice = manager.advice()
    value: dict[str, Any] = {
        "id": manager.file.name,
        "file": str(manager.file),
        "fileState": state.value,
        "enabled": service.enabled,
        "active": service.active,
        "pid": service.pid,
        "state": service.words,
        "notes": advice,
    }
    facts = (
        ("file", f"{manager.file}: {_FILE[state]}"),
        ("enabled", "yes" if service.enabled else "no"),
        ("state", service.words),
        ("pid", str(service.pid) if service.pid else "-"),
    )
    lines = [f"{name:<9} {clean_line(word)}" for name, word in facts] + advice
    emit(value, [manager.file.name], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK if service.active else exits.NO_DAEMON


_FILE = {
    State.ABSENT: "not installed",
    State.CURRENT: "as Sereno wrote it",
    State.OUTDATED: "of another version, program or PATH; `sereno service install` renews it",
    State.EDITED: "edited by hand",
}


def _manager() -> Manager:
    return acts.manager_here(os.environ, acts.program())


def _ask_if_edited(manager: Manager, force: bool, verb: str) -> None:
    """What a person wrote is not lost without a yes."""
    if force or state_of(read(manager.file), manager.text) is not State.EDITED:
        return
    if sys.stdin.isatty():
        note(*(clean_line(line) for line in acts.difference(manager)))
        question = f"{manager.file} was edited by hand. {verb.capitalize()} it?"
        click.confirm(question, abort=True, err=True)
        return
    raise CliError(
        "edited",
        f"{manager.file} was edited by hand, so it is not {_PAST[verb]}",
        "Move your changes into a drop-in (`systemctl --user edit`), or use --force",
    )


_PAST = {"overwrite": "overwritten", "remove": "removed"}
