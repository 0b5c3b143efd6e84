"""Images that go with a prompt: those named with `@` in its text, read from this machine.

Only what the person wrote as `@path` is attached, never a path that stands in the text otherwise;
the text stays as it is. Files that are no images are left to the agent, which reads them itself.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from sereno.core.protocol.requests import Image

__all__ = ["LIMIT_BYTES", "AttachError", "dropped_image", "image_paths", "read_images"]

LIMIT_BYTES: Final = 5_000_000
"""Of one image: what the models behind the known programs take."""
_MOST: Final = 10

_NAMED: Final = re.compile(r"""(?:^|(?<=[\s(\[{"']))@(?:"([^"\n]+)"|([^\s"@]+))""")
_KINDS: Final = {
    "image/png": ((".png",), b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": ((".jpg", ".jpeg"), b"\xff\xd8\xff"),
    "image/gif": ((".gif",), b"GIF8"),
    "image/webp": ((".webp",), b"RIFF"),
}


class AttachError(Exception):
    """An image cannot go with the prompt; cause and next step in words."""


def image_paths(text: str, folder: str, home: str) -> list[Path]:
    """The images named in a text that are there; paths are relative to the agent's folder."""
    found = dict.fromkeys(_paths(text, folder, home))
    return list(found)[:_MOST]


def _paths(text: str, folder: str, home: str) -> Iterator[Path]:
    for match in _NAMED.finditer(text):
        words = match[1] or match[2].rstrip(".,;:!?)]}'")
        path = _path(words, folder, home)
        if _kind_of(path) and _is_file(path):
            yield path


def _path(words: str, folder: str, home: str) -> Path:
    if home and words.startswith("~/"):
        return Path(home) / words[2:]
    return Path(folder) / words


def _kind_of(path: Path) -> str:
    """The kind that the name says; empty for what is no image."""
    suffix = path.suffix.lower()
    return next((kind for kind, (suffixes, _) in _KINDS.items() if suffix in suffixes), "")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def dropped_image(pasted: str) -> str | None:
    """A paste that is the path of an image and nothing else (terminals drop files so), named.

    Returns what stands in the prompt instead: `@path`.
    """
    words = pasted.strip()
    if not words or "\n" in words or len(words) > 4_000:
        return None
    if words[0] == words[-1] and words[0] in "'\"" and len(words) > 2:
        words = words[1:-1]
    elif words.startswith("file://"):
        words = unquote(urlsplit(words).path)
    else:
        words = re.sub(r"\\(.)", r"\1", words)
    path = Path(words)
    if not path.is_absolute() or '"' in words or not _kind_of(path) or not _is_file(path):
        return None
    return f'@"{words}" ' if re.search(r"\s|@", words) else f"@{words} "


def read_images(paths: list[Path]) -> tuple[Image, ...]:
    """The images themselves. Raises AttachError where one cannot be read or is none."""
    return tuple(_read(path) for path in paths)


def _read(path: Path) -> Image:
    kind = _kind_of(path)
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise AttachError(f"{path.name} was not attached: {why}. Nothing was sent.") from error
    if len(data) > LIMIT_BYTES:
        raise AttachError(
            f"{path.name} is larger than 5 MB. Nothing was sent: shrink it, or take the @ away."
        )
    if not data.startswith(_KINDS[kind][1]):
        raise AttachError(
            f"{path.name} is not what its name says. Nothing was sent: take the @ away to send it."
        )
    return Image(data=base64.b64encode(data).decode("ascii"), mime_type=kind)
