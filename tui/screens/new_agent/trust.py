"""What a folder brings for Claude Code that is left out until the person trusts the folder.

Said before the agent is started: the daemon decides (core/providers/trust.py), this only looks
whether it matters here. A few stat calls; where the folder is not on this machine, nothing.
"""

from __future__ import annotations

from pathlib import Path

from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.values import given
from sereno.core.security.sanitise import sanitise_line

__all__ = ["brought", "takes_settings", "trust_words"]

_OWN = (
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/agents",
    ".claude/commands",
    ".claude/skills",
    ".mcp.json",
)


def takes_settings(entry: ProviderEntry | None) -> bool:
    """Whether it is Claude Code, or a profile of it: by the mode that it alone has."""
    modes = [] if entry is None else given(entry.modes, [])
    return any(mode.id == "bypassPermissions" for mode in modes)


def brought(folder: str, home: str) -> tuple[str, ...]:
    """What lies in the folder; the person's own settings in their home are no repository's."""
    place = Path(folder)
    try:
        if not place.is_absolute() or not place.is_dir():
            return ()
        own = [name for name in _OWN if not (folder == home and name.startswith(".claude/"))]
        return tuple(name for name in own if (place / name).exists())
    except (OSError, ValueError):
        return ()


def trust_words(entry: ProviderEntry | None, names: tuple[str, ...]) -> str:
    """One sentence, where there is something to be left out; else empty."""
    if entry is None or not names or not takes_settings(entry):
        return ""
    provider = sanitise_line(entry.provider, 40)
    return (
        f"The folder's own {', '.join(names)}: left out, unless trusted_folders of "
        f"[providers.{provider}] in config.toml names the folder."
    )
