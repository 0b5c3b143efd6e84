"""A start gives the agent exactly what the spec says, or says in words why it cannot."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import stat
import sys
from pathlib import Path

import anyio
import pytest

from sereno.core.runners import start as module
from sereno.core.runners.attach import attach
from sereno.core.runners.dead import sweep
from sereno.core.runners.folder import claimed, read_record
from sereno.core.runners.model import RunnerSpec, RunnerStartError, Stream
from sereno.core.runners.start import start_runner
from tests.core.runners.place import (
    ENV,
    Place,
    Reader,
    all_pids,
    command_of,
    lives,
    python,
    shell,
    until,
)
from tests.house.other_disk import run_on_disk
from tests.house.other_user import run_as_other_user

TELL = """
import json, os, signal, sys
mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
print(json.dumps({
    "env": dict(os.environ), "cwd": os.getcwd(), "argv": sys.argv[1:],
    "umask": os.umask(0), "mask": [int(n) for n in mask],
    "ignored": [int(n) for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN],
    "session": os.getsid(0), "pid": os.getpid(),
    "fds": {fd: os.readlink("/proc/self/fd/" + fd) for fd in os.listdir("/proc/self/fd")
            if os.path.lexists("/proc/self/fd/" + fd)},
}))
sys.stdin.read()
"""


async def tell(place: Place, *arguments: str, **env: str) -> dict[str, object]:
    reader = await place.run(*python(TELL), *arguments, env=env)
    await reader.until_said(b"\n")
    told: dict[str, object] = json.loads(reader.said())
    told["info"] = reader.link.info
    return told


async def test_its_folder_is_claimed_from_the_start_of_a_runner_to_its_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next daemon must not take a slow one for none: while it starts there is no record."""
    slow = place.root / "slow.py"
    slow.write_text(
        f"import runpy, time; open({str(place.root / 'begun')!r}, 'w')\n"
        f"while not __import__('os').path.exists({str(place.root / 'go')!r}): time.sleep(0.01)\n"
        f"runpy.run_path({str(module.PROGRAM)!r}, run_name='__main__')\n"
    )
    folder = place.root / "run"
    assert not claimed(folder)
    monkeypatch.setattr(module, "PROGRAM", slow)
    async with anyio.create_task_group() as group:
        spec = RunnerSpec("agent-1", folder, shell("sleep 60"), place.root, ENV)
        group.start_soon(start_runner, spec)
        await until((place.root / "begun").exists, "it begins")
        assert claimed(folder)
        assert read_record(folder) is None
        (place.root / "go").touch()
    record = read_record(folder)
    assert record is not None
    assert claimed(folder)
    assert (await sweep(folder, runner_too=True)).verified
    await until(lambda: not claimed(folder), "nobody is there")


async def test_t74_the_agent_gets_exactly_its_environment_and_the_marker(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "hunter2")
    told = await tell(place, "ä", "two words", "", FANCY="naïve=\n€")
    record = read_record(place.folders[0])
    assert record is not None
    expected = {
        "PATH": ENV["PATH"],
        "FANCY": "naïve=\n€",
        "SERENO_AGENT_ID": "agent-1",
        "SERENO_RUN": record.run,
    }
    env = told["env"]
    assert isinstance(env, dict)
    env.pop("LC_CTYPE", None)  # Python's own, when it finds no locale
    assert env == expected
    assert told["argv"] == ["ä", "two words", ""]
    assert told["cwd"] == str(place.cwd)
    runner_environment = Path(f"/proc/{record.runner.pid}/environ").read_bytes()
    assert b"hunter2" not in runner_environment
    assert (
        b"FANCY" not in runner_environment + Path(f"/proc/{record.runner.pid}/cmdline").read_bytes()
    )


