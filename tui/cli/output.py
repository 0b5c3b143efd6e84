"""What goes to stdout: JSON, ids or text. Text of agents has been made harmless before.

JSON is printed in ASCII with every control character escaped, so that even raw agent text in it
does nothing to a terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any


def to_json(value: Any, indent: int | None = None) -> str:
    """One JSON text. DEL is the one ASCII control that json leaves as it is."""
    from json import dumps

    return dumps(value, indent=indent).replace("\x7f", "\\u007f")


def wire_json(value: Any) -> str:
    """A wire struct as one line of JSON, with the wire's own key names."""
    import msgspec

    return to_json(msgspec.to_builtins(value))


def prepare_streams() -> None:
    """No text may end a command: what the terminal's encoding lacks is printed as an escape.

    Python has no stream at all where the shell closed it (`>&-`): nothing is then read or heard.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 - as long as we live
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(*lines: str) -> None:
    """Lines on stdout, at once."""
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


def note(*lines: str) -> None:
    """Lines on stderr: what is for the person and not for a pipe."""
    if lines:
        sys.stdout.flush()
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()


def emit(
    value: Any, ids: Iterable[str], lines: Iterable[str], *, as_json: bool, quiet: bool
) -> None:
    """One result in the form that was asked for: JSON wins over ids, ids over text."""
    if as_json:
        say(to_json(value, indent=2 if sys.stdout.isatty() else None))
    elif quiet:
        say(*ids)
    else:
        say(*lines)


def on_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty()


def terminal_width() -> int | None:
    """The width of the terminal on stdout; None for a pipe or file, where nothing is cut."""
    if not sys.stdout.isatty():
        return None
    try:
        return max(40, os.get_terminal_size(sys.stdout.fileno()).columns or 80)
    except OSError:
        return 80
