"""Files through a session: which folders, in which forms, for whom, and how much of it waits."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest

from sereno.core.protocol import files as wire
from sereno.core.protocol.frames import decode_daemon_frame
from sereno.core.protocol.messages import ActivityLog, RpcError
from sereno.core.protocol.requests import DirectorySuggestions
from sereno.core.protocol.values import UNSET, iso
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.handlers import files as handler
from sereno.core.sessions.handlers import providers
from sereno.core.store.errors import StoreError
from sereno.core.workspaces.suggestions import Suggestions
from tests.core.sessions.files_house import DEVICE, PNG, house, told, tree
from tests.core.sessions.house import AGENT, OWNER, Door, FakeSocket

VIEWER = Peer("device:v", Role.VIEWER, "relay")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree(tmp_path)


def explore(socket: FakeSocket, root: Path, path: str, mode: str = "file", **more: Any) -> Any:
    return told(socket, "file_explorer_request", cwd=str(root), path=path, mode=mode, **more)


async def begun(place: Door, root: Path) -> FakeSocket:
    """Somebody who asked for `big` and takes nothing; a part of it waits."""
    socket = place.enter()
    socket.connection.busy()
    socket.ask("file_explorer_request", cwd=str(root), path="big", mode="file", acceptBinary=True)
    with anyio.fail_after(5):
        while not place.sessions.waiting():
            await anyio.sleep(0.001)
    return socket


async def framed(socket: FakeSocket) -> list[bytes]:
    """Binary frames up to the end."""
    with anyio.fail_after(5):
        while not socket.frames or socket.frames[-1][:1] != b"\x12":
            await anyio.sleep(0.001)
    frames, socket.frames = socket.frames, []
    return frames


async def test_a_folder_is_listed(root: Path) -> None:
    async with house(root) as place:
        socket = place.enter()
        reply = await explore(socket, root, ".", "list")
        assert reply.error is None
        assert reply.file is None
        assert reply.directory.path == "."
        assert [one.path for one in reply.directory.entries] == ["src", "data", "icon.png"]
        reply = await explore(socket, root, "src", "list")
        (entry,) = reply.directory.entries
        assert (entry.name, entry.path, entry.kind) == ("a.py", "src/a.py", "file")
        assert (entry.size, entry.modified_at) == (9, iso(1_777_000_000_000))
        assert place.notes == [], "names are no contents"


async def test_a_path_may_be_left_out(root: Path) -> None:
    async with house(root) as place:
        reply = await told(place.enter(), "file_explorer_request", cwd=str(root), mode="list")
        assert reply.path == "."
        assert len(reply.directory.entries) == 3


async def test_a_file_is_told_in_words(root: Path) -> None:
    async with house(root) as place:
        socket = place.enter()
        reply = await explore(socket, root, "src/a.py")
        assert reply.directory is None
        assert reply.file.content == "x = 'ü'\n"
        assert (reply.file.kind, reply.file.encoding, reply.file.size) == ("text", "utf-8", 9)
        reply = await explore(socket, root, "icon.png")
        assert base64.b64decode(reply.file.content) == PNG
        assert (reply.file.kind, reply.file.encoding) == ("image", "base64")
        assert reply.file.mime_type == "image/png"
        reply = await explore(socket, root, "data")
        assert (reply.file.kind, reply.file.encoding) == ("binary", "none")
        assert reply.file.content is UNSET
        assert [note[1:] for note in place.notes] == [
            ("file.read", "src/a.py"),
            ("file.read", "icon.png"),
            ("file.read", "data"),
        ]


async def test_a_file_comes_in_binary_frames_to_who_takes_them(root: Path) -> None:
    """As the wire has them (6.13): Begin, Chunks, End; nothing besides."""
    big = bytes(range(256)) * 1_100
    (root / "big").write_bytes(big)
    async with house(root) as place:
        socket = place.enter()
        for path, kind, data in (
            ("big", "binary", big),
            ("src/a.py", "utf-8", "x = 'ü'\n".encode()),
        ):
            fields = {"cwd": str(root), "path": path, "mode": "file", "acceptBinary": True}
            socket.ask("file_explorer_request", "r1", **fields)
            begin, *chunks, end = await framed(socket)
            assert begin[:4] == b"\x10\x02r1"
            size = int.from_bytes(begin[4:6], "big")
            meta = json.loads(begin[6:])
            assert size == len(begin) - 6
            assert set(meta) == {"mime", "size", "encoding", "modifiedAt"}
            assert (meta["size"], meta["encoding"]) == (len(data), kind)
            assert all(one[:4] == b"\x11\x02r1" for one in chunks)
            assert b"".join(one[4:] for one in chunks) == data
            assert end == b"\x12\x02r1"


async def test_an_empty_file_and_an_id_that_fits_no_frame(root: Path) -> None:
    (root / "empty").touch()
    async with house(root) as place:
        socket = place.enter()
        fields = {"cwd": str(root), "path": "empty", "mode": "file", "acceptBinary": True}
        socket.ask("file_explorer_request", "r", **fields)
        assert [frame[:1] for frame in await framed(socket)] == [b"\x10", b"\x12"]
        for request_id in ("r" * 256, ""):
            socket.ask("file_explorer_request", request_id, **fields)
            (reply,) = await socket.until(bool)
            assert isinstance(reply, wire.ExploredFiles)
            assert reply.file is not None
            assert reply.file.content == ""


async def test_c77_c78_t70_what_is_refused_is_said_in_the_reply(root: Path) -> None:
    os.mkfifo(root / "fifo")
    async with house(root, state=root / "src") as place:
        socket = place.enter()
        for path, words in (
            ("../secret", "has “..” in it"),
            ("/etc/passwd", "is not below"),
            ("out", "leads out"),
            ("nothing", "does not exist"),
            ("fifo", "is a pipe"),
            ("src/a.py", "Sereno's own folder"),
            (".", "is a folder"),
        ):
            for binary in (False, True):
                reply = await explore(socket, root, path, acceptBinary=binary)
                assert words in reply.error, path
                assert (reply.directory, reply.file) == (None, None)
            reply = await told(socket, "file_download_token_request", cwd=str(root), path=path)
            assert words in reply.error
            assert (reply.token, reply.file_name, reply.size) == ("", "", None)
        assert "is a file" in (await explore(socket, root, "icon.png", "list")).error
        assert place.notes == []


async def test_c77_only_folders_of_agents_are_known(root: Path, tmp_path: Path) -> None:
    async with house(root) as place:
        socket = place.enter()
        for cwd in (str(tmp_path), "/", "", "~", ".", str(root / "src"), f"{root}/../p/src"):
            reply = await told(socket, "file_explorer_request", cwd=cwd, path="a.py", mode="file")
            assert "No agent works in" in reply.error, cwd
            reply = await told(socket, "project_icon_request", cwd=cwd)
            assert "No agent works in" in reply.error, cwd
        for cwd in (f"{root}/", f"{root}/src/.."):
            reply = await told(socket, "file_explorer_request", cwd=cwd, mode="list")
            assert reply.error is None, cwd


async def test_c74_t46_who_may_read_files(root: Path) -> None:
    """Those who could have an agent read them; an agent's own connection is no way around."""
    async with house(root) as place:
        for number, peer in enumerate((OWNER, DEVICE, VIEWER, AGENT)):
            socket = place.enter(f"c{number}", peer)
            may = peer.role in (Role.OWNER, Role.OPERATOR)
            for kind, more in (
                ("file_explorer_request", {"mode": "list"}),
                ("file_explorer_request", {"mode": "file"}),
                ("file_download_token_request", {}),
            ):
                path = "." if more.get("mode") == "list" else "icon.png"
                reply = await told(socket, kind, cwd=str(root), path=path, **more)
                assert isinstance(reply, RpcError) is not may, (peer, kind)
                if not may:
                    assert reply.code == "forbidden"
            reply = await told(socket, "project_icon_request", cwd=str(root))
            assert isinstance(reply, RpcError) is (peer is AGENT)


