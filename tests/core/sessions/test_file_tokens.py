"""Tokens by which files are fetched: once, by who asked, the file that was named and no other."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from sereno.core.security.confinement import PathRefused
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from tests.core.sessions.files_house import DEVICE, house, told, tree
from tests.core.sessions.house import OWNER, Door


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree(tmp_path)


async def fetched(place: Door, token: str, peer: Peer = OWNER, *, look: bool = False) -> bytes:
    async with place.files.fetch(token, peer, look=look) as file:
        return b"(not good)" if file is None else await file.read(2**20)


async def test_c78_a_token_fetches_the_file_that_was_named_once(root: Path) -> None:
    async with house(root) as place:
        reply = await told(
            place.enter(), "file_download_token_request", cwd=str(root), path="src/a.py"
        )
        assert (reply.file_name, reply.size, reply.error) == ("a.py", 9, None)
        assert reply.mime_type == "text/x-python"
        assert len(reply.token) >= 43
        assert reply.token not in repr(reply)
        assert await fetched(place, reply.token, look=True) == "x = 'ü'\n".encode()
        same = Peer("same-user:owner", Role.OWNER, "tcp")
        assert await fetched(place, reply.token, same) == "x = 'ü'\n".encode()
        assert await fetched(place, reply.token, same) == b"(not good)"
        assert place.notes == [
            ("owner (cli)", "file.offer", "src/a.py"),
            ("owner (tcp)", "file.fetch", "src/a.py"),
        ]


async def test_c78_a_token_is_for_who_asked(root: Path) -> None:
    one = Peer("offer-1:operator", Role.OPERATOR, "tcp")
    other = Peer("password:operator", Role.OPERATOR, "tcp")
    async with house(root) as place:
        for asks, fetches, good in (
            (one, other, False),
            (one, one, True),
            (OWNER, other, False),
            (other, OWNER, False),
            (DEVICE, other, True),  # through a relay; it shows who it is anew
        ):
            socket = place.enter(f"{asks}{fetches}", asks)
            reply = await told(socket, "file_download_token_request", cwd=str(root), path="data")
            found = await fetched(place, reply.token, fetches)
            assert found == (b"\0\1\2" if good else b"(not good)"), (asks, fetches)


async def test_c78_t71_a_token_fetches_no_other_file_that_took_the_place(root: Path) -> None:
    async with house(root) as place:
        socket = place.enter()
        for change in ("replaced", "link", "gone", "folder is a link"):
            fields = {"cwd": str(root), "path": "src/a.py"}
            reply = await told(socket, "file_download_token_request", **fields)
            assert reply.error is None, change
            if change == "replaced":
                (root / "new").write_text("CANARY")
                (root / "new").replace(root / "src" / "a.py")
            elif change == "link":
                (root / "src" / "a.py").unlink()
                (root / "src" / "a.py").symlink_to("../../secret")
            elif change == "gone":
                (root / "src" / "a.py").unlink()
            else:
                (root / "src").rename(root / "was")
                (root.parent / "a.py").write_text("CANARY")
                (root / "src").symlink_to("..")
            with pytest.raises(PathRefused):
                await fetched(place, reply.token)
            assert await fetched(place, reply.token) == b"(not good)"
            if change != "folder is a link":
                (root / "src" / "a.py").unlink(missing_ok=True)
                (root / "src" / "a.py").write_text("again")


async def test_few_files_are_open_for_one_credential_and_the_next_waits(root: Path) -> None:
    async with house(root) as place, anyio.create_task_group() as tasks:
        fields = {"cwd": str(root), "path": "data"}
        socket = place.enter()
        tokens = []
        for _ in range(10):
            reply = await told(socket, "file_download_token_request", **fields)
            tokens.append(reply.token)
        held, release = [], anyio.Event()

        async def hold(token: str) -> None:
            async with place.files.fetch(token, OWNER, look=False) as file:
                held.append(file)
                await release.wait()

        for token in tokens:
            tasks.start_soon(hold, token)
        with anyio.fail_after(5):
            while len(held) < 8:
                await anyio.sleep(0.001)
        reply = await told(place.enter("d", DEVICE), "file_download_token_request", **fields)
        other = Peer("password:operator", Role.OPERATOR, "tcp")
        assert await fetched(place, reply.token, other) == b"\0\1\2", "others do not wait"
        assert len(held) == 8
        release.set()
        with anyio.fail_after(5):
            while len(held) < 10:
                await anyio.sleep(0.001)
