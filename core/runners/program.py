"""Finding the agent's program before a runner is started for it, with words when there is none."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from sereno.core.runners.model import RunnerStartError

_USUAL_PATH = "/usr/local/bin:/usr/bin:/bin"


def check_folder(cwd: Path) -> None:
    """Raises RunnerStartError (cwd_missing, cwd_denied) when nothing can run in `cwd`."""
    if not cwd.is_dir():
        what = "is a file, not a folder" if cwd.exists() else "does not exist any more"
        raise RunnerStartError(
            "cwd_missing",
            f"The working directory {cwd} {what}.",
            "Make it again, or start an agent in another folder.",
        )
    if not os.access(cwd, os.X_OK):
        raise RunnerStartError(
            "cwd_denied",
            f"The working directory {cwd} may not be entered by uid {os.geteuid()}.",
            "Change its permissions, or start the agent in another folder.",
        )


def find_program(command: tuple[str, ...], cwd: Path, env: Mapping[str, str]) -> Path:
    """The absolute path of what `command` runs, found as a shell in `cwd` would.

    Raises RunnerStartError (not_found, not_executable).
    """
    if not command or not command[0]:
        raise RunnerStartError(
            "not_found",
            "The agent has no command.",
            'Set `command = ["program", "argument"]` for its provider in config.toml.',
        )
    name = command[0]
    search = env.get("PATH", _USUAL_PATH)
    folders = [""] if "/" in name else search.split(os.pathsep)
    refused: Path | None = None
    for folder in folders:
        candidate = Path(os.path.abspath(cwd / folder / name))  # noqa: PTH100 - links stay links
        if candidate.is_file():
            if os.access(candidate, os.X_OK):
                return candidate
            refused = refused or candidate
    if refused is not None:
        raise not_executable(refused)
    where = f"at {cwd / name}" if "/" in name else f"in PATH ({search})"
    raise RunnerStartError(
        "not_found",
        f"The command {name!r} was not found {where}.",
        "Install it, or set `command` for its provider in config.toml to its full path.",
    )


def not_executable(program: Path) -> RunnerStartError:
    return RunnerStartError(
        "not_executable",
        f"{program} is not executable for uid {os.geteuid()}.",
        f"Make it executable: chmod +x {program}",
    )


def explain_exec(number: int, program: Path, cwd: Path) -> RunnerStartError:
    """What the system's refusal to execute a program that exists means."""
    match number:
        case errno.ENOENT:
            return RunnerStartError(
                "not_found",
                f"{program} cannot be run: the interpreter in its first line, or its loader, does "
                "not exist.",
                f"Look at it with `head -1 {program}` and `file {program}`, and install what it "
                "names.",
            )
        case errno.ENOEXEC:
            return RunnerStartError(
                "not_executable",
                f"{program} is no program for this machine, or a script without a first line like "
                "#!/bin/sh.",
                "Install the build for this machine, or add that line.",
            )
        case errno.EACCES | errno.EPERM:
            return not_executable(program)
        case errno.E2BIG:
            return RunnerStartError(
                "too_long",
                f"The arguments and environment of {program} are longer than the system allows.",
                "Shorten the provider's `command` or `env` in config.toml.",
            )
        case errno.EAGAIN | errno.ENOMEM | errno.EMFILE | errno.ENFILE:
            return RunnerStartError(
                "too_many",
                f"The system has no room for another process ({os.strerror(number)}).",
                "End some agents or other programs, or raise the limit (`ulimit -u`, `ulimit -n`).",
            )
        case _:
            return RunnerStartError(
                "failed",
                f"{program} could not be started in {cwd}: {os.strerror(number)}.",
                "Try the same command in a shell; its message says more.",
            )
