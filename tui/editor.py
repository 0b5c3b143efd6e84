"""A text in the person's own editor: the terminal is theirs until it ends.

Only the UI's thread waits; the daemon has its own. Called by screens for `ctrl+x e`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

__all__ = ["EditorError", "edit_text", "editor_command"]


class EditorError(Exception):
    """The editor could not be used; the text says why and what to do."""


def editor_command(environment: dict[str, str]) -> list[str]:
    """VISUAL, then EDITOR, then vi, as words."""
    wanted = environment.get("VISUAL") or environment.get("EDITOR") or "vi"
    try:
        words = shlex.split(wanted)
    except ValueError:
        words = []
    return words or ["vi"]


def edit_text(app: App[Any], text: str, *, suffix: str = ".md") -> str:
    """Lets the person edit a copy of `text`; returns what they saved.

    Raises:
        EditorError: it does not exist, failed, or the terminal cannot be lent.
    """
    command = editor_command(dict(os.environ))
    with tempfile.TemporaryDirectory(prefix="sereno-") as folder:
        path = Path(folder) / f"text{suffix}"
        path.write_text(text, encoding="utf-8")
        try:
            with app.suspend():
                code = subprocess.call([*command, str(path)])
        except SuspendNotSupported as error:
            raise EditorError("This terminal cannot be lent to an editor.") from error
        except OSError as error:
            words = f"{command[0]} could not be started: {error.strerror}. Set EDITOR."
            raise EditorError(words) from error
        if code != 0:
            raise EditorError(f"{command[0]} ended with exit {code}; the text is as it was.")
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n")
