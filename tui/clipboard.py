"""Copying, also through tmux and SSH: what is tried, in which order.

Inside tmux its own buffer, which it passes on; else the terminal's escape sequence (OSC 52); with
a display also the local tool. Nobody can tell whether a terminal took it, so the words never say
more than "sent".
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from sereno.tui.wall import harmless

__all__ = ["clean", "commands", "run"]

PATIENCE = 2.0


def clean(text: str) -> str:
    """What is copied: lines without any control, so that a paste runs nothing by itself."""
    return "\n".join(harmless(line) for line in text.split("\n"))


def commands(environment: Mapping[str, str]) -> list[list[str]]:
    """Programs that take the text on their standard input, best first."""
    found: list[list[str]] = []
    if environment.get("TMUX"):
        found.append(["tmux", "load-buffer", "-w", "-"])
    if environment.get("WAYLAND_DISPLAY"):
        found.append(["wl-copy"])
    elif environment.get("DISPLAY"):
        found.append(["xclip", "-selection", "clipboard"])
    elif environment.get("TERM_PROGRAM") in ("Apple_Terminal", "iTerm.app"):
        found.append(["pbcopy"])
    return [command for command in found if shutil.which(command[0])]


def run(text: str, environment: Mapping[str, str]) -> list[str]:
    """Feeds every program that there is; returns the names of those that took it. Blocks."""
    took = []
    for command in commands(environment):
        try:
            done = subprocess.run(
                command,
                input=text.encode(),
                timeout=PATIENCE,
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            took.append(command[0])
    return took
