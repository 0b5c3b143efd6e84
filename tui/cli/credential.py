"""What a command shows to a daemon on a network: password or token, and where it was kept.

Loaded only when a host is given. The nearest word wins: a file that was named, then what the host
brings (`?password=`), then the environment. A home's own token is never sent unasked: on another
machine, or on a port that somebody else holds, it would be given away.
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

from sereno.core.client.target import Target, parse_target
from sereno.tui.cli import exits
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.output import note
from sereno.tui.cli.target import LARGEST_SECRET, Given


def complete(text: str, given: Given) -> Target:
    """The daemon that `text` names, with what is shown to it. Raises BadTarget, CliError."""
    target = parse_target(text)
    if target.relayed:
        return _by_its_key(target, given)
    if given.password_file is not None and given.token_file is not None:
        raise CliError(
            "usage", "--password-file and --token-file exclude each other", "", exits.USAGE
        )
    ca_file = given.ca_file or os.environ.get("SERENO_CA_FILE") or None
    if ca_file is not None and not (target.tls or target.local) and given.ca_file is not None:
        raise CliError(
            "usage",
            "--ca-file is for TLS, and the host is called without",
            f"Write it as tcp://{target.name}?ssl=true",
            exits.USAGE,
        )
    path = given.password_file or given.token_file
    if path is not None:
        return replace(target, secret=_read(path), secret_in_url=False, ca_file=ca_file)
    if target.secret is not None:
        return replace(target, ca_file=ca_file)
    secret = os.environ.get("SERENO_TOKEN") or os.environ.get("SERENO_PASSWORD") or None
    return replace(target, secret=secret.strip() if secret else None, ca_file=ca_file)


def _by_its_key(target: Target, given: Given) -> Target:
    """Through a relay nobody is shown a password or token, and none is sent or warned of."""
    if given.password_file is not None or given.token_file is not None:
        raise CliError(
            "usage",
            f"{target.name} is reached by a key of its own, not by a password or token",
            "Leave --password-file and --token-file away",
            exits.USAGE,
        )
    return target


def with_secret(target: Target, secret: str) -> Target:
    return replace(target, secret=secret, secret_in_url=False)


def warn(target: Target) -> None:
    """Says what others could read. Never the secret itself."""
    if target.secret_in_url:
        note(
            "sereno: a password in the host stays in the shell's history and in lists of "
            "processes. SERENO_PASSWORD or --password-file keep it out."
        )
    if target.secret is not None and not (target.tls or target.loopback):
        note(
            f"sereno: the password goes to {target.name} without TLS: a network that does not "
            "encrypt by itself (Tailscale, WireGuard and SSH do) can read it along with "
            "everything else."
        )


def ask_password(target: Target) -> str | None:
    """What somebody types; None where nobody sits at a terminal, or nothing is typed."""
    if not (sys.stdin.isatty() or sys.stderr.isatty()):
        return None
    from getpass import getpass

    try:
        return getpass(f"Password or token of {target.name}: ") or None
    except EOFError:
        return None


def _read(path: str) -> str:
    """The first line of a file. Raises CliError."""
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(LARGEST_SECRET + 1)
    except OSError as error:
        raise _bad(path, error.strerror or str(error)) from error
    if len(data) > LARGEST_SECRET:
        raise _bad(path, "it is too long for a password or token")
    try:
        secret = data.decode("utf-8").split("\n", 1)[0].strip()
    except UnicodeDecodeError:
        raise _bad(path, "it is no text") from None
    if not secret:
        raise _bad(path, "its first line is empty")
    if stat.S_ISREG(mode) and mode & 0o077:
        note(f"sereno: other users of this machine may read {path}: `chmod 600 {path}`.")
    return secret


def _bad(path: str, words: str) -> CliError:
    return CliError(
        "bad_secret_file",
        f"{path} cannot be used as password or token: {words}",
        "It holds one line",
        exits.USAGE,
    )
