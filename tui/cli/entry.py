"""Where the command line begins: the quick way for `ls` and for a plain start, click for the rest.

No error leaves as a traceback: what nobody foresaw is said in one sentence, with the traceback
only where SERENO_DEBUG asks for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from sereno.tui.cli import exits, target
from sereno.tui.cli.errors import CliError, report, translate
from sereno.tui.cli.output import prepare_streams


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code."""
    prepare_streams()
    target.begin()
    as_json = "--json" in arguments
    try:
        code = _run(list(arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        code = exits.INTERRUPTED
    except BrokenPipeError:
        _leave_closed_pipe()
        code = exits.OK
    except Exception as error:  # noqa: BLE001 - the last wall: the person gets words, not a traceback
        code = report(_explain(error), as_json)
    return code


def _run(arguments: list[str]) -> int:
    if "_SERENO_COMPLETE" not in os.environ:
        if arguments in ([], ["--no-ui"]):
            return _start(bool(arguments))
        from sereno.tui.cli import listing

        options = listing.parse(arguments)
        if options is not None:
            return listing.run(options)
    from sereno.tui.cli.app import run

    return run(arguments)


def _start(no_ui: bool) -> int:
    """The screen, or the daemon without one, as click would start them.

    A tenth of the start is looking for garbage while there is none. What is started here turns that
    on again: headless.py when clients are served, tui/app.py after the first pictures.
    """
    import gc

    from sereno.lazily import NOT_AT_START, lazily

    gc.disable()
    lazily(*NOT_AT_START)
    if no_ui:
        from sereno.tui.cli.commands.headless import run_headless

        return run_headless({}, None)
    from sereno.tui.cli.commands.ui import run_ui

    return run_ui({})


def _explain(error: Exception) -> CliError:
    known = translate(error)
    if known is not None:
        return known
    if os.environ.get("SERENO_DEBUG"):
        import traceback

        traceback.print_exception(error)
    return CliError(
        "unexpected",
        f"something unforeseen went wrong: {type(error).__name__}: {error}",
        "Run it again with SERENO_DEBUG=1 and report what it prints; agents are not affected",
    )


def _leave_closed_pipe() -> None:
    """Whoever read our output has gone; keep the interpreter from complaining at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
