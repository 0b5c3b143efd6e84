"""What a folder holds and what a file is, as clients are told (wire reference 6.13).

Kinds, types and bounds; reached by beneath.py and by nothing else. Blocks: for threads.
"""

from __future__ import annotations

import functools
import io
import mimetypes
import os
import stat
import time
from pathlib import PurePosixPath
from typing import Final, Literal

import msgspec

from sereno.core.security.confinement import PathRefused
from sereno.core.security.sanitise import reveal
from sereno.core.workspaces.beneath import Identity, Walk, identity_of

__all__ = ["Entry", "Facts", "Folder", "facts_of", "list_folder", "read_whole"]

MOST_ENTRIES: Final = 5_000
"""Entries of a folder that are told; which, where there are more, is the system's order."""
MOST_LINKS: Final = 1_000
"""Links of a folder that are followed to say what they are."""
LISTING_S: Final = 3.0
HEAD: Final = 64 * 1024
"""Bytes by which it is told whether a file is text."""
_LATEST_MS: Final = 253_402_300_799_000

Kind = Literal["text", "image", "binary"]
_IMAGES: Final = {
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}


@functools.cache
def _types() -> mimetypes.MimeTypes:
    """The library's own table alone: what the machine's files add differs from one to the next.
    Made at first use, because the library reads those files all the same."""
    return mimetypes.MimeTypes(filenames=())


class Entry(msgspec.Struct, frozen=True):
    """`name` is for people: nothing in it is hidden. `step`: the name as it is asked for."""

    name: str
    step: str
    kind: Literal["file", "directory"]
    size: int
    modified_ms: int


class Folder(msgspec.Struct, frozen=True):
    """`complete` is False where a bound was met."""

    entries: tuple[Entry, ...]
    complete: bool


class Facts(msgspec.Struct, frozen=True):
    """What an open file is. `name`: its own, not that of what a link leads to."""

    name: str
    size: int
    modified_ms: int
    kind: Kind
    mime: str
    identity: Identity


def list_folder(
    walk: Walk, steps: tuple[str, ...], *, most: int = MOST_ENTRIES, seconds: float = LISTING_S
) -> Folder:
    """Folders first, by name. What is neither file nor folder, and links that lead out or nowhere,
    are left out, as there is no word for them. Raises PathRefused."""
    deadline = time.monotonic() + seconds
    found: list[Entry] = []
    complete, links = True, 0
    with walk.open_folder(steps) as (inside, descriptor), os.scandir(descriptor) as entries:
        for entry in entries:
            if len(found) >= most or time.monotonic() > deadline:
                complete = False
                break
            link = entry.is_symlink()
            links += link
            if link and links > MOST_LINKS:
                complete = False
                continue
            known = inside.look(entry.name) if link else _stat(entry)
            if known is not None and (one := _entry(entry.name, known)) is not None:
                found.append(one)
    found.sort(key=lambda one: (one.kind == "file", one.name.casefold(), one.name))
    return Folder(tuple(found), complete)


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None  # gone meanwhile


def _entry(name: str, found: os.stat_result) -> Entry | None:
    if stat.S_ISDIR(found.st_mode):
        kind: Literal["file", "directory"] = "directory"
    elif stat.S_ISREG(found.st_mode):
        kind = "file"
    else:
        return None
    step = os.fsencode(name).decode("utf-8", "replace")
    shown = reveal(step).replace("\n", "\\n").replace("\t", "\\t")
    return Entry(shown, step, kind, found.st_size, _modified(found))


def _modified(found: os.stat_result) -> int:
    return min(max(0, found.st_mtime_ns // 1_000_000), _LATEST_MS)


def facts_of(file: io.FileIO, name: str) -> Facts:
    """What it is, by its name and its first bytes, which are left to be read."""
    found = os.fstat(file.fileno())
    head = os.pread(file.fileno(), min(HEAD, found.st_size), 0)
    kind, mime = _kind(name, head, whole=found.st_size <= len(head))
    return Facts(name, found.st_size, _modified(found), kind, mime, identity_of(found))


def _kind(name: str, head: bytes, *, whole: bool) -> tuple[Kind, str]:
    image = _IMAGES.get(PurePosixPath(name).suffix.lower())
    if image is not None:
        return "image", image
    guessed, packed = _types().guess_type(f"x{PurePosixPath(name).suffix}", strict=True)
    if _is_text(head, whole=whole):
        return "text", guessed if guessed is not None and packed is None else "text/plain"
    # A name that promises text is not believed over the bytes.
    if guessed is None or packed is not None or guessed.startswith("text/"):
        guessed = "application/octet-stream"
    return "binary", guessed


def _is_text(head: bytes, *, whole: bool) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # The last character may be cut in two.
        return (
            not whole and error.start >= len(head) - 3 and error.reason == "unexpected end of data"
        )
    return True


def read_whole(file: io.FileIO, size: int) -> bytes:
    """As many bytes as it had when it was opened. Raises PathRefused where there are fewer now."""
    data = bytearray()
    while len(data) < size:
        piece = file.read(size - len(data))
        if not piece:
            raise PathRefused(
                "changing", "The file became shorter while it was read.", "Try again."
            )
        data += piece
    return bytes(data)
