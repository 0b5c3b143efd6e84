"""When the screen itself fails: the story goes into a file, plain words go to the shell.

The daemon and the agents are not touched by it; start.py hands over as on any other way out.
"""

from __future__ import annotations

import contextlib
import os
import traceback
from pathlib import Path

__all__ = ["CannotStart", "ScreenFailed", "keep_story"]


class CannotStart(Exception):
    """There can be no daemon: the text says why and what to do."""


class ScreenFailed(Exception):
    """A defect of ours ended the screen."""


def keep_story(error: BaseException, file: Path | None) -> ScreenFailed:
    """Appends the traceback to `file` (0600) and gives the words for the shell."""
    words = (
        f"the screen failed ({type(error).__name__}: {error}); your agents keep working. "
        "Come back: sereno"
    )
    if file is None:
        return ScreenFailed(words)
    try:
        with contextlib.suppress(FileExistsError):
            file.parent.mkdir(mode=0o700)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8", errors="replace") as story:
            story.writelines(traceback.format_exception(error))
    except OSError as trouble:
        return ScreenFailed(f"{words}   The story could not be kept: {trouble}")
    return ScreenFailed(f"{words}   Please report: {file}")
