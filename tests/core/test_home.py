"""The home: paths, private modes, whole writes, socket names, the lock."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import sereno
from sereno.core.home import (
    DaemonLock,
    Home,
    HomeError,
    atomic_write,
    connect_path,
    explain,
    find_home,
    prepare,
)
from tests.house.other_user import AS_ROOT, run_as_other_user

SOURCE = str(Path(sereno.__file__).parent.parent)
ROOT_FOLDERS = ("", "run", "run/agents", "logs")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


# --- where it is


@pytest.mark.parametrize(
    ("env", "root"),
    [
        ({"HOME": "/u"}, "/u/.sereno"),
        ({"HOME": "/u", "SERENO_HOME": ""}, "/u/.sereno"),
        ({"HOME": "/u", "SERENO_HOME": "~/x"}, "/u/x"),
        ({"HOME": "/u", "SERENO_HOME": "~"}, "/u"),
        ({"HOME": "/u", "SERENO_HOME": "/srv/../srv/s"}, "/srv/s"),
        ({"SERENO_HOME": "/srv/s"}, "/srv/s"),
    ],
)
def test_find_home(env: dict[str, str], root: str) -> None:
    assert find_home(env).root == Path(root)


def test_find_home_makes_a_relative_path_absolute() -> None:
    assert find_home({"SERENO_HOME": "x/y"}).root == Path.cwd() / "x/y"


def test_find_home_refuses_nul() -> None:
    with pytest.raises(HomeError) as caught:
        find_home({"SERENO_HOME": "/a\0b"})
    assert caught.value.code == "unusable"


def test_find_home_refuses_a_relative_home_of_the_user() -> None:
    with pytest.raises(HomeError) as caught:
        find_home({"HOME": "nowhere"})
    assert caught.value.code == "no_home"


def test_paths(home: Home) -> None:
    assert home.config == home.root / "config.toml"
    assert home.database == home.root / "sereno.db"
    assert home.socket == home.root / "run/daemon.sock"
    assert home.lock == home.root / "run/daemon.lock"
    assert home.status == home.root / "run/daemon.json"
    assert home.daemon_log == home.root / "logs/daemon.log"
    assert home.agent("3e1f-a_B") == home.root / "run/agents/3e1f-a_B"


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "../x", "-x", "a\0", "x" * 200])
def test_an_agent_id_is_no_path(home: Home, bad: str) -> None:
    with pytest.raises(ValueError, match="not an agent id"):
        home.agent(bad)


def test_a_home_is_a_value(home: Home) -> None:
    assert home == Home(home.root)
    assert len({home, Home(home.root), Home(home.run)}) == 2
    assert str(home.root) in repr(home)


def test_the_command_line_pays_little_for_this_module() -> None:
    """It is imported by every `sereno ls`; what costs tens of milliseconds stays out."""
    program = (
        "import sys; before = set(sys.modules); import sereno.core.home; "
        "print(sorted((set(sys.modules) - before) & {'dataclasses', 'inspect', 'typing', "
        "'tempfile', 'fcntl', 'asyncio'}))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.append({SOURCE!r}); {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_what_does_not_exist_is_said_to() -> None:
    import sereno.core.home as module

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


# --- modes


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_c48_folders_are_private_whatever_the_umask(home: Home, umask: int) -> None:
    before = os.umask(umask)
    try:
        prepare(home)
        atomic_write(home.root / "auth_token", "secret")
    finally:
        os.umask(before)
    assert {mode(home.root / name) for name in ROOT_FOLDERS} == {0o700}
    assert mode(home.root / "auth_token") == 0o600
    assert mode(home.root.parent) != 0o777


def test_c48_missing_parents_are_private_too(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "b")
    before = os.umask(0)
    try:
        prepare(home)
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == 0o700


def test_c48_wide_modes_of_our_own_are_repaired_and_reported(home: Home) -> None:
    assert prepare(home) == ()
    home.root.chmod(0o755)
    home.logs.chmod(0o777)
    home.config.write_text("")
    home.config.chmod(0o644)
    repairs = prepare(home)
    assert [mode(home.root), mode(home.logs), mode(home.config)] == [0o700, 0o700, 0o600]
    assert len(repairs) == 3
    assert "0755" in repairs[0]
    assert prepare(home) == ()


def test_t20_a_folder_in_use_for_something_else_is_left_alone(home: Home) -> None:
    home.root.mkdir()
    home.root.chmod(0o755)
    (home.root / "thesis.txt").write_text("mine")
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "not_a_home"
    assert mode(home.root) == 0o755
    assert os.listdir(home.root) == ["thesis.txt"]


def test_an_empty_open_folder_is_taken(home: Home) -> None:
    home.root.mkdir()
    home.root.chmod(0o755)
    prepare(home)
    assert mode(home.root) == 0o700


@pytest.mark.parametrize("name", ["run", "run/agents", "logs"])
def test_t20_a_link_inside_the_home_is_refused(home: Home, tmp_path: Path, name: str) -> None:
    prepare(home)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    before = mode(elsewhere)
    (home.root / name).rename(tmp_path / "away")
    (home.root / name).symlink_to(elsewhere)
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "symlink"
    assert mode(elsewhere) == before


def test_the_home_itself_may_be_a_link(home: Home, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    home.root.symlink_to(real)
    prepare(home)
    assert mode(real) == 0o700
    assert (real / "run").is_dir()


@pytest.mark.parametrize("name", ["", "run", "logs"])
def test_a_file_in_the_place_of_a_folder(home: Home, name: str) -> None:
    if name:
        home.root.mkdir(mode=0o700)
    (home.root / name).write_text("I am a file")
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "not_a_folder"
    assert caught.value.next_step
    assert (home.root / name).read_text() == "I am a file"


def test_a_file_above_the_home(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError) as caught:
        prepare(Home(tmp_path / "file" / "home"))
    assert caught.value.code == "not_a_folder"


# --- owners and disks. Another user and other disks need root; without it, what root would do is
# said by the system about things that are not ours either.


def test_t20_a_foreign_owner_is_refused(home: Home) -> None:
    if AS_ROOT:
        prepare(home)
        os.chown(home.root, 65534, 65534)
    else:
        home = Home(Path("/usr"))
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "foreign_owner"
    assert "uid" in caught.value.message


def test_t20_a_foreign_secret_file_is_refused(home: Home, tmp_path: Path) -> None:
    prepare(home)
    if AS_ROOT:
        home.config.write_text("")
        os.chown(home.config, 65534, 65534)
    else:
        home.config.symlink_to("/etc/passwd")
    with pytest.raises(HomeError) as caught:
        prepare(home)
    assert caught.value.code == "foreign_owner"


def test_a_home_that_may_not_be_made(tmp_path: Path) -> None:
    said = run_as_other_user(
        f"""
        from pathlib import Path
        from sereno.core.home import Home, HomeError, prepare
        try:
            prepare(Home(Path({str(tmp_path)!r}) / "locked" / "home"))
        except HomeError as error:
            print(error.code, error.next_step)
        """,
        locked_folder=tmp_path / "locked",
    )
    assert said.startswith("not_allowed Check the owner")


def test_a_read_only_home(home: Home) -> None:
    prepare(home)
    said = run_mounted(home.root, "remount,ro,bind", "prepare(home)")
    assert said.startswith("read_only")
    assert "read-only file system" in said


def test_a_home_on_a_full_disk(home: Home) -> None:
    home.root.mkdir(mode=0o700)
    said = run_mounted(home.root, "tmpfs", "prepare(home)")
    assert said.startswith("disk_full")
    assert "Free some space" in said


def test_a_write_on_a_full_disk_leaves_the_old_file(home: Home) -> None:
    home.root.mkdir(mode=0o700)
    said = run_mounted(
        home.root,
        "tmpfs",
        "import shutil\n"
        "(home.root / 'fill').unlink(); (home.root / 'x').write_text('old')\n"
        "fill(home.root / 'fill')\n"
        "try:\n"
        "    atomic_write(home.root / 'x', b'y' * 100_000)\n"
        "finally:\n"
        "    print((home.root / 'x').read_text(), sorted(os.listdir(home.root)))",
    )
    assert said.splitlines() == ["old ['fill', 'x']", said.splitlines()[1]]
    assert said.splitlines()[1].startswith("disk_full")


def run_mounted(root: Path, how: str, code: str) -> str:
    """Run `code` in a mount namespace of its own (a user namespace where we are not root) in which
    `root` is read-only or a full disk of 64 KiB."""
    mount = (
        f"mount -t tmpfs -o size=64k,mode=700 tmpfs {root}"
        if how == "tmpfs"
        else f"mount --bind {root} {root} && mount -o {how} {root}"
    )
    program = f"""
