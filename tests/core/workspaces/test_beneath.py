"""Opening below a folder: against realpath in real trees with links, with a swapper beside it, and
with everything that is no file."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sereno.core.home import connect_path
from sereno.core.security.confinement import PathRefused, steps_of
from sereno.core.workspaces.beneath import Walk

NOBODY = Path("/nonexistent")


def read(root: Path, path: str, state: Path = NOBODY) -> bytes:
    with Walk.begin(str(root), state) as walk, walk.open_file(steps_of(path, str(root))) as file:
        return file.read()


def refusal(root: Path, path: str, state: Path = NOBODY) -> str:
    with pytest.raises(PathRefused) as caught:
        read(root, path, state)
    assert caught.value.words.isprintable()
    return caught.value.code


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    before = len(os.listdir("/dev/fd"))
    yield
    assert len(os.listdir("/dev/fd")) == before


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Beside it lies what nobody may read."""
    (tmp_path / "secret").write_text("CANARY")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "f").write_text("CANARY")
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "f").write_text("f")
    (root / "a" / "f").write_text("af")
    (root / "a" / "b" / "f").write_text("abf")
    return root


def test_files_and_links_that_stay_inside_are_read(root: Path) -> None:
    (root / "a" / "up").symlink_to("../f")
    (root / "a" / "b" / "loop").symlink_to("../../a/b/../f")
    (root / "in").symlink_to("a/b")
    (root / "chain").symlink_to("in/loop")
    with no_descriptor_left():
        assert read(root, "f") == b"f"
        assert read(root, "a/b/f") == b"abf"
        assert read(root, "a/up") == b"f"
        assert read(root, "in/f") == b"abf"
        assert read(root, "chain") == b"af"
        assert read(root, str(root / "a" / "f")) == b"af"


def test_c78_t70_links_that_lead_out_are_refused(root: Path) -> None:
    (root / "abs").symlink_to(root.parent / "secret")
    (root / "absin").symlink_to(root / "f")
    (root / "rel").symlink_to("../secret")
    (root / "dir").symlink_to("../outside")
    (root / "and-back").symlink_to("../root/f")
    (root / "a" / "deep").symlink_to("../../outside/f")
    (root / "round").symlink_to("round")
    (root / "nowhere").symlink_to("nothing")
    with no_descriptor_left():
        for path in ("abs", "absin", "rel", "dir/f", "and-back", "a/deep", "round"):
            assert refusal(root, path) == "leads_out", path
        assert refusal(root, "nowhere") == "missing"
        assert refusal(root, "a") == "not_a_file"
        assert refusal(root, "f/x") == "not_a_folder"
        assert refusal(root, "nothing") == "missing"
        assert refusal(root.parent / "gone", "f") == "missing"
        assert refusal(root / "f", "f") == "not_a_folder"


