"""Every private name of Textual that we use, in one file: what to look at when it is upgraded.

* `textual.drivers._writer_thread.MAX_QUEUED_WRITES`: 0 takes the bound from the writer's queue, so
  that a terminal which stops reading never blocks the UI's loop (processes.md 17, 18).
* `LinuxDriver` draws on `sys.__stderr__`; where that is no terminal (`2> file`) we put standard
  output in its place while the app runs.
* `LinuxDriver._writer_thread._queue`: its length tells that the terminal is stalled.
* `App._filters`: where a line filter for every widget goes.
* `App._fatal_error`, `App._exception`, `App._close_messages_no_wait`: app.py keeps the story of a
  failure in a file instead of printing it with the values of all variables.
* `App._driver`: the driver, for sequences beside the screen.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.drivers import _writer_thread
from textual.filter import NoColor

from sereno.tui.wall import Wall

__all__ = [
    "CODE_STYLE",
    "build_wall",
    "drawing_on_a_terminal",
    "queued_writes",
    "unbound_writer",
    "write_raw",
]

CODE_STYLE = Style(color="color(231)", bgcolor="color(16)")
"""White on black by numbers that no theme changes: what a code to be scanned is drawn with. The one
thing that keeps its colours where all others are taken away."""


class _Colourless(NoColor):
    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        plain = super().apply(segments, background)
        return [
            old if old.style is not None and _is_code(old.style) else new
            for old, new in zip(segments, plain, strict=True)
        ]


def _is_code(style: Style) -> bool:
    return style.color == CODE_STYLE.color and style.bgcolor == CODE_STYLE.bgcolor


def unbound_writer() -> None:
    """Takes the bound from the writer's queue; before `App.run`."""
    _writer_thread.MAX_QUEUED_WRITES = 0  # type: ignore[misc]


@contextlib.contextmanager
def drawing_on_a_terminal() -> Iterator[None]:
    """The screen goes to standard output where standard error was sent elsewhere."""
    errors, output = sys.__stderr__, sys.__stdout__
    elsewhere = errors is None or not errors.isatty()
    if elsewhere and output is not None and output.isatty():
        sys.__stderr__ = output  # type: ignore[misc]
    try:
        yield
    finally:
        sys.__stderr__ = errors  # type: ignore[misc]


def build_wall(app: App[Any], *, no_colour: bool = False) -> None:
    """Puts the second wall last: it sees what all other filters made.

    With `no_colour` a filter like Textual's takes all colours away but those of a code, whether the
    environment said so or the caller.
    """
    if no_colour:
        app._filters[:] = [each for each in app._filters if not isinstance(each, NoColor)]
        app._filters.append(_Colourless())
    app._filters.append(Wall(getattr(sys.__stderr__, "encoding", None) or "utf-8"))


def queued_writes(app: App[Any]) -> int:
    """How many writes the terminal has not taken yet; 0 without a terminal."""
    thread = getattr(app._driver, "_writer_thread", None)
    return 0 if thread is None else int(thread._queue.qsize())


def write_raw(app: App[Any], sequence: str) -> None:
    """One of terminal.py's sequences, in order with what the screen writes."""
    driver = app._driver
    if driver is not None and not app.is_headless:
        driver.write(sequence)
        driver.flush()