async def test_t84_agent_and_runner_inherit_no_descriptor(place: Place, tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    os.set_inheritable(lock, True)
    try:
        info = await place.start(*shell("read line"))
        assert info.child_pid is not None
        theirs = {
            fd: os.readlink(f"/proc/{info.child_pid}/fd/{fd}")
            for fd in os.listdir(f"/proc/{info.child_pid}/fd")
        }
        assert set(theirs) == {"0", "1", "2"}
        assert all(target.startswith("pipe:") for target in theirs.values())
        assert len(set(theirs.values())) == 3
        folder = Path(f"/proc/{info.runner_pid}/fd")
        runners = [os.readlink(folder / fd) for fd in os.listdir(folder)]
        assert str(tmp_path / "lock") not in runners
        allowed = ("pipe:", "socket:", "/dev/null", str(info.folder))
        assert [name for name in runners if not name.startswith(allowed)] == []
    finally:
        os.close(lock)


async def test_agent_has_default_signals_its_umask_and_its_own_session(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_mask = os.umask(0o026)
    old_handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGHUP])
    try:
        told = await tell(place)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGHUP, old_handler)
        os.umask(old_mask)
    assert told["mask"] == []
    # Python itself ignores these two in the agent of this test.
    assert set(told["ignored"]) <= {signal.SIGPIPE, signal.SIGXFSZ}  # type: ignore[call-overload]
    assert told["umask"] == 0o026
    assert told["session"] == told["pid"]
    info = read_record(place.folders[0])
    assert info is not None
    assert os.getsid(info.runner_pid) == info.runner_pid
    assert os.getsid(0) not in (info.runner_pid, told["pid"])


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
async def test_t20_everything_in_the_folder_is_private_whatever_the_umask(
    place: Place, umask: int
) -> None:
    old = os.umask(umask)
    try:
        info = await place.start("cat")
    finally:
        os.umask(old)
    modes = {
        path.name.split(".0")[0]: stat.S_IMODE(path.stat().st_mode)
        for path in [info.folder.parent, info.folder, *info.folder.iterdir()]
    }
    assert [modes.pop(name) for name in ("agent", info.folder.name)] == [0o700, 0o700]
    assert set(modes) == {"journal", "runner.json", "runner.log", "runner.sock"}
    assert set(modes.values()) == {0o600}


async def test_the_runner_is_nobodys_child_and_small(place: Place) -> None:
    reader = await place.run("cat")
    info = reader.link.info
    await reader.link.write(1, b"x\n")
    await reader.until_said(b"x\n")
    status = Path(f"/proc/{info.runner_pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert int(fields["VmRSS"].split()[0]) < 12 * 1024
    assert int(fields["Threads"]) == 1
    assert int(fields["PPid"]) != os.getpid()
    assert fields["Name"] == "sereno-runner"


async def test_a_home_far_down_the_tree_works(place: Place, tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["a-rather-long-name-for-a-folder"] * 8, "7")
    place.folders.append(folder)
    spec = RunnerSpec("agent-1", folder, ("cat",), place.cwd, ENV)
    info = await start_runner(spec)
    assert len(str(folder)) > 250
    reader = await place.attach(info)
    await reader.link.write(1, b"far\n")
    await reader.until_said(b"far\n")


async def refused(place: Place, *command: str, **changes: object) -> RunnerStartError:
    with pytest.raises(RunnerStartError) as caught:
        await place.start(*command)
    assert not place.folders[-1].exists()
    error = caught.value
    assert error.message.endswith(".")
    assert error.next_step
    return error


async def test_a_command_that_does_not_exist(place: Place) -> None:
    error = await refused(place, "no-such-agent", "--acp")
    assert error.code == "not_found"
    assert "'no-such-agent'" in error.message
    assert (await refused(place, "/no/such/agent")).code == "not_found"
    assert (await refused(place, "./agent")).code == "not_found"
    assert (await refused(place)).code == "not_found"


async def test_commands_are_found_as_a_shell_would(place: Place) -> None:
    (place.cwd / "agent").write_text("#!/bin/sh\necho here\n")
    (place.cwd / "agent").chmod(0o755)
    (place.cwd / "cat").write_text("not executable, and before the real one in PATH")
    relative = await place.run("./agent")
    await relative.until_said(b"here\n")
    found = await place.run("cat", env={"PATH": f"{place.cwd}:{ENV['PATH']}"})
    await found.link.write(1, b"cat\n")
    await found.until_said(b"cat\n")


async def test_a_file_that_cannot_be_executed(place: Place) -> None:
    agent = place.cwd / "agent"
    agent.write_text("echo no first line\n")
    assert (await refused(place, str(agent))).code == "not_executable"
    agent.chmod(0o755)
    error = await refused(place, str(agent))
    assert (error.code, "#!/bin/sh" in error.message) == ("not_executable", True)
    agent.write_text("#!/no/such/interpreter\n")
    error = await refused(place, str(agent))
    assert (error.code, "interpreter" in error.message) == ("not_found", True)
    assert (await refused(place, str(place.cwd))).code == "not_found"


async def test_arguments_that_are_too_long(place: Place) -> None:
    assert (await refused(place, "cat", "x" * 10_000_000)).code == "too_long"


async def test_a_working_directory_that_vanished(place: Place) -> None:
    shutil.rmtree(place.cwd)
    error = await refused(place, "cat")
    assert error.code == "cwd_missing"
    assert str(place.cwd) in error.message
    place.cwd.write_text("a file")
    assert "a file" in (await refused(place, "cat")).message


async def test_a_folder_is_never_used_twice(place: Place) -> None:
    info = await place.start("cat")
    spec = RunnerSpec("agent-1", info.folder, ("cat",), place.cwd, ENV)
    with pytest.raises(RunnerStartError) as caught:
        await start_runner(spec)
    assert caught.value.code == "folder_in_use"
    assert lives(info.runner_pid)
    assert (info.folder / "runner.sock").exists()


async def test_a_full_disk_at_the_start_leaves_nothing(place: Place) -> None:
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, old[1]))
    try:
        with pytest.raises(RunnerStartError) as caught:
            await place.start("sleep", "1000")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert caught.value.code == "disk_full"
    assert not place.folders[0].exists()


