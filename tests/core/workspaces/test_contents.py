"""What a folder and a file are said to be: kinds, types, names, bounds."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from sereno.core.security.confinement import PathRefused, steps_of
from sereno.core.workspaces import icons
from sereno.core.workspaces.beneath import Walk
from sereno.core.workspaces.contents import (
    HEAD,
    Entry,
    Facts,
    Folder,
    facts_of,
    list_folder,
    read_whole,
)
from sereno.core.workspaces.icons import Icon, find_icon

NOBODY = Path("/nonexistent")
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


def listed(root: Path, path: str = "", **bounds: float) -> Folder:
    with Walk.begin(str(root), NOBODY) as walk:
        return list_folder(walk, steps_of(path, str(root)), **bounds)  # type: ignore[arg-type]


def named(folder: Folder) -> list[str]:
    return [f"{one.name}/" if one.kind == "directory" else one.name for one in folder.entries]


def facts(path: Path) -> Facts:
    with path.open("rb", buffering=0) as file:
        assert isinstance(file, io.FileIO)
        return facts_of(file, path.name)


def test_a_folder_is_told_folders_first(tmp_path: Path) -> None:
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "b.txt").write_text("12345")
    (tmp_path / "A.txt").write_text("")
    (tmp_path / ".env").write_text("x")
    (tmp_path / ".git").mkdir()
    os.utime(tmp_path / "b.txt", (1_000, 2_000.5))
    folder = listed(tmp_path)
    assert folder.complete
    assert named(folder) == [".git/", "src/", ".env", "A.txt", "b.txt"]
    assert folder.entries[-1] == Entry("b.txt", "b.txt", "file", 5, 2_000_500)
    assert named(listed(tmp_path, "src")) == ["deep/"]
    assert named(listed(tmp_path, "src/deep")) == []


def test_c78_t72_links_are_told_as_what_they_lead_to_and_nothing_of_what_is_outside(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    (root / "src").mkdir(parents=True)
    (tmp_path / "secret").write_text("CANARY")
    (root / "f").write_text("123")
    (root / "file-link").symlink_to("f")
    (root / "folder-link").symlink_to("src/../src")
    (root / "out").symlink_to("../secret")
    (root / "abs").symlink_to("/etc/passwd")
    (root / "broken").symlink_to("nothing")
    os.mkfifo(root / "fifo")
    folder = listed(root)
    assert named(folder) == ["folder-link/", "src/", "f", "file-link"]
    assert folder.entries[-1].size == 3


def test_names_show_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a\u202etxt.exe").write_text("")
    (tmp_path / "b\x1b[2J\n").write_text("")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).write_text("")
    found = listed(tmp_path).entries
    assert [one.name for one in found] == ["a\\u202etxt.exe", "b\\x1b[2J\\n", "caf\ufffd"]
    for one, code in zip(found, ("odd_name", "odd_name", "missing"), strict=True):
        with Walk.begin(str(tmp_path), NOBODY) as walk, pytest.raises(PathRefused) as caught:
            walk.open_file(steps_of(one.step, str(tmp_path)))
        assert caught.value.code == code
        assert caught.value.words.isprintable()


def test_t72_a_huge_folder_is_told_in_part(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"f{number}").touch()
    folder = listed(tmp_path, most=10)
    assert len(folder.entries) == 10
    assert not folder.complete
    assert not listed(tmp_path, seconds=-1).complete
    assert listed(tmp_path).complete


def test_a_time_that_no_calendar_has_is_told_as_one_that_it_has(tmp_path: Path) -> None:
    for name, seconds in (("old", -5), ("new", 2**34)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (seconds, seconds))
    times = {one.name: one.modified_ms for one in listed(tmp_path).entries}
    assert times["old"] == 0
    assert times["new"] >= 2**31 * 1000


@pytest.mark.parametrize(
    ("name", "data", "kind", "mime"),
    [
        ("a.py", b"x = 1\n", "text", "text/x-python"),
        ("Makefile", b"all:\n", "text", "text/plain"),
        ("a.html", b"<p>", "text", "text/html"),
        ("empty", b"", "text", "text/plain"),
        ("a.json", b"{}", "text", "application/json"),
        ("utf8", "é".encode() * 10, "text", "text/plain"),
        ("latin", b"caf\xe9", "binary", "application/octet-stream"),
        ("a.txt", b"a\0b", "binary", "application/octet-stream"),
        ("a.pdf", b"%PDF\0", "binary", "application/pdf"),
        ("a.tar.gz", b"\x1f\x8b\0", "binary", "application/octet-stream"),
        ("a.png", PNG, "image", "image/png"),
        ("A.SVG", b"<svg/>", "image", "image/svg+xml"),
        ("long", b"a" * (HEAD - 1) + "é".encode(), "text", "text/plain"),
        # Only the beginning is looked at; what comes behind it may be anything.
        ("later", b"a" * HEAD + b"\xff\0", "text", "text/plain"),
    ],
)
def test_what_a_file_is(tmp_path: Path, name: str, data: bytes, kind: str, mime: str) -> None:
    (tmp_path / name).write_bytes(data)
    found = facts(tmp_path / name)
    assert (found.kind, found.mime, found.size) == (kind, mime, len(data))


def test_a_file_that_became_shorter_is_not_half_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1234")
    with (tmp_path / "f").open("rb", buffering=0) as file:
        assert isinstance(file, io.FileIO)
        assert read_whole(file, 3) == b"123"
        with pytest.raises(PathRefused, match="shorter"):
            read_whole(file, 3)


# Icons


def icon(root: Path) -> Icon | None:
    with Walk.begin(str(root), NOBODY) as walk:
        return find_icon(walk)


def test_a_project_has_the_nearest_icon(tmp_path: Path) -> None:
    assert icon(tmp_path) is None
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "favicon.ico").write_bytes(b"\0\0\1\0rest")
    assert icon(tmp_path) == Icon(b"\0\0\1\0rest", "image/x-icon")
    (tmp_path / "icon.png").write_bytes(PNG)
    assert icon(tmp_path) == Icon(PNG, "image/png")
    (tmp_path / "favicon.svg").write_bytes(b"<?xml version='1.0'?><svg/>")
    found = icon(tmp_path)
    assert found is not None
    assert found.mime == "image/svg+xml"


def test_c78_what_is_no_small_picture_of_the_project_is_no_icon(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(PNG)
    (root / "icon.png").symlink_to("../secret.png")
    (root / "favicon.svg").write_text("TOKEN=1")
    (root / "logo.png").write_bytes(PNG + b"\0" * icons.LARGEST)
    os.mkfifo(root / "icon.ico")
    (root / "logo.ico").write_bytes(b"")
    assert icon(root) is None
