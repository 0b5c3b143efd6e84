"""The picture of a project, where it has one in a usual place (wire reference 6.11.2).

Blocks: for threads. Only small files that are pictures by name and by their first bytes.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from sereno.core.security.confinement import PathRefused
from sereno.core.workspaces.beneath import Walk
from sereno.core.workspaces.contents import facts_of, read_whole

__all__ = ["LARGEST", "Icon", "find_icon"]

LARGEST: Final = 256 * 1024
_FOLDERS: Final = (
    "",
    "public/",
    "static/",
    "assets/",
    "app/",
    "src/",
    "src/app/",
    "web/",
    ".idea/",
)
_NAMES: Final = ("favicon", "icon", "logo")
_ENDINGS: Final = (".svg", ".png", ".ico", ".webp", ".jpg")
_BEGINS: Final = {
    "image/png": rb"\x89PNG\r\n\x1a\n",
    "image/jpeg": rb"\xff\xd8\xff",
    "image/x-icon": rb"\x00\x00\x01\x00",
    "image/webp": rb"(?s:RIFF....WEBP)",
    "image/svg+xml": rb"\s*<(?i:\?xml|!--|!DOCTYPE svg|svg)",
}


class Icon(msgspec.Struct, frozen=True):
    data: bytes
    mime: str


def find_icon(walk: Walk) -> Icon | None:
    """The first that there is, the project's own folder before those in it."""
    for folder in _FOLDERS:
        for name in _NAMES:
            for ending in _ENDINGS:
                icon = _read(walk, f"{folder}{name}{ending}")
                if icon is not None:
                    return icon
    return None


def _read(walk: Walk, path: str) -> Icon | None:
    try:
        file = walk.open_file(path.split("/"))
    except PathRefused:
        return None
    with file:
        facts = facts_of(file, path.rpartition("/")[2])
        if not 0 < facts.size <= LARGEST:
            return None
        try:
            data = read_whole(file, facts.size)
        except (PathRefused, OSError):
            return None
    return Icon(data, facts.mime) if re.match(_BEGINS[facts.mime], data) else None
