"""Starting the agent program: pipes, session, signals, environment. Nothing else is inherited.

posix_spawn reports a failed exec at once, and needs no fork of a Python process.
"""

from __future__ import annotations

import os
import signal

_STDIN, _STDOUT, _STDERR = 0, 1, 2


class Spawned:
    """The agent's pid and the runner's ends of its pipes (non-blocking, close-on-exec)."""

    __slots__ = ("pid", "stderr", "stdin", "stdout")

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr


def spawn(program: bytes, argv: list[bytes], env: dict[bytes, bytes], umask: int) -> Spawned:
    """Start the program in the current folder, in a session of its own. Raises OSError."""
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    theirs, ours = (in_read, out_write, err_write), (in_write, out_read, err_read)
    try:
        old = os.umask(umask)
        try:
            pid = _spawn(program, argv, env, theirs)
        finally:
            os.umask(old)
    except OSError:
        for fd in ours:
            os.close(fd)
        raise
    finally:
        for fd in theirs:
            os.close(fd)
    for fd in ours:
        os.set_blocking(fd, False)
    return Spawned(pid, *ours)


def _spawn(
    program: bytes, argv: list[bytes], env: dict[bytes, bytes], theirs: tuple[int, int, int]
) -> int:
    # Every other descriptor of a runner is close-on-exec; these copies are not. Descriptors 0 to 2
    # are always open in a runner, so none of `theirs` can be one of them.
    actions = [
        (os.POSIX_SPAWN_DUP2, fd, target)
        for fd, target in zip(theirs, (_STDIN, _STDOUT, _STDERR), strict=True)
    ]
    unsettable = {signal.SIGKILL, signal.SIGSTOP}
    options: dict[str, object] = {
        "file_actions": actions,
        "setsigmask": [],
        "setsigdef": [number for number in signal.valid_signals() if number not in unsettable],
    }
    try:
        return os.posix_spawn(program, argv, env, setsid=True, **options)  # type: ignore[arg-type]
    except NotImplementedError:  # before macOS 10.15: a process group of its own must do
        return os.posix_spawn(program, argv, env, setpgroup=0, **options)  # type: ignore[arg-type]
