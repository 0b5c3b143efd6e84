"""Files of a working directory: looking at them, and tokens to fetch them (wire 6.13, 6.11.2).

A file that is looked at comes as binary frames where the client takes those: Begin, Chunks, End,
each with the id of its request.
"""

from typing import ClassVar, Final, Literal

import msgspec

from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "MOST_ID_BYTES",
    "DirectoryListing",
    "DownloadToken",
    "ExploreFiles",
    "ExploredFiles",
    "FileEntry",
    "FileMeta",
    "ProjectIcon",
    "ProjectIconResult",
    "RequestDownload",
    "RequestProjectIcon",
    "ShownFile",
    "begin_frame",
    "chunk_frame",
    "end_frame",
    "id_bytes",
]

_BEGIN, _CHUNK, _END = 0x10, 0x11, 0x12
MOST_ID_BYTES: Final = 255

Mode = Literal["list", "file"]


class ExploreFiles(Wire, tag_field="type", tag="file_explorer_request"):
    request_id: str
    cwd: str
    mode: Mode
    path: str | UnsetType = UNSET
    accept_binary: bool | UnsetType = UNSET


class FileEntry(Wire):
    name: str
    path: str
    kind: Literal["file", "directory"]
    size: int
    modified_at: str


class DirectoryListing(Wire):
    """`truncated` is Sereno's addition: there is more in it than is told."""

    path: str
    entries: list[FileEntry]
    truncated: bool | UnsetType = UNSET


class ShownFile(Wire):
    path: str
    kind: Literal["text", "image", "binary"]
    encoding: Literal["utf-8", "base64", "none"]
    size: int
    modified_at: str
    content: str | UnsetType = UNSET
    mime_type: str | UnsetType = UNSET


class ExploredFiles(Wire):
    wire_type: ClassVar[str] = "file_explorer_response"
    request_id: str
    cwd: str
    path: str
    mode: Mode
    directory: DirectoryListing | None = None
    file: ShownFile | None = None
    error: str | None = None


class RequestDownload(Wire, tag_field="type", tag="file_download_token_request"):
    request_id: str
    cwd: str
    path: str


class DownloadToken(Wire):
    """`token` and `file_name` are empty where there is an error."""

    wire_type: ClassVar[str] = "file_download_token_response"
    request_id: str
    cwd: str
    path: str
    token: str = ""
    file_name: str = ""
    mime_type: str | None = None
    size: int | None = None
    error: str | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"DownloadToken(request_id={self.request_id!r}, error={self.error!r})"


class RequestProjectIcon(Wire, tag_field="type", tag="project_icon_request"):
    request_id: str
    cwd: str


class ProjectIcon(Wire):
    data: str
    """Base64."""
    mime_type: str


class ProjectIconResult(Wire):
    wire_type: ClassVar[str] = "project_icon_response"
    request_id: str
    cwd: str
    icon: ProjectIcon | None = None
    error: str | None = None


# Binary frames


class FileMeta(Wire):
    """What Begin says. Strict: no other keys."""

    mime: str
    size: int
    encoding: Literal["utf-8", "binary"]
    modified_at: str


def id_bytes(request_id: str) -> bytes | None:
    """A request's id as frames carry it; None where it does not fit."""
    data = request_id.encode("utf-8", "surrogatepass")
    return data if 0 < len(data) <= MOST_ID_BYTES else None


def begin_frame(request: bytes, meta: FileMeta) -> bytes:
    told = msgspec.json.encode(meta)
    return _head(_BEGIN, request) + len(told).to_bytes(2, "big") + told


def chunk_frame(request: bytes, data: bytes) -> bytes:
    return _head(_CHUNK, request) + data


def end_frame(request: bytes) -> bytes:
    return _head(_END, request)


def _head(kind: int, request: bytes) -> bytes:
    return bytes((kind, len(request))) + request
