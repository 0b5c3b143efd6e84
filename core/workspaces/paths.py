"""From what a person or client wrote to a working directory that an agent can be started in.

Says what is wrong in words: it never existed, it is a file, it went away, it may not be entered.
Placement, git and listings are the business of the files beside this one.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path

from sereno.core.workspaces.errors import WorkspaceError

_LONGEST = 4096


def resolve_cwd(text: str, *, base: Path | None = None, state: Path | None = None) -> Path:
    """The absolute folder meant by `text`, checked to exist and to be usable.

    `~` is the user's home; a relative path needs `base`, the folder of whoever asks. `state` is
    Sereno's own home: an agent may not work in it, except in `worktrees/` (A.4.1), because it holds
    the keys. Symbolic links in the answer are kept, as shells do. Raises WorkspaceError.
    """
    path = _absolute(text, base)
    check_cwd(path)
    if state is not None:
        _refuse_state(path, state)
    return path


def check_cwd(path: Path, *, existed: bool = False) -> None:
    """Raise WorkspaceError unless `path` is a folder that we may enter and list.

    `existed` says that an agent worked there before: then a missing folder has vanished.
    """
    shown = printable(str(path))
    try:
        found = path.stat()
    except OSError as error:
        raise _explain(error, path, shown, existed=existed) from error
    if not stat.S_ISDIR(found.st_mode):
        raise WorkspaceError(
            "not_a_directory",
            f"{shown} is a file, not a folder.",
            f"Give the folder that it lies in: {printable(str(path.parent))}",
        )
    if not os.access(path, os.R_OK | os.X_OK):
        raise _not_allowed(shown)


def printable(text: str) -> str:
    """The text without characters that would do something to a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _absolute(text: str, base: Path | None) -> Path:
    text = text.strip() or "."
    if "\0" in text or len(os.fsencode(text)) > _LONGEST:
        raise WorkspaceError(
            "unusable",
            "The working directory is no path: it is too long or holds a NUL character.",
            "Give the path of a folder.",
        )
    if text.startswith("~"):
        expanded = os.path.expanduser(text)  # noqa: PTH111 - Path raises for unknown users
        if expanded.startswith("~"):
            raise WorkspaceError(
                "missing",
                f"There is no user for {printable(text)}.",
                "Write the folder's whole path.",
            )
        text = expanded
    if not text.startswith("/"):
        if base is None:
            raise WorkspaceError(
                "relative",
                f'"{printable(text)}" is a relative path, and the daemon does not know from where.',
                "Give the whole path, beginning with / or ~.",
            )
        text = os.path.join(base, text)  # noqa: PTH118 - normpath works on text
    return Path(os.path.normpath(text))


def _refuse_state(path: Path, state: Path) -> None:
    real, own = path.resolve(), state.resolve()
    if real.is_relative_to(own) and not real.is_relative_to(own / "worktrees"):
        raise WorkspaceError(
            "own_state",
            f"{printable(str(path))} is Sereno's own folder, which holds its keys and journals.",
            "Choose the folder of a project.",
        )


def _explain(error: OSError, path: Path, shown: str, *, existed: bool) -> WorkspaceError:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR if existed:
            return WorkspaceError(
                "vanished",
                f"{shown} does not exist any more: it was moved, removed or unmounted.",
                "Put it back and send again, or start a new agent in another folder.",
            )
        case errno.ENOENT | errno.ENOTDIR:
            parent = next(p for p in path.parents if p.is_dir())
            return WorkspaceError(
                "missing",
                f"{shown} does not exist.",
                f"Check the spelling ({printable(str(parent))} exists){_how_to_make(error, path)}",
            )
        case errno.EACCES | errno.EPERM:
            return _not_allowed(shown)
        case _:
            return WorkspaceError(
                "unusable",
                f"{shown} cannot be used: {error.strerror or error}.",
                "Give another folder.",
            )


def _how_to_make(error: OSError, path: Path) -> str:
    """The command, where it would work and can be copied from a terminal."""
    text = str(path)
    if error.errno != errno.ENOENT or not text.isprintable():
        return ""
    return f", or make it: mkdir -p {shlex.quote(text)}"


def _not_allowed(shown: str) -> WorkspaceError:
    return WorkspaceError(
        "not_allowed",
        f"{shown} cannot be entered: permission denied for uid {os.geteuid()}.",
        "Give a folder of your own, or ask its owner for read and search permission.",
    )