import os
from pathlib import Path
from sereno.core.home import *
home = Home(Path({str(root)!r}))
def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096): pass
        except OSError: pass
if {how == "tmpfs"}: fill(home.root / "fill")
try:
{chr(10).join("    " + line for line in code.splitlines())}
except HomeError as error:
    print(error.code, error.message, error.next_step)
"""
    unshare = ["unshare", "--mount"] if AS_ROOT else ["unshare", "--mount", "--map-root-user"]
    done = subprocess.run(
        [*unshare, "sh", "-ec", f'{mount}; exec "$0" -c "$1"', sys.executable, program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EROFS, "read_only"),
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EACCES, "not_allowed"),
        (errno.EPERM, "not_allowed"),
        (errno.ENOTDIR, "not_a_folder"),
        (errno.ELOOP, "unusable"),
        (errno.EIO, "unusable"),
    ],
)
def test_every_refusal_of_the_system_has_cause_and_next_step(number: int, code: str) -> None:
    error = explain(OSError(number, os.strerror(number)), Path("/h/x"))
    assert error.code == code
    assert "/h/x" in error.message
    assert error.next_step.endswith((".", "own."))
    assert str(error) == f"{error.message} {error.next_step}"


# --- whole writes


def test_t78_atomic_write_replaces_whole_and_leaves_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o644)
    atomic_write(path, "neu ü")
    assert path.read_text() == "neu ü"
    assert mode(path) == 0o600
    assert os.listdir(tmp_path) == ["x"]


def test_t78_a_reader_never_sees_half(tmp_path: Path) -> None:
    path = tmp_path / "x"
    texts = [letter * 50_000 for letter in "abc"]
    atomic_write(path, texts[0])
    done = threading.Event()

    def write() -> None:
        for count in range(60):
            atomic_write(path, texts[count % 3])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set() or reads < 5:
        assert path.read_text() in texts
        reads += 1
    writer.join()


def test_t78_a_planted_link_at_a_guessed_name_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    folder = tmp_path / "home"
    folder.mkdir()
    for guess in ("x.tmp", ".x.tmp", "x~", f"x.{os.getpid()}", ".x.swp"):
        (folder / guess).symlink_to(victim)
    atomic_write(folder / "x", "new")
    assert victim.read_text() == "untouched"
    assert (folder / "x").read_text() == "new"


def test_atomic_write_keeps_a_link_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "config.toml"
    real.write_text("old")
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    atomic_write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_atomic_write_into_no_folder(tmp_path: Path) -> None:
    with pytest.raises(HomeError) as caught:
        atomic_write(tmp_path / "none" / "x", "")
    assert caught.value.code == "unusable"


# --- socket names


def test_a_short_socket_path_stays(tmp_path: Path) -> None:
    with connect_path(Path("/run/x.sock")) as name:
        assert name == "/run/x.sock"


def test_a_long_socket_path_binds_and_connects(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    path = folder / "daemon.sock"
    before = len(os.listdir("/proc/self/fd"))
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        with connect_path(path) as name:
            server.bind(name)
        server.listen()
        assert stat.S_ISSOCK(path.stat().st_mode)
        with connect_path(path) as name:
            client.connect(name)
        peer, _ = server.accept()
        client.sendall(b"hi")
        assert peer.recv(2) == b"hi"
        peer.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_long_socket_path_without_proc_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(HomeError) as caught, connect_path(Path("/" + "x" * 120 + "/s")):
        pass
    assert caught.value.code == "path_too_long"
    assert "SERENO_HOME" in caught.value.next_step


# --- the lock


@pytest.fixture
def ready(home: Home) -> Home:
    prepare(home)
    return home


def test_the_second_daemon_is_told_who_holds_the_lock(ready: Home) -> None:
    with DaemonLock(ready) as first:
        assert first.held
        assert first.holder() == os.getpid()
        with pytest.raises(HomeError) as caught:
            DaemonLock(ready).acquire()
    assert caught.value.code == "locked"
    assert f"process {os.getpid()}" in caught.value.message
    assert str(ready.root) in caught.value.message
    with DaemonLock(ready):
        pass


def test_taking_the_lock_twice_is_one_lock(ready: Home) -> None:
    with DaemonLock(ready) as lock:
        fd = lock.fd
        lock.acquire()
        assert lock.fd == fd
    assert not lock.held
    with pytest.raises(ValueError, match="not held"):
        _ = lock.fd


def test_the_lock_file_is_private_and_stays(ready: Home) -> None:
    before = os.umask(0)
    try:
        with DaemonLock(ready):
            assert mode(ready.lock) == 0o600
    finally:
        os.umask(before)
    assert ready.lock.exists()


def test_t78_a_link_in_the_place_of_the_lock_is_refused(ready: Home, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    ready.lock.symlink_to(victim)
    with pytest.raises(HomeError):
        DaemonLock(ready).acquire()
    assert victim.read_text() == "keep"


def test_the_lock_dies_with_its_process(ready: Home) -> None:
    program = (
        "import sys, time; from pathlib import Path; from sereno.core.home import *\n"
        "lock = DaemonLock(Home(Path(sys.argv[1]))); lock.acquire(); print('held', flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(ready.root)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(HomeError, match=f"process {child.pid}"):
            DaemonLock(ready).acquire()
        child.kill()
    assert DaemonLock(ready).holder() is None
    with DaemonLock(ready):
        pass


def test_a_handed_down_lock_has_no_gap(ready: Home) -> None:
    """The old daemon lets go after the new one adopted; a third never gets in (processes.md 26)."""
    lock = DaemonLock(ready)
    lock.acquire()
    program = (
        "import sys; from pathlib import Path; from sereno.core.home import *\n"
        "lock = DaemonLock(Home(Path(sys.argv[1]))); sys.stdin.readline()\n"
        "lock.adopt(int(sys.argv[2])); print('adopted', flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(ready.root), str(lock.fd)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[lock.fd],
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        lock.release()
        with pytest.raises(HomeError) as caught:
            DaemonLock(ready).acquire()
        assert caught.value.code == "locked"
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"adopted\n"
        with pytest.raises(HomeError, match=f"process {child.pid}"):
            DaemonLock(ready).acquire()
    with DaemonLock(ready):
        pass


def test_adopting_something_else_is_refused_and_closed(ready: Home, tmp_path: Path) -> None:
    with DaemonLock(ready):
        pass
    fd = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    with pytest.raises(HomeError) as caught:
        DaemonLock(ready).adopt(fd)
    assert caught.value.code == "unusable"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    with pytest.raises(HomeError):
        DaemonLock(ready).adopt(fd)


def test_adopting_a_descriptor_that_holds_nothing_while_another_does(ready: Home) -> None:
    with DaemonLock(ready):
        fd = os.open(ready.lock, os.O_RDWR)
        with pytest.raises(HomeError) as caught:
            DaemonLock(ready).adopt(fd)
    assert caught.value.code == "locked"


@pytest.mark.parametrize("text", ["", "not a pid", "9" * 20, "0", "-1"])
def test_a_strange_text_in_the_lock_file_harms_nothing(ready: Home, text: str) -> None:
    ready.lock.write_text(text)
    with ready.lock.open() as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(HomeError) as caught:
            DaemonLock(ready).acquire()
    assert "changing hands" in caught.value.message
    with DaemonLock(ready) as lock:
        assert lock.holder() == os.getpid()
