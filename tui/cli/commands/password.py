"""`sereno daemon set-password`: the password is typed, read from a file or from a pipe.

It is never an argument: those stand in the shell's history and in the list of processes. Only its
hash is written (C-42).
"""

from __future__ import annotations

import os
import sys

import click

from sereno.core.config import edit_config, put
from sereno.core.home import prepare
from sereno.tui.cli import exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import home
from sereno.tui.cli.output import emit, note
from sereno.tui.cli.reloading import reload_daemon

KEY = "daemon.auth.password"
_LONGEST_FILE = 4096


@click.command("set-password")
@click.option("--file", "path", metavar="FILE", help="Read it from the first line of FILE.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read it from the first line of stdin.")
@output_options
def command(out: Output, path: str | None, from_stdin: bool) -> int:
    """Set the password that every TCP connection has to show from then on.

    Without an option it is asked for, twice. Only its bcrypt hash is kept, in config.toml. A
    running daemon uses it at once and closes the connections of before. To have none again, remove
    `password` from [daemon.auth] and run `sereno daemon reload`.
    """
    from sereno.core.security import passwords

    try:
        password = _given(path, from_stdin)
        hashed = passwords.hash_new(password)
    except passwords.PasswordRefused as refused:
        raise CliError(refused.code, refused.message, refused.next_step, exits.USAGE) from None
    prepare(home())
    edit_config(home(), lambda document: put(document, KEY, hashed))
    note(*passwords.doubts(password))
    if os.environ.get(passwords.VARIABLE, "").strip():
        note(f"{passwords.VARIABLE} is set here: a daemon that starts with it uses that one.")
    running = reload_daemon("The password is saved")
    line = (
        "The password is set. Every TCP connection has to show it; older ones are closed."
        if running
        else "The password is set. The next daemon asks every TCP connection for it."
    )
    emit({"set": True, "applied": running}, (), [line], as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _given(path: str | None, from_stdin: bool) -> str:
    if path is not None and from_stdin:
        raise CliError("usage", "--file and --stdin exclude each other", "", exits.USAGE)
    if path is not None:
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - also for /dev/fd/3
                return _first_line(file.read(_LONGEST_FILE), path)
        except OSError as error:
            raise CliError(
                "unreadable", f"{path} cannot be read: {error.strerror}", "", exits.USAGE
            ) from None
    if from_stdin:
        return _first_line(sys.stdin.buffer.readline(_LONGEST_FILE), "stdin")
    if not sys.stdin.isatty():
        raise CliError(
            "usage",
            "there is no terminal to ask for the password",
            "Give it with --stdin or --file",
            exits.USAGE,
        )
    return _asked()


def _first_line(raw: bytes, where: str) -> str:
    """Bytes that are no UTF-8 become characters that no password may hold, and are refused so."""
    line = raw.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line:
        raise CliError("usage", f"the first line of {where} is empty", "", exits.USAGE)
    return line.decode("utf-8", "surrogateescape")


def _asked() -> str:
    """Typed twice on the terminal, unseen; stdout stays free for the result."""
    import getpass

    from sereno.core.security.passwords import check_new

    password = getpass.getpass("New password: ")
    check_new(password)  # before it is typed a second time for nothing
    if getpass.getpass("The same again: ") != password:
        raise CliError("usage", "the two passwords differ", "Nothing was changed", exits.USAGE)
    return password
