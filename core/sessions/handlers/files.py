"""Looking at files of an agent's folder, and tokens to fetch them (wire reference 6.13).

What may be reached is decided by core/sessions/files.py. A file goes out in pieces, each when the
last one has left, so that nothing large waits here for a slow client.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Final

import anyio

from sereno.core.protocol.files import (
    DirectoryListing,
    DownloadToken,
    ExploredFiles,
    ExploreFiles,
    FileEntry,
    FileMeta,
    ProjectIcon,
    ProjectIconResult,
    RequestDownload,
    RequestProjectIcon,
    ShownFile,
    begin_frame,
    chunk_frame,
    end_frame,
    id_bytes,
)
from sereno.core.protocol.frames import encode_payload
from sereno.core.protocol.values import UNSET, given, iso
from sereno.core.security.confinement import PathRefused, shown
from sereno.core.sessions.dispatch import Call, Table
from sereno.core.sessions.files import OpenFile
from sereno.core.workspaces.contents import Facts, Folder

__all__ = ["table"]

table = Table()

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a file that is shown in binary frames."""
LARGEST_IN_WORDS: Final = 1024 * 1024
"""The same in one JSON message (section F: readFile)."""
PIECE: Final = 128 * 1024
STALL_S: Final = 60.0
"""Seconds without room for the next piece, after which a file is given up."""


@table.handles(ExploreFiles)
async def explore(call: Call, request: ExploreFiles) -> ExploredFiles | bytes | None:
    path = given(request.path, ".") or "."
    try:
        if request.mode == "list":
            return await _list(call, request, path)
        return await _show(call, request, path)
    except PathRefused as refused:
        return _reply(request, path, error=refused.words)


@table.handles(RequestDownload)
async def download(call: Call, request: RequestDownload) -> DownloadToken:
    reply = DownloadToken(request_id=request.request_id, cwd=request.cwd, path=request.path)
    peer = call.session.peer
    try:
        token, facts = await call.services.files.offer(peer, call.by, request.cwd, request.path)
    except PathRefused as refused:
        reply.error = refused.words
    else:
        reply.token, reply.file_name = token, facts.name
        reply.mime_type, reply.size = facts.mime, facts.size
    return reply


@table.handles(RequestProjectIcon)
async def icon(call: Call, request: RequestProjectIcon) -> ProjectIconResult:
    reply = ProjectIconResult(request_id=request.request_id, cwd=request.cwd)
    try:
        found = await call.services.files.icon(request.cwd)
    except PathRefused as refused:
        reply.error = refused.words
    else:
        if found is not None:
            data = base64.b64encode(found.data).decode()
            reply.icon = ProjectIcon(data=data, mime_type=found.mime)
    return reply


async def _list(call: Call, request: ExploreFiles, path: str) -> bytes:
    def told(steps: tuple[str, ...], folder: Folder) -> bytes:
        before = "".join(f"{step}/" for step in steps)
        entries = [
            FileEntry(
                name=one.name,
                path=before + one.step,
                kind=one.kind,
                size=one.size,
                modified_at=iso(one.modified_ms),
            )
            for one in folder.entries
        ]
        truncated = UNSET if folder.complete else True
        listing = DirectoryListing(
            path="/".join(steps) or ".", entries=entries, truncated=truncated
        )
        return encode_payload(_reply(request, path, directory=listing))

    return await call.services.files.folder(request.cwd, path, told)


async def _show(call: Call, request: ExploreFiles, path: str) -> ExploredFiles | None:
    peer = call.session.peer
    frame_id = id_bytes(request.request_id) if given(request.accept_binary, False) else None
    fits = _fits_in_words if frame_id is None else _fits_in_frames
    async with call.services.files.open(peer, call.by, request.cwd, path, fits) as file:
        if frame_id is None:
            return _reply(request, path, file=await _in_words(file, path))
        await _send(call, frame_id, file)
        return None


def _reply(
    request: ExploreFiles,
    path: str,
    *,
    directory: DirectoryListing | None = None,
    file: ShownFile | None = None,
    error: str | None = None,
) -> ExploredFiles:
    return ExploredFiles(
        request_id=request.request_id,
        cwd=request.cwd,
        path=path,
        mode=request.mode,
        directory=directory,
        file=file,
        error=error,
    )


async def _in_words(file: OpenFile, path: str) -> ShownFile:
    """Text as it is, pictures in base64, of everything else only what it is."""
    facts = file.facts
    reply = ShownFile(
        path=path,
        kind=facts.kind,
        encoding="none",
        size=facts.size,
        modified_at=iso(facts.modified_ms),
        mime_type=facts.mime,
    )
    if facts.kind != "binary":
        data = b"".join([piece async for piece in _pieces(file)])
        if facts.kind == "text":
            reply.encoding, reply.content = "utf-8", data.decode("utf-8", "replace")
        else:
            reply.encoding, reply.content = "base64", base64.b64encode(data).decode()
    return reply


async def _send(call: Call, frame_id: bytes, file: OpenFile) -> None:
    facts = file.facts
    meta = FileMeta(
        mime=facts.mime,
        size=facts.size,
        encoding="utf-8" if facts.kind == "text" else "binary",
        modified_at=iso(facts.modified_ms),
    )
    call.answer(begin_frame(frame_id, meta))
    async for piece in _pieces(file):
        if not call.session.connections:
            return  # Nobody is there to take it.
        call.answer(chunk_frame(frame_id, piece))
        with anyio.move_on_after(STALL_S) as patience:
            await call.session.room()
        if patience.cancelled_caught:
            raise PathRefused("unreadable", "The file was given up: nobody takes it.", "Ask again.")
    call.answer(end_frame(frame_id))


async def _pieces(file: OpenFile) -> AsyncIterator[bytes]:
    """As many bytes as it had when it was opened. Raises PathRefused where there are fewer now."""
    left = file.facts.size
    while left > 0:
        piece = await file.read(min(left, PIECE))
        if not piece:
            name = shown(file.facts.name)
            raise PathRefused("changing", f"{name} became shorter while it was read.", "Try again.")
        left -= len(piece)
        yield piece


def _fits_in_words(facts: Facts) -> None:
    if facts.kind != "binary":
        _refuse_over(LARGEST_IN_WORDS, facts)


def _fits_in_frames(facts: Facts) -> None:
    _refuse_over(LARGEST, facts)


def _refuse_over(most: int, facts: Facts) -> None:
    if facts.size > most:
        raise PathRefused(
            "too_large",
            f"{shown(facts.name)} has {facts.size / 2**20:.1f} MiB, and at most {most >> 20} MiB "
            "are shown.",
            "Download it.",
        )
