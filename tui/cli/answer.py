"""Follows the answer to one prompt to its outcome and prints both, for `run` and `send`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from sereno.core.client.blocking import SyncClient
from sereno.tui.cli import exits
from sereno.tui.cli.app import Output
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.follow import Follower, Position
from sereno.tui.cli.link import connect, short
from sereno.tui.cli.output import emit, note, to_json
from sereno.tui.cli.printer import Printer
from sereno.tui.cli.text import clean
from sereno.tui.cli.turn import Outcome, TurnWatcher


def _write(stream: Any) -> Callable[[str], None]:
    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


def follow_answer(
    client: SyncClient,
    agent_id: str,
    message_id: str,
    position: Position,
    out: Output,
    timeout_s: float | None,
) -> int:
    """Print the answer as it streams, then how it ended; gives the exit code by outcome.

    ctrl+c leaves and says so; the agent goes on. The answer alone goes to stdout.
    """
    printer = Printer(_write(sys.stdout), _write(sys.stderr)) if out.plain else None
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    watcher = TurnWatcher(message_id, printer, lambda lines: note(*lines), _patient(out))
    watcher.agent_id = agent_id
    follower = Follower(client, connect, agent_id, watcher, position, deadline)
    try:
        finished = follower.run()
    except KeyboardInterrupt:
        _end(printer)
        if not out.as_json:
            again = f"sereno attach {short(agent_id)}"
            note(f"sereno: left; the agent goes on. `{again}` follows it again.")
        return exits.INTERRUPTED
    finally:
        follower.client.close()
    _end(printer)
    outcome = watcher.outcome if finished else None
    _show(agent_id, outcome, watcher.answer, out)
    return exits.TIMEOUT if outcome is None else outcome.exit_code


def _patient(out: Output) -> bool:
    """A person at a terminal can answer a request meanwhile; a script is told that there is one."""
    return out.plain and sys.stderr.isatty()


def _end(printer: Printer | None) -> None:
    if printer is not None:
        printer.finish()


def _show(agent_id: str, outcome: Outcome | None, answer: str, out: Output) -> None:
    status = "timeout" if outcome is None else outcome.status
    error = "the time limit ran out; the agent goes on" if outcome is None else outcome.error
    next_step = None if outcome is None else outcome.next_step
    result = {
        "id": agent_id,
        "status": status,
        "answer": answer,
        "error": error if status != "completed" else None,
        "nextStep": next_step,
    }
    if out.as_json:
        sys.stdout.write(to_json(result) + "\n")
        return
    emit(None, [agent_id] if out.quiet else (), (), as_json=False, quiet=out.quiet)
    if status == "completed" or (out.quiet and status == "asks"):
        return
    words = {
        "failed": f"the agent failed: {error}",
        "canceled": f"the turn was interrupted: {error}",
        "asks": "the agent waits for permission",
        "timeout": error or "",
    }[status]
    steps = {
        "failed": next_step or f"`sereno logs {short(agent_id)}` shows what it did",
        "asks": f"`sereno permit ls` shows the request, `sereno attach {short(agent_id)}` follows",
        "timeout": f"`sereno attach {short(agent_id)}` follows it",
    }
    raise_note(words, steps.get(status, ""))


def raise_note(words: str, next_step: str) -> None:
    """Say it in the form of every error, without ending the command."""
    from sereno.tui.cli.errors import report

    report(CliError("", clean(words), clean(next_step)), as_json=False)