def test_c78_t70_every_name_is_opened_by_itself_in_a_folder_that_is_open(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing below the root is ever reached by a path, so that no text can lead anywhere."""
    (root / "a" / "l").symlink_to("../a/b/../../a/./b//f")
    seen: list[tuple[str, int]] = []
    real = os.open

    def spy(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is None:
            assert path == str(root)
        else:
            assert "/" not in path
            assert path == "." or flags & os.O_NOFOLLOW or path == ".."
            seen.append((path, flags))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", spy)
    assert read(root, "a/l") == b"abf"
    assert [name for name, _ in seen if name != ".."] == ["a", "a", "b", "a", "b", "f"]
    assert seen[-1][1] & os.O_NONBLOCK


NAMES = ("a", "b", "c")
TARGETS = ("a", "b", "c", "..", ".")


@st.composite
def trees(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    """What is made, in order: (kind, path, link target)."""
    made = []
    folders = [""]
    for _ in range(draw(st.integers(1, 9))):
        path = draw(st.sampled_from(folders)) + draw(st.sampled_from(NAMES))
        kind = draw(st.sampled_from(["file", "folder", "link", "link"]))
        target = "/".join(draw(st.lists(st.sampled_from(TARGETS), min_size=1, max_size=5)))
        made.append((kind, path, target))
        if kind == "folder":
            folders.append(path + "/")
    return made


def build(root: Path, tree: list[tuple[str, str, str]]) -> None:
    for kind, path, target in tree:
        place = root / path
        with contextlib.suppress(FileExistsError, NotADirectoryError, FileNotFoundError, OSError):
            if kind == "folder":
                place.mkdir()
            elif kind == "link":
                place.symlink_to(target)
            elif not place.is_symlink():
                place.write_text("/" + path)


def climbs(root: str, path: str) -> bool:
    """Whether some link on the way climbs above the root, though it may come back."""
    at, waiting, links = root, path.split("/"), 0
    while waiting:
        name = waiting.pop(0)
        if name in ("", "."):
            continue
        if name == "..":
            if at == root:
                return True
            at = os.path.dirname(at)
            continue
        here = os.path.join(at, name)
        if os.path.islink(here):
            links += 1
            if links > 40:
                return False
            waiting = [*os.readlink(here).split("/"), *waiting]
        else:
            at = here
    return False


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(trees(), st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
def test_c78_t70_what_is_opened_is_what_realpath_says(
    tmp_path: Path, tree: list[tuple[str, str, str]], names: list[str]
) -> None:
    """The oracle is the library's own realpath and open, in a tree of real files and links."""
    base = tmp_path / f"t{time.monotonic_ns()}"
    root = base / "root"
    root.mkdir(parents=True)
    for name in NAMES:  # what links that lead out would find
        (base / name).write_text("OUTSIDE")
    build(root, tree)
    path = "/".join(names)
    real = os.path.realpath(root / path)
    inside = real.startswith(f"{root}/") and os.path.isfile(real)
    try:
        found: bytes | None = read(root, path)
    except PathRefused:
        found = None
    assert found != b"OUTSIDE"
    if found is not None:
        assert inside
        assert found == Path(real).read_bytes()
    else:
        assert not inside or climbs(str(root), path)


def test_c78_t71_a_folder_that_is_swapped_for_a_link_never_gives_a_byte_from_outside(
    root: Path,
) -> None:
    """A thread swaps folder and link as fast as it can. A naive reader is led out, ours is not."""
    (root / "sub").mkdir()
    (root / "sub" / "f").write_text("INSIDE")
    (root / "link").symlink_to("../outside")
    stop = threading.Event()

    def swap() -> None:
        sub, link, aside = root / "sub", root / "link", root / "aside"
        while not stop.is_set():
            sub.rename(aside)
            link.rename(sub)
            sub.rename(link)
            aside.rename(sub)

    thread = threading.Thread(target=swap)
    thread.start()
    counts = {"inside": 0, "refused": 0, "led out": 0}
    deadline = time.monotonic() + 20
    try:
        with no_descriptor_left():
            while min(counts.values()) < 5 or sum(counts.values()) < 1_000:
                assert time.monotonic() < deadline, counts
                try:
                    found = read(root, "sub/f")
                except PathRefused:
                    counts["refused"] += 1
                else:
                    assert found == b"INSIDE"
                    counts["inside"] += 1
                with contextlib.suppress(OSError):
                    counts["led out"] += (root / "sub" / "f").read_bytes() == b"CANARY"
    finally:
        stop.set()
        thread.join()


def test_c78_t71_a_file_that_is_swapped_for_a_link_or_a_fifo_is_neither_followed_nor_waited_for(
    root: Path,
) -> None:
    (root / "link").symlink_to("../secret")
    os.mkfifo(root / "fifo")
    stop = threading.Event()

    def swap() -> None:
        place, aside = root / "f", root / "aside"
        while not stop.is_set():
            for other in (root / "link", root / "fifo"):
                place.rename(aside)
                other.rename(place)
                place.rename(other)
                aside.rename(place)

    thread = threading.Thread(target=swap)
    thread.start()
    counts = {"inside": 0, "refused": 0}
    deadline = time.monotonic() + 20
    try:
        with no_descriptor_left():
            while min(counts.values()) < 20 or sum(counts.values()) < 1_000:
                assert time.monotonic() < deadline, counts
                try:
                    assert read(root, "f") == b"f"
                except PathRefused:
                    counts["refused"] += 1
                else:
                    counts["inside"] += 1
    finally:
        stop.set()
        thread.join()


def test_t71_what_never_holds_still_is_given_up(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if somebody won the race each time: the name is a folder when it is looked at, and gone
    when it is opened."""
    real = os.open

    def gone(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "a":
            raise FileNotFoundError(2, "gone")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", gone)
    assert refusal(root, "a/f") == "changing"


def test_t72_what_is_no_file_is_refused_without_waiting(root: Path) -> None:
    os.mkfifo(root / "fifo")
    (root / "to-fifo").symlink_to("fifo")
    listener = socket.socket(socket.AF_UNIX)
    with connect_path(root / "socket") as name:
        listener.bind(name)
    (root / "zero").symlink_to("/dev/zero")
    begun = time.monotonic()
    with listener, no_descriptor_left():
        assert refusal(root, "fifo") == "special"
        assert refusal(root, "to-fifo") == "special"
        assert refusal(root, "socket") == "special"
        assert refusal(root, "zero") == "leads_out"
        if os.geteuid() == 0:
            with contextlib.suppress(PermissionError):
                os.mknod(root / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
                assert refusal(root, "null") == "special"
    assert time.monotonic() - begun < 5


@pytest.mark.linux
def test_t72_the_machine_itself_is_nobodys_project() -> None:
    """/proc looks like files: environments, and the memory of this process."""
    slash = Path("/")
    for path in ("proc/self/environ", "proc/self/mem", "proc/1/root/etc/passwd"):
        assert refusal(slash, path) == "machine", path
    assert refusal(Path("/proc/self"), "environ") == "machine"


def test_t72_a_hard_link_is_a_file_but_not_one_of_serenos_own(root: Path, tmp_path: Path) -> None:
    """Package managers make many; who can make one could have copied the file. What lets somebody
    into Sereno is not given away by a second name, though."""
    state = tmp_path / "state"
    (state / "pairings").mkdir(parents=True)
    (state / "auth_token").write_text("CANARY")
    (state / "pairings" / "key").write_text("CANARY")
    os.link(root / "f", root / "second")
    os.link(state / "auth_token", root / "stolen")
    os.link(state / "pairings" / "key", root / "key")
    assert read(root, "second", state) == b"f"
    assert refusal(root, "stolen", state) == "own_state"
    assert refusal(root, "key", state) == "own_state"


def test_t70_serenos_home_is_not_entered_under_any_name(root: Path, tmp_path: Path) -> None:
    state = root / ".sereno"
    (state / "worktrees" / "w").mkdir(parents=True)
    (state / "auth_token").write_text("CANARY")
    (state / "worktrees" / "w" / "f").write_text("w")
    (root / "a" / "other-name").symlink_to("../.sereno")
    (tmp_path / "elsewhere").symlink_to(state)
    (state / "run").mkdir()
    assert refusal(root, ".sereno/auth_token", state) == "own_state"
    assert refusal(root, "a/other-name/auth_token", state) == "own_state"
    assert refusal(state, "auth_token", state) == "own_state"
    assert refusal(state / "run", "x", state) == "own_state"
    assert refusal(tmp_path / "elsewhere", "auth_token", state) == "own_state"
    assert read(state / "worktrees" / "w", "f", state) == b"w"
    assert read(root, "f", state) == b"f"


def test_a_way_of_links_has_an_end(root: Path) -> None:
    """Links that double what is to be walked: a few of them make a way without end."""
    (root / "x0").symlink_to("a/..")
    for number in range(1, 30):
        (root / f"x{number}").symlink_to(f"x{number - 1}/x{number - 1}")
    begun = time.monotonic()
    with no_descriptor_left():
        assert refusal(root, "x29/f") in ("leads_out", "too_deep")
    assert time.monotonic() - begun < 2


def test_what_may_not_be_read_is_said(root: Path) -> None:
    (root / "shut").write_text("x")
    (root / "shut").chmod(0)
    if os.geteuid() == 0:
        assert read(root, "shut") == b"x"
    else:
        assert refusal(root, "shut") == "not_allowed"
