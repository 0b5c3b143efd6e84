"""What the command needs of a service manager, whichever it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

START_S = 150.0
"""Seconds for a call of the manager; a start waits until the daemon answers."""


@dataclass(frozen=True)
class Service:
    """What the manager says of the service. `words`: its state, in the manager's own words."""

    enabled: bool
    active: bool
    pid: int
    words: str


class Manager(Protocol):
    """Every method that acts raises CliError with the manager's words."""

    file: Path
    text: str
    """What `file` should hold."""

    def check(self) -> None:
        """Raises CliError where this manager cannot be asked."""

    def look(self) -> Service: ...

    def load(self) -> None:
        """Read the file anew, and start the service by itself from the next login or boot on."""

    def start(self) -> None:
        """Start it, or start it anew; gives back control when it runs."""

    def stop(self) -> None:
        """Stop it and never start it again by itself."""

    def forget(self) -> None:
        """After the file was removed."""

    def advice(self) -> list[str]:
        """What the person should know: whether the service outlives the last login."""

    def reading(self) -> str:
        """The command that shows why it does not start."""


def call(
    arguments: Sequence[str], env: Mapping[str, str], limit_s: float = START_S
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a program; 127 where it is not there."""
    environment = {**os.environ, **env, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
    try:
        done = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
            env=environment,
        )
    except FileNotFoundError:
        return 127, "", f"{arguments[0]} is not installed"
    except subprocess.TimeoutExpired:
        return 124, "", f"`{' '.join(arguments)}` did not end within {limit_s:g} s"
    return done.returncode, done.stdout, done.stderr
