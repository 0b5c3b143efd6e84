"""Which daemon a command talks to: this home's, or the one of `--host` and `SERENO_HOST`.

Also what is shown there: a password or token out of a file, the environment or a prompt, never out
of a plain argument. Nothing heavy is imported while no host is given; `sereno ls` passes here.
"""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar

from sereno.tui.cli import exits
from sereno.tui.cli.errors import CliError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sereno.core.client.blocking import SyncClient
    from sereno.core.client.target import Target

LARGEST_SECRET = 4096
ATTEMPTS = 3
"""Passwords that are asked for; the daemon locks out after five wrong ones in a minute."""


class Given:
    """The options of one command; `target` is what became of them, with what a person typed."""

    def __init__(self) -> None:
        self.host: str | None = None
        self.password_file: str | None = None
        self.token_file: str | None = None
        self.ca_file: str | None = None
        self.target: Target | None = None


_given: ContextVar[Given | None] = ContextVar("given", default=None)


def begin() -> None:
    """A new command: what was given to the last one in this process is forgotten."""
    _given.set(None)


def given() -> Given:
    known = _given.get()
    if known is None:
        known = Given()
        _given.set(known)
    return known


def host() -> str:
    """What was given as the host; empty for this home's daemon."""
    known = _given.get()
    if known is not None and known.host is not None:
        return known.host
    return os.environ.get("SERENO_HOST", "").strip()


def local_only(command: str) -> None:
    """For what is about processes and files of this machine. Raises CliError where a host is
    given: what it would show or do is not of the daemon that the person means."""
    if not host():
        return
    known = _given.get()
    option = known is not None and known.host is not None
    step = "Leave --host away" if option else "Unset SERENO_HOST"
    raise CliError(
        "local_only",
        f"`{command}` is about this machine only, and a host is given",
        f"{step}, or run it on that machine",
        exits.USAGE,
    )


def target(*, quietly: bool = False) -> Target | None:
    """The daemon of `--host` or SERENO_HOST; None: this home's.

    `quietly`: without warnings. Raises CliError and ClientError for what cannot be read.
    """
    text = host()
    if not text:
        return None
    known = given()
    if known.target is None:
        from sereno.tui.cli.credential import complete, warn

        known.target = complete(text, known)
        if not quietly:
            warn(known.target)
    return known.target


def connect(timeout_s: float, *, ask: bool = True) -> SyncClient | None:
    """To the daemon of the given host; None where none is given.

    A password that is wanted and was not given is asked for where somebody sits at a terminal.
    Raises CliError and ClientError.
    """
    chosen = target(quietly=not ask)
    if chosen is None:
        return None
    from sereno.core.client.blocking import SyncClient
    from sereno.core.client.errors import Refused

    if chosen.code:
        if not ask:
            raise Refused("code_unused", "a code counts once, and nobody asked for that now")
        from sereno.tui.cli.relayed import exchange

        chosen = given().target = exchange(chosen)
    if chosen.relayed:
        from sereno.tui.cli.relayed import through

        return through(chosen)
    asked = 0
    while True:
        try:
            return SyncClient.reach(chosen, timeout_s=timeout_s)
        except Refused as error:
            mine = asked or chosen.secret is None
            if error.code != "unauthorized" or not (mine and ask) or asked == ATTEMPTS:
                raise
            from sereno.tui.cli.credential import ask_password, with_secret

            if asked:
                sys.stderr.write("sereno: that was not the password.\n")
            secret = ask_password(chosen)
            if secret is None:
                raise
            chosen = given().target = with_secret(chosen, secret)
            asked += 1
