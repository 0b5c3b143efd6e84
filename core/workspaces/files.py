"""Lists the files of a working directory, for the `@` picker.

In a checkout git is asked what is tracked or new and not ignored, with everything switched off
that a hostile repository could make it run (T73); elsewhere, and where git will not answer, the
folders are walked. Both are bounded in time and number. Ranking is in `fuzzy.py`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from pathlib import Path

import msgspec

from sereno.core.workspaces.gitfiles import find_checkout

MOST_FILES = 20_000
TIMEOUT_S = 5.0
_DEEPEST = 24
JUNK = frozenset(
    {
        ".DS_Store",
        ".cache",
        ".git",
        ".hg",
        ".hypothesis",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
    }
)
# Hidden folders in which people do look for files.
_SHOWN_HIDDEN = frozenset(
    {".agents", ".ci", ".claude", ".codex", ".config", ".github", ".opencode"}
)

_SAFE_OPTIONS = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "protocol.allow=never",
)


class FileList(msgspec.Struct, frozen=True):
    """Paths relative to the directory, with "/"; `complete` is False when a bound was met."""

    paths: tuple[str, ...]
    complete: bool


def list_files(folder: Path, *, most: int = MOST_FILES, timeout_s: float = TIMEOUT_S) -> FileList:
    """All files under `folder` worth offering. Blocks, so call it in a thread. Raises OSError."""
    deadline = time.monotonic() + timeout_s
    checkout = find_checkout(folder)
    if checkout is not None:
        listed = _ask_git(folder, checkout.root, most, deadline)
        if listed is not None:
            return listed
    return walk(folder, most=most, deadline=deadline)


def safe_git_environment() -> dict[str, str]:
    """The environment for a git that only reads: nothing of ours that changes what it works on,
    no questions, no locks. The user's own configuration stays, for `safe.directory`."""
    kept = ("HOME", "PATH", "LANG", "TMPDIR", "XDG_CONFIG_HOME", "USER", "LOGNAME")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "",
        "LC_ALL": "C",
    }


def _ask_git(folder: Path, root: Path, most: int, deadline: float) -> FileList | None:
    """What git lists; None when there is no git or it refuses the repository.

    The work tree is named, because the repository's core.worktree could name any folder.
    """
    command = [
        "git",
        *_SAFE_OPTIONS,
        f"--work-tree={root}",
        "ls-files",
        "-co",
        "--exclude-standard",
        "-z",
        "--",
    ]
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=safe_git_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    with process:
        try:
            raw, complete = _read_bounded(process, most, deadline)
        finally:
            process.kill()
    if complete and process.returncode not in (0, -9):
        return None
    names = [os.fsdecode(name) for name in raw.split(b"\0")[:most]]
    paths = dict.fromkeys(name for name in names if _offered(name))
    return FileList(tuple(sorted(paths)), complete)


def _read_bounded(
    process: subprocess.Popen[bytes], most: int, deadline: float
) -> tuple[bytes, bool]:
    """The output up to `most` names or the deadline, whole names only, and whether it ended."""
    assert process.stdout is not None
    chunks: list[bytes] = []
    names = 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while names < most:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                break
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, deadline - time.monotonic()))
                return b"".join(chunks), True
            names += chunk.count(b"\0")
            chunks.append(chunk)
    return b"".join(chunks).rpartition(b"\0")[0], False


def walk(folder: Path, *, most: int = MOST_FILES, deadline: float | None = None) -> FileList:
    """The files below `folder`, nearest first, without junk and without following links."""
    end = time.monotonic() + TIMEOUT_S if deadline is None else deadline
    found: list[str] = []
    level = [""]
    for _ in range(_DEEPEST):
        below: list[str] = []
        for prefix in level:
            if len(found) >= most or time.monotonic() > end:
                return FileList(tuple(found[:most]), complete=False)
            files, folders = _entries(folder, prefix)
            found += files
            below += folders
        if not below:
            return FileList(tuple(found[:most]), complete=len(found) <= most)
        level = below
    return FileList(tuple(found[:most]), complete=False)


def _entries(folder: Path, prefix: str) -> tuple[list[str], list[str]]:
    """Files and folders of one folder, in order. One that cannot be read has none, but the first
    one, which was asked for, must be readable."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                name = prefix + entry.name
                if not _offered(name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(".") or entry.name in _SHOWN_HIDDEN:
                        folders.append(name + "/")
                elif entry.is_file():
                    files.append(name)
    except OSError:
        if not prefix:
            raise
    return sorted(files), sorted(folders)


def _offered(path: str) -> bool:
    """Whether a path can be shown and sent: printable UTF-8, inside the folder, and no junk."""
    if not path or not path.isprintable() or path.startswith(("/", "../")):
        return False
    return JUNK.isdisjoint(path.split("/")) and not path.endswith((".pyc", ".pyo"))
