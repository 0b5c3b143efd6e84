"""What goes wrong on the command line, with the cause, the next step and the exit code.

Every error of the layers below becomes a CliError in `translate`; `report` prints it, as one
sentence on stderr or as a JSON object. Nothing is imported here that `sereno ls` does not need.
"""

from __future__ import annotations

import errno
import os
import sys

from sereno.tui.cli import exits
from sereno.tui.cli.text import clean_line

# Codes of the daemon that have an exit code of their own.
_EXIT_OF = {
    "unknown_agent": exits.NOT_FOUND,
    "ambiguous_agent": exits.NOT_FOUND,
    "unknown_provider": exits.NOT_FOUND,
    "unknown_request": exits.NOT_FOUND,
    "request_gone": exits.ANSWERED_ELSEWHERE,
    "no_daemon": exits.NO_DAEMON,
    "connection_lost": exits.NO_DAEMON,
    "host_unreachable": exits.NO_DAEMON,
    "host_timeout": exits.NO_DAEMON,
    "bad_target": exits.USAGE,
    "not_a_code": exits.USAGE,
    "bad_ca_file": exits.USAGE,
}


class CliError(Exception):
    """Ends a command. `message` is the cause, `next_step` what the person can do."""

    def __init__(
        self, code: str, message: str, next_step: str = "", exit_code: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step
        self.exit_code = _EXIT_OF.get(code, exits.FAILED) if exit_code is None else exit_code


_NO_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_FOR_ALL = "Request failed: "
"""So the wire begins whatever has no code of its own; the official clients read that."""


def no_daemon() -> CliError:
    home = os.environ.get("SERENO_HOME") or "~/.sereno"
    return CliError(
        "no_daemon",
        f"no daemon runs for this home, {home}",
        "Start one with `sereno daemon start`, or open `sereno`",
    )


def translate(error: BaseException) -> CliError | None:
    """The CliError for an error of the layers below; None for what nobody foresaw.

    Everything of ours below carries `code`, `message` and `next_step`.
    """
    if isinstance(error, CliError):
        return error
    code = getattr(error, "code", None)
    message = getattr(error, "message", None)
    if isinstance(code, str) and isinstance(message, str):
        if code == "no_daemon":
            return no_daemon()
        message = message.removeprefix(_FOR_ALL)
        next_step = getattr(error, "next_step", "")
        exit_code = _EXIT_OF.get(code)
        if exit_code is None and _is_a(error, "HomeError"):
            exit_code = exits.USAGE
        if exit_code is None and _is_a(error, "Refused"):
            exit_code = exits.REFUSED
        if exit_code is None and _is_a(error, "NoDaemon"):
            exit_code = exits.NO_DAEMON
        return CliError(code or "failed", message, next_step or "", exit_code)
    if isinstance(error, UnicodeError):
        # Bytes of another encoding: Python hands them on as lone surrogates, which no UTF-8 says.
        return CliError(
            "usage",
            "what was given holds bytes that are no UTF-8 text",
            "Convert it first, for example with `iconv -f LATIN1 -t UTF-8`",
            exits.USAGE,
        )
    if isinstance(error, OSError) and error.errno in _NO_OUTPUT and error.filename is None:
        return CliError(
            "no_output",
            f"what this prints could not be written: {error.strerror}",
            "Make room, or send it elsewhere; agents are not affected",
        )
    return None


def _is_a(error: BaseException, name: str) -> bool:
    return any(kind.__name__ == name for kind in type(error).__mro__)


def sentence(text: str) -> str:
    """A cause or next step with exactly one full stop, its first letter as it was given."""
    text = clean_line(text, 2000)
    return text if not text or text.endswith((".", "!", "?")) else text + "."


def report(error: CliError, as_json: bool) -> int:
    """Print the error on stderr; gives the exit code."""
    if as_json:
        from sereno.tui.cli.output import to_json

        line = to_json({"code": error.code, "message": error.message, "nextStep": error.next_step})
    else:
        line = " ".join(
            filter(None, ("sereno:", sentence(error.message), sentence(error.next_step)))
        )
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
    return error.exit_code
