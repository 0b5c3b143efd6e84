"""A folder with files in it, the house of sessions in which an agent works there, and what is asked
of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from tests.core.sessions.house import Door, FakeSocket, door, view

DEVICE = Peer("device:o", Role.OPERATOR, "relay")
PNG = b"\x89PNG\r\n\x1a\n"


def tree(tmp_path: Path) -> Path:
    """A project, with a secret beside it."""
    root = tmp_path / "p"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").write_text("x = 'ü'\n")
    (root / "icon.png").write_bytes(PNG)
    (root / "data").write_bytes(b"\0\1\2")
    (tmp_path / "secret").write_text("CANARY")
    (root / "out").symlink_to("../secret")
    os.utime(root / "src" / "a.py", (1_777_000_000, 1_777_000_000))
    return root


@asynccontextmanager
async def house(root: Path, **settings: Any) -> AsyncIterator[Door]:
    async with door(**settings) as place:
        place.fleet.views["a1"] = view("a1", cwd=str(root))
        yield place


async def told(socket: FakeSocket, kind: str, **fields: Any) -> Any:
    """The reply of one request, which is the only thing that came."""
    socket.ask(kind, **fields)
    (reply,) = await socket.until(bool)
    return reply
