"""Starting a runner: the daemon's side of it.

Everything that can be refused is refused here with a code and words, before or by the runner's
own report; a start that returns has an agent that runs.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import anyio.to_thread
import msgspec

from sereno.core.home import HomeError, explain
from sereno.core.runners.dead import kill_run
from sereno.core.runners.folder import LOG, claim, clear, read_record
from sereno.core.runners.model import RunnerInfo, RunnerSpec, RunnerStartError
from sereno.core.runners.process.peers import runners_above
from sereno.core.runners.process.spec import Spec, decode_report
from sereno.core.runners.program import check_folder, explain_exec, find_program

log = logging.getLogger(__name__)

CLEANING_TRIES = 5
CLEANING_PAUSE = 0.2
START_LIMIT = 15.0
"""Seconds; a start takes about 0.05."""
OPTIONS = ("-I", "-S", "-E")
PROGRAM = Path(os.path.abspath(__file__)).parent / "process" / "__main__.py"  # noqa: PTH100
_LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What our own Python may need to start. The rest of our environment is nothing to a runner."""


async def start_runner(spec: RunnerSpec) -> RunnerInfo:
    """Start the agent's program under a new runner. Raises RunnerStartError; nothing runs then.

    Not interrupted by cancellation: the start is finished, and the runner is found by its folder.
    """
    return await anyio.to_thread.run_sync(_start, spec)


def _start(spec: RunnerSpec) -> RunnerInfo:
    check_folder(spec.cwd)
    program = find_program(spec.command, spec.cwd, spec.env)
    run = secrets.token_hex(16)
    _make_folder(spec.folder)
    try:
        stage, number, words = _launch(_message(spec, program, run), spec.folder, run)
        info = read_record(spec.folder) if stage == "ready" else None
        if info is None:
            raise _refusal(stage, number, words, spec, program)
        return info
    except BaseException:
        _leave_nothing(spec.folder, run)
        raise


def _leave_nothing(folder: Path, run: str) -> None:
    """After a start that failed. What cannot be done is logged: the reason of the failure is what
    the person shall hear of."""
    for _ in range(CLEANING_TRIES):
        try:
            kill_run(run, ())
            clear(folder)
        except OSError as error:
            log.warning("%s is not cleaned up yet: %s", folder, error)
            time.sleep(CLEANING_PAUSE)
        else:
            return


def _message(spec: RunnerSpec, program: Path, run: str) -> bytes:
    env = {**spec.env, "SERENO_AGENT_ID": spec.agent_id, "SERENO_RUN": run}
    record = {
        "agentId": spec.agent_id,
        "run": run,
        "command": list(spec.command),
        "cwd": str(spec.cwd),
        "startedMs": time.time_ns() // 1_000_000,
    }
    try:
        message = Spec(
            folder=os.fsencode(os.path.abspath(spec.folder)),  # noqa: PTH100
            program=os.fsencode(program),
            argv=[os.fsencode(word) for word in spec.command],
            cwd=os.fsencode(os.path.abspath(spec.cwd)),  # noqa: PTH100
            env={os.fsencode(key): os.fsencode(value) for key, value in env.items()},
            limit=spec.journal_limit,
            record=msgspec.json.encode(record).decode(),
            above=sorted(runners_above(os.getpid())),
        )
    except UnicodeEncodeError as error:
        raise RunnerStartError(
            "failed",
            f"The command or environment holds a character that the system cannot take: {error}.",
            "Correct `command` and `env` of the provider in config.toml.",
        ) from error
    return message.encode()


def _make_folder(folder: Path) -> None:
    try:
        for place in (folder.parent, folder):
            if not place.is_dir():
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                place.chmod(0o700)
        if any(folder.iterdir()):
            raise RunnerStartError(
                "folder_in_use",
                f"{folder} already holds a run.",
                "This is a fault of Sereno: each run gets a folder of its own. Please report it.",
            )
    except OSError as error:
        raise _from_home(explain(error, folder)) from error


def _launch(message: bytes, folder: Path, run: str) -> tuple[str, int, str]:
    """Run the program, give it its message, and wait for its report."""
    command = [sys.executable, *OPTIONS, str(PROGRAM)]
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        log = os.open(folder / LOG, flags, 0o600)
        os.fchmod(log, 0o600)
        claim(log)
    except OSError as error:
        return "folder", error.errno or 0, error.strerror or ""
    environment = {name: os.environ[name] for name in _LOADER if name in os.environ}
    environment |= {"LC_CTYPE": "C.UTF-8", "SERENO_RUN": run}
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            cwd="/",
            start_new_session=True,
        ) as child:
            try:
                report, _ = child.communicate(message, timeout=START_LIMIT)
                return decode_report(report)
            except subprocess.TimeoutExpired:
                child.kill()
                return "no_answer", 0, f"no answer in {START_LIMIT:.0f} seconds"
    except OSError as error:
        return "runner", error.errno or 0, error.strerror or ""
    except ValueError as error:
        return "no_answer", 0, f"{error}; {_last_line(folder / LOG)}"
    finally:
        os.close(log)


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
    return "its log cannot be read"


def _refusal(
    stage: str, number: int, words: str, spec: RunnerSpec, program: Path
) -> RunnerStartError:
    match stage:
        case "spawn":
            return explain_exec(number, program, spec.cwd)
        case "cwd":
            with contextlib.suppress(RunnerStartError):
                check_folder(spec.cwd)
                return explain_exec(number, program, spec.cwd)
            return RunnerStartError(
                "cwd_missing",
                f"The working directory {spec.cwd} vanished while the agent was started.",
                "Make it again, or start an agent in another folder.",
            )
        case "folder" | "journal" | "socket" | "record":
            number = errno.ENOSPC if number == errno.EFBIG else number
            if number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
                return _from_home(explain(OSError(number, words), spec.folder))
        case "runner" if number == errno.ENOENT:
            return RunnerStartError(
                "failed",
                f"Sereno's own Python, {sys.executable}, is not there any more.",
                "Was Sereno upgraded or removed? Restart the daemon (`sereno daemon restart`).",
            )
    reason = words or os.strerror(number)
    return RunnerStartError(
        "no_answer" if stage == "no_answer" else "failed",
        f"The agent's runner could not be started (step {stage}): {reason}.",
        "Try again; if it stays so, `sereno doctor` looks at the installation.",
    )


def _from_home(error: HomeError) -> RunnerStartError:
    return RunnerStartError(error.code, error.message, error.next_step)
