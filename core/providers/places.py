"""Where an agent program is found: the search path first, then the folders into which installers
put programs without the search path of a daemon knowing of it.

A daemon that a service manager or a desktop started often has a bare PATH. Looks at the disk (a
few stat calls), starts nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["USUAL", "look_up"]

USUAL = (
    "~/.local/bin",
    "~/bin",
    "~/.npm-global/bin",
    "~/.npm/bin",
    "~/.volta/bin",
    "~/.bun/bin",
    "~/.local/share/pnpm",
    "~/Library/pnpm",
    "~/.asdf/shims",
    "~/.local/share/mise/shims",
    "~/.nvm/versions/node/*/bin",
    "~/.local/share/fnm/node-versions/*/installation/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
)
"""Folders of the usual installers; `*` stands for the newest of several versions."""


def look_up(program: str, env: Mapping[str, str], places: tuple[str, ...]) -> str | None:
    """The absolute path of a program, or None.

    `places`: folders of this program's own installer, looked at before the usual ones. A program
    that is named with a folder is looked for there only.
    """
    found = shutil.which(program, path=env.get("PATH", ""))
    if found is not None or "/" in program:
        return found
    folders = [folder for place in (*places, *USUAL) for folder in _folders(place, env)]
    return shutil.which(program, path=":".join(folders)) if folders else None


def _folders(place: str, env: Mapping[str, str]) -> Iterator[str]:
    if place.startswith("~"):
        home = env.get("HOME")
        if not home:
            return
        place = home + place[1:]
    if "*" not in place:
        yield place
        return
    before, _, after = place.partition("*")
    root = Path(before)
    if root.is_dir():
        versions = sorted((one.name for one in root.iterdir()), key=_version, reverse=True)
        yield from (f"{before}{name}{after}" for name in versions)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.lstrip("v").split(".") if part.isdigit())
