"""`sereno ls`: the agents of a running daemon. Never starts one.

The one command that scripts and prompts call all day, so it runs without click and without typed
messages; `commands/ls.py` declares the same options for help and completion.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from sereno.tui.cli import exits
from sereno.tui.cli.agents import FLEXIBLE, HEAD, SHORT, Entry, belongs, row, summary
from sereno.tui.cli.errors import CliError, no_daemon, report
from sereno.tui.cli.output import emit, note, terminal_width
from sereno.tui.cli.text import columns


class ListOptions:
    """What `ls` was asked for. `archived`: those too; `everywhere`: every project."""

    __slots__ = ("archived", "as_json", "everywhere", "home", "quiet")

    def __init__(
        self,
        archived: bool = False,
        everywhere: bool = False,
        as_json: bool = False,
        quiet: bool = False,
        home: str | None = None,
    ) -> None:
        self.archived = archived
        self.everywhere = everywhere
        self.as_json = as_json
        self.quiet = quiet
        self.home = home

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ListOptions) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]


_SWITCHES = {
    "-a": "archived",
    "--all": "archived",
    "-g": "everywhere",
    "--global": "everywhere",
    "--json": "as_json",
    "-q": "quiet",
    "--quiet": "quiet",
}


def parse(arguments: Sequence[str]) -> ListOptions | None:
    """`ls` and its options, where they are written plainly; None: let click have a look."""
    options = ListOptions()
    rest = list(arguments)
    if rest[:1] == ["--home"] and len(rest) > 1:
        options.home = rest[1]
        rest = rest[2:]
    if rest[:1] != ["ls"]:
        return None
    words = iter(rest[1:])
    for word in words:
        if word == "--home":
            options.home = next(words, None)
            if options.home is None:
                return None
        elif (name := _SWITCHES.get(word)) is not None:
            setattr(options, name, True)
        else:
            return None
    return options


def run(options: ListOptions) -> int:
    """List them; gives the exit code. Without a daemon the list is empty and the code is 3."""
    from sereno.tui.cli.quick import QuickLink

    if options.home is not None:
        os.environ["SERENO_HOME"] = options.home
    try:
        with QuickLink.open() as link:
            entries = link.agents(options.archived)
    except CliError as error:
        if error.code == "no_daemon" and options.as_json:
            emit([], (), (), as_json=True, quiet=False)
        return report(error, options.as_json)
    here, elsewhere = _choose(entries, options)
    _show(here, options)
    if not here and not (options.as_json or options.quiet):
        where = "" if options.everywhere or _elsewhere() else " in this project"
        archived = "" if options.archived else "; `-a` lists archived ones too"
        note(f'No agents{where}. `sereno run "…"` starts one{archived}.')
    if elsewhere and not (options.as_json or options.quiet):
        many = "agent" if elsewhere == 1 else "agents"
        note(f"{elsewhere} {many} in other projects: `sereno ls -g`.")
    return exits.OK


def _elsewhere() -> bool:
    """Whether the daemon may run on another machine: then no folder of this one is its project."""
    from sereno.tui.cli import target

    chosen = target.target()
    return chosen is not None and not chosen.local


def _choose(entries: list[Entry], options: ListOptions) -> tuple[list[Entry], int]:
    if options.everywhere or _elsewhere():
        return entries, 0
    try:
        cwd = os.getcwd()  # noqa: PTH109
    except OSError:
        raise CliError(
            "cwd_missing",
            "the folder in which you stand is gone",
            "Change to another one, or list every project with `sereno ls -g`",
        ) from None
    here = [entry for entry in entries if belongs(entry, cwd)]
    return here, len(entries) - len(here)


def _show(entries: list[Entry], options: ListOptions) -> None:
    now_ms = int(time.time() * 1000)
    home = os.environ.get("HOME", "")
    lines: list[str] = []
    if entries and not (options.as_json or options.quiet):
        rows = [HEAD, *(row(entry, now_ms, home) for entry in entries)]
        lines = columns(rows, terminal_width(), FLEXIBLE)
    emit(
        [summary(entry) for entry in entries] if options.as_json else None,
        [entry["agent"]["id"] for entry in entries] if options.quiet else (),
        lines,
        as_json=options.as_json,
        quiet=options.quiet,
    )


__all__ = ["SHORT", "ListOptions", "no_daemon", "parse", "run"]