async def test_c77_who_may_only_look_is_told_no_names_of_other_folders(
    root: Path, tmp_path: Path
) -> None:
    """The `@` picker of an agent, and nothing else; who starts agents chooses among all folders."""
    async with house(root) as place:
        services = SimpleNamespace(files=place.files, suggestions=Suggestions(), user_home=tmp_path)

        async def suggested(peer: Peer, cwd: str) -> tuple[list[str], bool]:
            call = SimpleNamespace(session=SimpleNamespace(role=peer.role), services=services)
            request = DirectorySuggestions(request_id="r", query="", cwd=cwd, include_files=True)
            reply = await providers.suggest(cast(Any, call), request)
            return [one.path for one in reply.entries], reply.error is not None

        assert "src/a.py" in (await suggested(VIEWER, str(root)))[0]
        for cwd in (str(tmp_path), str(root / "src"), "/", ""):
            assert await suggested(VIEWER, cwd) == ([], True), cwd
        assert (await suggested(DEVICE, str(tmp_path)))[0]
        assert str(root) in (await suggested(DEVICE, ""))[0]


async def test_nobody_reads_what_the_audit_cannot_hold(root: Path) -> None:
    async with house(root) as place:
        place.refuse_notes = StoreError("disk_full", "The disk is full.", "Free some.")
        socket = place.enter()
        for kind in ("file_explorer_request", "file_download_token_request"):
            more: dict[str, Any] = (
                {"mode": "file", "acceptBinary": True} if "explorer" in kind else {}
            )
            socket.ask(kind, cwd=str(root), path="icon.png", **more)
            error, word = await socket.until(lambda frames: len(frames) == 2)
            assert isinstance(error, RpcError)
            assert "disk is full" in error.error
            assert isinstance(word, ActivityLog)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "LARGEST", 4_000)
    monkeypatch.setattr(handler, "LARGEST_IN_WORDS", 2_000)


