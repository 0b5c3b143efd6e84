"""The standby: a tiny process beside a daemon that may vanish, and becomes the next one if it does.

It holds duplicates of the lock and of the listening sockets, so clients that connect meanwhile
wait instead of being refused; it blocks in poll and takes 4 MiB. Run as a program by
standby_spawn.py with `python -I -S`: only builtin and C modules, for the sake of memory and of
nothing to break. Descriptors: 3 the pipe from the daemon, 4 lock, 5 the home's socket, 6 the
terminal (or none), from 7 on the sockets of further addresses, of which only the command knows.

Arguments: the daemon's pid, `tty` or `-`, how many daemons died young in a row, the command.
"""

from __future__ import annotations

import posix
import sys
import time
from _signal import (
    SIG_DFL,
    SIG_IGN,
    SIG_SETMASK,
    SIGHUP,
    SIGINT,
    SIGTSTP,
    pthread_sigmask,
    signal,
)
from select import POLLIN, poll

PIPE, LOCK, SOCKET, TTY, DOORS = 3, 4, 5, 6, 7
QUIT, GO = b"Q", b"G"
# What a full-screen program switches on: keyboard protocol, mouse, focus, paste, synchronised
# output, in-band resize, the other screen, the hidden cursor.
TERMINAL_RESET = (
    b"\x1b[<u\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l"
    b"\x1b[?2004l\x1b[?2048l\x1b[?2026l\x1b[?1049l\x1b[?25h\x1b[0m\r\n"
)
OLD_S = 60.0
"""A daemon that lived so long did not die of its start."""
FREE_DEATHS = 10
"""Daemons that may die young in a row before the next one waits: whoever kills them one after the
other must not wait for any of them."""
MOST_DEATHS = 30
PAUSE_S = 0.5
_IGNORED = (SIGHUP, SIGINT, SIGTSTP)


def main(arguments: list[str]) -> None:
    """Waits; then ends, or becomes the daemon."""
    pid, tty, deaths, command = int(arguments[0]), arguments[1], int(arguments[2]), arguments[3:]
    pthread_sigmask(SIG_SETMASK, [])
    for number in _IGNORED:
        signal(number, SIG_IGN)
    _forget_the_terminal()
    posix.chdir("/")
    born = time.monotonic()
    word = wait(pid)
    if word == QUIT:
        return
    if tty == "tty":
        if word != GO:
            reset_terminal(TTY)
        posix.close(TTY)
    deaths = 0 if word == GO or time.monotonic() - born > OLD_S else deaths + 1
    if deaths > MOST_DEATHS:
        return
    if deaths > FREE_DEATHS:
        time.sleep(PAUSE_S)
    posix.close(PIPE)
    for number in _IGNORED:
        signal(number, SIG_DFL)
    posix.execv(command[0], [*command, f"deaths={deaths}"])


def wait(pid: int) -> bytes:
    """QUIT, GO, or nothing when the daemon died without a word.

    The pipe alone would not do: when its other end leaked into some child, only the process itself
    tells. The process alone would not do where there are no process descriptors (macOS).
    """
    posix.set_blocking(PIPE, False)
    waiting = poll()
    waiting.register(PIPE, POLLIN)
    process = -1
    if hasattr(posix, "pidfd_open"):
        try:
            process = posix.pidfd_open(pid)
        except OSError:
            return _last_word() or b""  # It is gone already.
        waiting.register(process, POLLIN)
    while True:
        ready = [fd for fd, _ in waiting.poll()]
        word = _last_word() if PIPE in ready or process in ready else None
        if word is None and process not in ready:
            continue
        if process >= 0:
            posix.close(process)
        return word or b""


def _last_word() -> bytes | None:
    """What the daemon said: QUIT, GO, empty at the end of the pipe; None for nothing yet."""
    try:
        said = posix.read(PIPE, 64)
    except BlockingIOError:
        return None
    return said[-1:]


def _forget_the_terminal() -> None:
    """Standard input and output are the person's; the daemon to be has none."""
    null = posix.open("/dev/null", posix.O_RDWR)
    for fd in (0, 1, 2):
        posix.dup2(null, fd)
    if null > 2:
        posix.close(null)


def reset_terminal(fd: int) -> None:
    """Gives the person a usable terminal back after a program that could not. Never blocks."""
    import termios

    try:
        posix.set_blocking(fd, False)
        termios.tcflush(fd, termios.TCOFLUSH)
        posix.write(fd, TERMINAL_RESET)
        mode = termios.tcgetattr(fd)
        mode[0] |= termios.ICRNL | termios.IXON | termios.BRKINT
        mode[1] |= termios.OPOST
        mode[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
        termios.tcsetattr(fd, termios.TCSANOW, mode)
    except (OSError, termios.error):
        return  # The terminal is closed, which is why we are here.


if __name__ == "__main__":
    main(sys.argv[1:])
