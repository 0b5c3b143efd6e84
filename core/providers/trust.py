"""Whether the person trusts a folder, and what lies in it that programs would run unasked.

A repository can bring hooks, helpers, variables, MCP servers and rules that allow its own commands.
A program that runs in its own terminal asks before it takes them; driven over a pipe it does not.
So they are left out where config.toml does not name the folder. Looks at the disk (a few stat
calls), reads no file. Not here: how a program is told (claude/arguments.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["is_trusted", "left_out"]

_OWN = (
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/agents",
    ".claude/commands",
    ".claude/skills",
    ".mcp.json",
)
_ABOVE = ("CLAUDE.md", ".claude/CLAUDE.md")
"""Read in the folder itself; those of the folders above it are left out with the rest."""


def is_trusted(cwd: str, folders: Iterable[str]) -> bool:
    """A trusted folder trusts all below it; links are followed before they are compared."""
    try:
        place = Path(cwd).resolve()
        return any(place.is_relative_to(Path(each).expanduser().resolve()) for each in folders)
    except (OSError, RuntimeError, ValueError):
        return False  # a loop of links, a home that nobody knows: no trust


def left_out(cwd: str, home: Path | None = None) -> tuple[str, ...]:
    """What stands in the folder, or above it in its repository, and is not taken untrusted.

    Paths relative to the folder where they can be, else absolute. `home`: its own `.claude` holds
    the person's settings, not a repository's.
    """
    try:
        place = Path(cwd).resolve()
        own_home = (home or Path.home()).resolve()
        found: list[str] = []
        for folder in _up_to_repository(place):
            names = _OWN if folder == place else (*_OWN, *_ABOVE)
            for name in names:
                if folder == own_home and name.startswith(".claude/"):
                    continue
                if (folder / name).exists():
                    found.append(name if folder == place else str(folder / name))
        return tuple(found)
    except (OSError, RuntimeError, ValueError):
        return ()


def _up_to_repository(place: Path) -> Iterator[Path]:
    """The folder, and those above it to the root of its repository; alone where there is none."""
    chain = [place, *place.parents]
    root = next((index for index, each in enumerate(chain) if (each / ".git").exists()), 0)
    yield from chain[: root + 1]