@pytest.mark.usefixtures("small")
async def test_t72_huge_files_are_not_shown(root: Path) -> None:
    (root / "text").write_text("x" * 3_000)
    (root / "more").write_text("x" * 5_000)
    (root / "blob").write_bytes(b"\0" * 5_000)
    async with house(root) as place:
        socket = place.enter()
        assert "Download it" in (await explore(socket, root, "text")).error
        assert "Download it" in (await explore(socket, root, "more", acceptBinary=True)).error
        reply = await explore(socket, root, "blob")
        assert (reply.error, reply.file.size) == (None, 5_000), "only what it is was asked"
        socket.ask(
            "file_explorer_request", cwd=str(root), path="text", mode="file", acceptBinary=True
        )
        assert len(await framed(socket)) == 3
        assert [note[2] for note in place.notes] == ["blob", "text"]


async def test_a_slow_client_has_little_of_a_file_waiting(root: Path) -> None:
    data = os.urandom(3 * 2**20)
    (root / "big").write_bytes(data)
    async with house(root) as place:
        socket = await begun(place, root)
        most = 0
        while not socket.frames or socket.frames[-1][:1] != b"\x12":
            for _ in range(20):  # It would go on by itself, if it did not wait.
                await anyio.sleep(0)
            await anyio.sleep(0.002)
            most = max(most, place.sessions.waiting())
            socket.connection.drained()
            socket.connection.busy()
        chunks = [frame[4:] for frame in socket.frames if frame[:1] == b"\x11"]
        assert b"".join(chunks) == data
        assert most <= 4 * handler.PIECE


async def test_a_client_that_takes_nothing_is_given_up(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "STALL_S", 0.05)
    (root / "big").write_bytes(b"x" * 2**20)
    async with house(root) as place:
        socket = place.enter()
        socket.connection.busy()
        socket.ask(
            "file_explorer_request", cwd=str(root), path="big", mode="file", acceptBinary=True
        )
        session = socket.connection.session
        assert session is not None
        with anyio.fail_after(5):
            while session.calls:
                await anyio.sleep(0.001)
        assert place.sessions.waiting() <= 4 * handler.PIECE
        socket.connection.drained()
        assert socket.frames[-1][:1] == b"{", "the error ends what was begun"
        assert "given up" in str(decode_daemon_frame(socket.frames[-1]))


async def test_a_file_that_shrinks_meanwhile_ends_in_an_error(root: Path) -> None:
    (root / "big").write_bytes(b"x" * 2**20)
    async with house(root) as place:
        socket = await begun(place, root)
        os.truncate(root / "big", 10)
        with anyio.fail_after(5):
            while not any(b"became shorter" in frame for frame in socket.frames):
                socket.connection.drained()
                await anyio.sleep(0.001)
        assert socket.frames[-1][:1] == b"{"


async def test_nothing_more_is_read_for_who_has_left(root: Path) -> None:
    (root / "big").write_bytes(b"x" * 2**22)
    async with house(root) as place:
        socket = await begun(place, root)
        session = socket.connection.session
        assert session is not None
        socket.connection.lost()
        with anyio.fail_after(5):
            while session.calls:
                await anyio.sleep(0.001)


async def test_the_icon_of_a_project(root: Path) -> None:
    async with house(root) as place:
        socket = place.enter()
        reply = await told(socket, "project_icon_request", cwd=str(root))
        assert base64.b64decode(reply.icon.data) == PNG
        assert (reply.icon.mime_type, reply.error) == ("image/png", None)
        (root / "icon.png").unlink()
        reply = await told(socket, "project_icon_request", cwd=str(root))
        assert (reply.icon, reply.error) == (None, None)
