"""Changes config.toml for the person and keeps what the person wrote there.

Comments, order and blank lines stay (tomlkit). A change that would make a file that Sereno then
refuses is not written, and two that come at once are done one after the other.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sereno.core.config.load import build_config
from sereno.core.config.source import parse_source, read_source
from sereno.core.home import Home, atomic_write, explained

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

    from sereno.core.config.model import Config


def edit_config(home: Home, change: Callable[[TOMLDocument], None]) -> Config:
    """Let `change` work on the document and write the result, whole, with mode 0600.

    Returns what the new file says without variables and flags. Raises ConfigError when the file
    was or would become invalid, HomeError when it cannot be written; it is unchanged then.
    """
    import tomlkit

    lock = _lock_path(home.config)
    with explained(lock):
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        source = read_source(home.config)
        document = tomlkit.parse(source.text)
        change(document)
        text = tomlkit.dumps(document)
        config = build_config(parse_source(home.config, text.encode()), {}, {})
        if text != source.text:
            atomic_write(home.config, text)
        return config
    finally:
        os.close(descriptor)


def put(document: TOMLDocument, key: str, value: object) -> None:
    """Set one dotted setting in a document; a new one goes below the last of its table.

    tomlkit alone would put it below the comment that stands over the next table.
    """
    import tomlkit
    from tomlkit.items import Comment, Table, Whitespace

    *tables, name = key.split(".")
    part: Any = document
    for table in tables:
        if table not in part:
            part[table] = tomlkit.table()
        part = part[table]
    if name in part or not isinstance(part, Table):
        part[name] = value
        return
    body = part.value.body
    settings = 1 + max((at for at, (k, _) in enumerate(body) if k is not None), default=-1)
    below = [item for _, item in body[settings:] if isinstance(item, Comment | Whitespace)]
    del body[settings:]
    part.add(name, value)
    for item in below:
        part.add(item)


def _lock_path(config: Path) -> Path:
    return config.parent / "run" / "config.lock"