async def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    code = f"""
        import asyncio
        from pathlib import Path
        from sereno.core.runners.model import RunnerSpec, RunnerStartError
        from sereno.core.runners.start import start_runner
        spec = RunnerSpec("a", Path({str(tmp_path / "locked" / "1")!r}), ("cat",), Path("/"), {{}})
        try:
            asyncio.run(start_runner(spec))
        except RunnerStartError as error:
            print(error.code)
    """
    assert run_as_other_user(code, locked_folder=tmp_path / "locked") == "not_allowed"


async def test_a_read_only_home(tmp_path: Path) -> None:
    code = """
        import asyncio
        from sereno.core.runners.model import RunnerSpec, RunnerStartError
        from sereno.core.runners.start import start_runner
        try:
            asyncio.run(start_runner(RunnerSpec("a", root / "1", ("cat",), Path("/"), {})))
        except RunnerStartError as error:
            print(error.code)
    """
    assert run_on_disk(tmp_path, "read_only", code) == "read_only"


async def test_a_python_that_is_gone_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    error = await refused(place, "cat")
    assert (error.code, "/no/such/python" in error.message) == ("failed", True)


async def test_a_runner_that_dies_or_hangs_at_once_is_no_hang(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('cannot go on')")
    monkeypatch.setattr(module, "PROGRAM", broken)
    error = await refused(place, "cat")
    assert (error.code, "cannot go on" in error.message) == ("no_answer", True)
    broken.write_text("import time; time.sleep(1000)")
    monkeypatch.setattr(module, "START_LIMIT", 0.3)
    assert (await refused(place, "cat")).code == "no_answer"
    assert [pid for pid in all_pids() if str(broken) in command_of(pid)] == []


async def test_an_agent_that_exits_at_once_is_started_and_over(place: Place) -> None:
    reader = await place.run(*shell("echo bye; exit 7"))
    assert await reader.until_exit() == '{"code":7,"signal":null}'
    assert reader.said() == b"bye\n"
    assert reader.frames[0].stream is Stream.START
    assert json.loads(reader.frames[0].data)["command"] == list(reader.link.info.command)


async def test_a_start_that_is_cancelled_leaves_a_runner_that_is_found(place: Place) -> None:
    import anyio

    with anyio.move_on_after(0.001):
        await place.start("cat")
    folder = place.folders[0]
    await until(lambda: (folder / "runner.sock").exists(), "the runner is ready")
    link = await attach(folder, 0)
    place.links.append(link)
    place.readers.append(Reader(link))
    assert (await link.end()).verified


async def test_the_reason_is_told_though_nothing_can_be_cleaned_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder that was made read-only: its files cannot be removed either."""
    tries = []

    def refuse(folder: Path) -> None:
        tries.append(folder)
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(module, "clear", refuse)
    monkeypatch.setattr(module, "CLEANING_PAUSE", 0.0)
    missing = RunnerSpec("agent-1", place.root / "run", shell("exit 3"), place.root, ENV, 1)
    monkeypatch.setattr(module, "_launch", lambda *_: ("journal", errno.ENOSPC, ""))
    with pytest.raises(RunnerStartError) as caught:
        await start_runner(missing)
    assert caught.value.code == "disk_full"
    assert len(tries) == module.CLEANING_TRIES
