"""What a service file says about this installation: which program, which home, which PATH.

The service manager starts programs with next to nothing in their environment, so that agent
programs in `~/.local/bin` and the like would not be found: the PATH of whoever installs is kept.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sereno.core.home import Home, find_home
from sereno.tui.cli.errors import CliError


@dataclass(frozen=True)
class Facts:
    """`command` starts the daemon in the foreground; `home` is None for the usual one; `name` is
    that of the service, without ending."""

    command: tuple[str, ...]
    path: str
    home: str | None
    name: str


def gather(env: Mapping[str, str], program: str) -> Facts:
    """For the installation that runs now; `program` is its argv[0].

    Raises CliError for what no service file can hold.
    """
    home = find_home(env)
    usual = find_home({"HOME": env.get("HOME", "")})
    other = None if home == usual else str(home.root)
    facts = Facts((*_program(program, env), "--no-ui"), _path(env), other, _name(home, usual))
    for text in (*facts.command, facts.path, facts.home or ""):
        if re.search(r"[\0-\x1f\x7f]", text):
            raise CliError(
                "usage",
                f"{text!r} holds a control character, which no service file can say",
                "Rename that folder, or write the file by hand: `sereno service install --print`",
            )
    return facts


def user_home(env: Mapping[str, str]) -> Path:
    """Where service managers look for files of this user."""
    given = env.get("HOME", "")
    return Path(given if given.startswith("/") else os.path.expanduser("~"))  # noqa: PTH111


def _program(program: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """By its name on PATH where that is this program, because the name stays over an upgrade; else
    by its file; else the interpreter and the module, with -P: the current folder is no library."""
    given = Path(program)
    if given.name == "sereno" and os.access(given, os.X_OK) and given.is_file():
        found = shutil.which("sereno", path=env.get("PATH"))
        same = found is not None and Path(found).is_absolute() and Path(found).samefile(given)
        return (found if found and same else os.path.abspath(given),)  # noqa: PTH100 - keep links
    return (sys.executable, "-P", "-m", "sereno")


def _path(env: Mapping[str, str]) -> str:
    """Absolute folders, each once: a relative one means something else in every folder."""
    parts = env.get("PATH", "").split(":")
    return ":".join(dict.fromkeys(part for part in parts if part.startswith("/")))


def _name(home: Home, usual: Home) -> str:
    """Each home has a service of its own."""
    if home == usual:
        return "sereno"
    word = re.sub(r"[^A-Za-z0-9]+", "-", home.root.name).strip("-").lower() or "home"
    digest = hashlib.sha256(os.fsencode(home.root)).hexdigest()
    return f"sereno-{word[:32]}-{digest[:6]}"
