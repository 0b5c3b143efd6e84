"""Answers "which file do you mean?" for the `@` picker and "which folder?" for a new agent.

Keeps the last listings for a few seconds, so that each further letter costs a ranking and no walk.
The wire's directory_suggestions_request (section 6.11.2) is answered from here.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
import msgspec

from sereno.core.workspaces import files as listing
from sereno.core.workspaces import fuzzy

FRESH_S = 10.0
_MOST_KEPT = 8
_MOST_ANSWERS = 100
_MOST_FOLDERS = 4000
_FOLDER_DEPTH = 4
_FOLDER_TIME_S = 1.0


class Suggestion(msgspec.Struct, frozen=True):
    """A path, relative for files inside a directory, absolute for folders of the user."""

    path: str
    kind: Literal["file", "directory"]


class Suggestions:
    """Suggestions with a short memory. Belongs to one loop; the work is done in threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, listing.FileList]] = OrderedDict()
        self._listing = anyio.Lock()

    async def inside(
        self,
        cwd: str,
        query: str,
        *,
        files: bool = True,
        directories: bool = True,
        limit: int = 30,
    ) -> list[Suggestion]:
        """What fits in one working directory, best first. Raises OSError when it is unreadable."""
        listed = await self._list(cwd)
        limit = max(1, min(limit, _MOST_ANSWERS))
        return await anyio.to_thread.run_sync(
            lambda: _best(Path(cwd), listed.paths, query, files, directories, limit)
        )

    async def folders(self, query: str, home: Path, limit: int = 30) -> list[Suggestion]:
        """Folders for a new agent, absolute: by path when one is typed, else found under home."""
        limit = max(1, min(limit, _MOST_ANSWERS))
        return await anyio.to_thread.run_sync(_folders, query, home, limit)

    async def _list(self, cwd: str) -> listing.FileList:
        async with self._listing:
            kept = self._kept.get(cwd)
            if kept is not None and self._clock() - kept[0] < FRESH_S:
                self._kept.move_to_end(cwd)
                return kept[1]
            listed = await anyio.to_thread.run_sync(listing.list_files, Path(cwd))
            self._kept[cwd] = (self._clock(), listed)
            self._kept.move_to_end(cwd)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            return listed


def _best(
    cwd: Path,
    paths: Iterable[str],
    query: str,
    files: bool,
    directories: bool,
    limit: int,
) -> list[Suggestion]:
    candidates = list(paths) if files else []
    if directories:
        candidates += sorted(_parents(paths))
    answers: list[Suggestion] = []
    # git also lists what was deleted and not committed, so a few more are ranked than are needed.
    for path in fuzzy.rank(query.removeprefix("./"), candidates, limit * 3):
        if os.path.lexists(cwd / path):
            kind: Literal["file", "directory"] = "directory" if path.endswith("/") else "file"
            answers.append(Suggestion(path, kind))
            if len(answers) == limit:
                break
    return answers


def _parents(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        at = path.rfind("/")
        while at > 0 and path[: at + 1] not in found:
            found.add(path[: at + 1])
            at = path.rfind("/", 0, at)
    return found


def _folders(query: str, home: Path, limit: int) -> list[Suggestion]:
    query = query.strip()
    if query.startswith(("/", "~")):
        text = str(home) + query[1:] if query == "~" or query.startswith("~/") else query
        begin, _, typed = text.rpartition("/")
        names = _subfolders(begin + "/", hidden=typed.startswith("."))
        found = fuzzy.rank(typed, names, limit)
        return [Suggestion(f"{begin}/{name}", "directory") for name in found]
    known = [path.removeprefix(f"{home}/") for path in _walk_folders(str(home))]
    return [Suggestion(f"{home}/{path}", "directory") for path in fuzzy.rank(query, known, limit)]


def _walk_folders(home: str) -> list[str]:
    end = time.monotonic() + _FOLDER_TIME_S
    found: list[str] = []
    level = [home]
    for _ in range(_FOLDER_DEPTH):
        below: list[str] = []
        for folder in level:
            if len(found) > _MOST_FOLDERS or time.monotonic() > end:
                return found
            below += [f"{folder}/{name}" for name in _subfolders(folder, hidden=False)]
        found += below
        level = below
    return found


def _subfolders(folder: str, *, hidden: bool) -> list[str]:
    """The names of the folders in one folder, in order; none when it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entry.name
                for entry in entries
                if entry.name not in listing.JUNK
                and entry.name.isprintable()
                and (hidden or not entry.name.startswith("."))
                and entry.is_dir()
            )
    except OSError:
        return []
