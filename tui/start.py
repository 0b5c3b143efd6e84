"""`sereno`: the screen around a daemon that runs, here or elsewhere, or embedded in this process.

Order matters here (processes.md 17, 18, 31, 33): signals are blocked before there is any thread,
the writer's queue loses its bound before the app runs, and on the way out the daemon is handed
over before anything waits for the terminal.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from sereno.core.config import Config
from sereno.core.home import Home, connect_path
from sereno.tui.app import SerenoApp
from sereno.tui.embedded import Attached, Embedded
from sereno.tui.link import DaemonLink
from sereno.tui.link_pace import far, near
from sereno.tui.model import Connection, Counts
from sereno.tui.textual_private import drawing_on_a_terminal, unbound_writer
from sereno.tui.words import count

if TYPE_CHECKING:
    from sereno.core.client.target import Target
    from sereno.tui.remote import Remote

__all__ = ["leaving_line", "run_ui"]


def run_ui(
    home: Home, config: Config, *, cwd: Path | None = None, target: Target | None = None
) -> int:
    """Shows the screen until the person leaves; returns the exit code.

    Attaches to `target` where one is given. Else attaches where a daemon answers for this home, or
    starts one in this process. Raises ConfigError for a key that cannot be.
    """
    keymap: dict[str, str] = {}
    if config.ui.keys:
        from sereno.tui.key_map import keymap_of

        keymap = keymap_of(config.ui.keys)
    daemon: Attached | Embedded | Remote
    if target is not None:
        from sereno.tui.remote import Remote

        daemon = Remote(target)
    else:
        daemon = Attached(home) if somebody_listens(home) else Embedded(home, config)
    remote = target.name if target is not None else ""
    elsewhere = target is not None and not target.local
    unbound_writer()
    app = SerenoApp(
        DaemonLink(
            daemon.connect,
            embedded=lambda: daemon.embedded,
            start=daemon.start,
            remote=remote,
            pace=far() if remote else near(),
        ),
        # Folders of this machine say nothing there: the daemon knows its own home as `~`.
        cwd=cwd or (Path("~") if elsewhere else Path.cwd()),
        home=str(Path.home()),
        theme=config.ui.theme,
        bell=config.ui.bell,
        no_colour=bool(os.environ.get("NO_COLOR")),
        before_suspend=daemon.hand_over,
        leaving=daemon.leave_within,
        crash_file=home.logs / "ui-crash.log",
        keymap=keymap,
    )
    app.model.connected(Connection(remote=remote))
    daemon.watch(app.leave_soon)
    try:
        with drawing_on_a_terminal():
            app.run(mouse=config.ui.mouse)
    finally:
        daemon.hand_over()
    if app.failure is not None:
        _say(sys.stderr, f"sereno: {app.failure}")
        return 1
    counts = app.model.counts() if app.model.loaded else None
    runs = bool(remote) or somebody_listens(home)
    _say(sys.stdout, leaving_line(counts, daemon=runs, to=remote, name=typed(sys.argv[0])))
    return 0


def _say(stream: TextIO, words: str) -> None:
    """A line for the shell, unless its terminal is closed: then nobody reads it."""
    try:
        stream.write(words + "\n")
        stream.flush()
    except OSError:
        return


def typed(program: str) -> str:
    """What brings the person back: our name, or where we are if the shell finds no such name."""
    from shutil import which

    return "sereno" if which("sereno") or Path(program).name != "sereno" else program


def leaving_line(counts: Counts | None, *, daemon: bool, to: str = "", name: str = "sereno") -> str:
    """What the shell shows after leaving: what goes on, how to come back, how to stop.

    `counts`: None where the list of agents was never received. `daemon`: whether one answers now.
    `to`: the name of the daemon's machine, where that is another one. `name`: what is typed.
    """
    asks, busy = (0, 0) if counts is None else (counts.asks, counts.busy)
    working = f"{count(busy, 'agent')} {'is' if busy == 1 else 'are'} working."
    if asks:
        told = f" {count(asks, 'agent')} {'waits' if asks == 1 else 'wait'} for your answer"
        told += f", {busy} {'is' if busy == 1 else 'are'} working." if busy else "."
    elif busy:
        told = f" {working}"
    else:
        told = "" if counts is None else " No agent is working."
    if not daemon:
        return f"sereno: left; no daemon runs.{told} Come back: {name}"
    if to:
        return f"sereno: left {to}.{told} Come back: {name} with the same host"
    all_of_them = asks or busy
    stop = f"Stop all: {name} stop --all" if all_of_them else f"Stop it: {name} daemon stop"
    return f"sereno: detached.{told} Come back: {name}   {stop}"


def somebody_listens(home: Home) -> bool:
    """Whether a daemon of this home takes connections; it is not asked anything."""
    try:
        with socket.socket(socket.AF_UNIX) as probe, connect_path(home.socket) as name:
            probe.settimeout(2.0)
            probe.connect(name)
    except BlockingIOError:
        return True  # It is there, and its queue is full.
    except OSError:
        return False
    return True
