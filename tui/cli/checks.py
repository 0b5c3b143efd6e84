"""What `sereno doctor` looks at: this machine, this home, the daemon, the terminal.

Each check reads and never repairs; none prints a secret, only whether one is kept well. A check
gives findings; what cannot be found out is said and is no error.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sereno.core.client.errors import ClientError, NoDaemon
from sereno.core.config import BUILT_IN_PROVIDERS, Config, load_config
from sereno.core.home import DaemonLock, Home, HomeError
from sereno.core.protocol.additions import DaemonStatus, DaemonStatusResult, DoorStatus
from sereno.core.protocol.values import given

OK, WARN, ERROR = "ok", "warn", "error"
LEAST_FREE_MIB = 200
NO_ROOM_MIB = 5
COMMAND_S = 5.0


@dataclass(frozen=True)
class Finding:
    """`status`: ok, warn or error. `next_step`: what to do about it."""

    id: str
    status: str
    message: str
    next_step: str = ""


Check = Callable[[Home, Mapping[str, str]], Iterator[Finding]]


def python(_home: Home, _env: Mapping[str, str]) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    status = OK if sys.version_info >= (3, 11) else ERROR
    yield Finding("python", status, f"Python {version} at {sys.executable}")
    sqlite = sqlite3.sqlite_version_info
    yield Finding(
        "sqlite",
        OK if sqlite >= (3, 35) else ERROR,
        f"SQLite {sqlite3.sqlite_version}",
        "" if sqlite >= (3, 35) else "Use a Python with SQLite 3.35 or newer",
    )


def home_folder(home: Home, _env: Mapping[str, str]) -> Iterator[Finding]:
    try:
        info = home.root.lstat()
    except FileNotFoundError:
        yield Finding("home", OK, f"{home.root} does not exist yet; the first start makes it")
        return
    except OSError as error:
        yield Finding("home", ERROR, f"{home.root}: {error.strerror}", "Set SERENO_HOME")
        return
    if info.st_uid != os.geteuid():
        yield Finding("home", ERROR, f"{home.root} belongs to uid {info.st_uid}", "Set SERENO_HOME")
        return
    wide = [path for path in _kept_private(home) if _too_open(path)]
    if wide:
        names = ", ".join(str(path) for path in wide)
        yield Finding("home", WARN, f"others may read {names}", "The next start repairs it")
    else:
        yield Finding("home", OK, f"{home.root} is private")
    if not os.access(home.root, os.W_OK):
        yield Finding(
            "home.write", ERROR, f"{home.root} cannot be written", "Check its disk, or SERENO_HOME"
        )
    free = shutil.disk_usage(home.root).free // (1024 * 1024)
    status = OK if free >= LEAST_FREE_MIB else WARN if free >= NO_ROOM_MIB else ERROR
    step = "" if status == OK else "Free some space: agents wait while nothing can be written"
    yield Finding("disk", status, f"{free} MiB are free", step)


def _kept_private(home: Home) -> Iterator[Path]:
    yield from home.folders
    yield from (home.config, home.database, home.root / "auth_token")


def _too_open(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False


def configuration(home: Home, env: Mapping[str, str]) -> Iterator[Finding]:
    try:
        config = load_config(home, env)
    except HomeError as error:
        yield Finding("config", ERROR, error.message, error.next_step)
        return
    where = f"{home.config} is valid" if home.config.exists() else "no config.toml: all defaults"
    yield Finding("config", OK, where)
    yield from _programs(config)


def _programs(config: Config) -> Iterator[Finding]:
    """Which agent programs are found on PATH; the daemon's own PATH may differ."""
    names = [*BUILT_IN_PROVIDERS, *(n for n in config.providers if n not in BUILT_IN_PROVIDERS)]
    found = []
    for name in names:
        own = config.providers.get(name)
        built_in = own.extends if own is not None else name
        program = own.command[0] if own is not None and own.command else built_in
        if program == "demo":
            continue
        path = shutil.which(program)
        if path is not None:
            found.append(f"{name} ({path})")
        elif own is not None and own.enabled:
            yield Finding(
                f"agent.{name}", WARN, f"{program} is not on PATH", "Install it, or correct command"
            )
    words = ", ".join(found) if found else "none besides the demo agent"
    next_step = "" if found else "`sereno provider ls` says how to install them"
    yield Finding("agents", OK if found else WARN, f"agent programs found: {words}", next_step)


def daemon(home: Home, _env: Mapping[str, str]) -> Iterator[Finding]:
    from importlib.metadata import version

    from sereno.core.client.blocking import SyncClient

    holder = DaemonLock(home).holder() if home.lock.exists() else None
    ours = version("sereno")
    try:
        with SyncClient.open(home, timeout_s=3.0) as client:
            theirs = given(client.server.version, None) or "unknown"
            reply = client.request(DaemonStatus(request_id=""))
            doors = reply.doors if isinstance(reply, DaemonStatusResult) else []
    except NoDaemon as error:
        if error.code == "no_daemon" and holder is None:
            yield Finding("daemon", OK, "no daemon runs; `sereno` or `sereno run` starts one")
        else:
            who = f", though process {holder} holds the lock" if holder else ""
            yield Finding("daemon", ERROR, error.message + who, f"See {home.daemon_log}")
    except ClientError as error:
        yield Finding("daemon", ERROR, error.message, f"See {home.daemon_log}")
    else:
        same = theirs == ours
        yield Finding(
            "daemon",
            OK if same else WARN,
            f"daemon {theirs} answers (pid {holder}); this is {ours}",
            "" if same else "`sereno daemon restart`; agents go on",
        )
        yield from _addresses(doors)
    if not _answers_long_paths(home):
        yield Finding("socket", ERROR, f"{home.socket} is too long a path", "Set SERENO_HOME")


def _addresses(doors: Sequence[DoorStatus]) -> Iterator[Finding]:
    """The addresses of config.toml; the home's own socket is open, or nobody had answered."""
    for door in doors:
        if door.error is not None:
            yield Finding("address", ERROR, door.error, door.next_step or "")
        else:
            words = f"listens on {', '.join(door.open)}"
            status = OK if door.warning is None else WARN
            yield Finding("address", status, words, door.warning or "")


def _answers_long_paths(home: Home) -> bool:
    return len(os.fsencode(home.socket)) <= 100 or Path("/proc/self/fd").is_dir()


def terminal(_home: Home, env: Mapping[str, str]) -> Iterator[Finding]:
    name = env.get("TERM", "")
    encoding = (sys.stdout.encoding or "").lower()
    if not sys.stdout.isatty():
        yield Finding("terminal", OK, "stdout is no terminal; not looked at")
    else:
        size = shutil.get_terminal_size()
        good = name not in ("", "dumb") and size.columns >= 60 and size.lines >= 20
        yield Finding(
            "terminal",
            OK if good else WARN,
            f"TERM={name or 'not set'}, {size.columns}x{size.lines}, {encoding}",
            "" if good else "The screen wants 60x20 or more and a TERM that it knows",
        )
        if "utf" not in encoding:
            yield Finding("encoding", WARN, f"the locale is {encoding}", "Use a UTF-8 locale")
    if env.get("TMUX"):
        yield from _tmux()


def _tmux() -> Iterator[Finding]:
    version = _run("tmux", "-V")
    if version is None:
        yield Finding("tmux", WARN, "TMUX is set, but tmux does not answer")
        return
    yield Finding("tmux", OK, version)
    clipboard = _run("tmux", "show-options", "-gv", "set-clipboard")
    yield Finding(
        "tmux.clipboard",
        OK if clipboard == "on" else WARN,
        f"tmux set-clipboard is {clipboard or 'unknown'}",
        "" if clipboard == "on" else "For copying out of the screen: `set -g set-clipboard on`",
    )
    escape = _run("tmux", "show-options", "-sv", "escape-time") or ""
    slow = escape.isdigit() and int(escape) > 100
    if slow:
        yield Finding(
            "tmux.escape",
            WARN,
            f"tmux escape-time is {escape} ms: escape reacts late",
            "`set -sg escape-time 10`",
        )


def survival(_home: Home, _env: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the system kills what a person leaves behind at logout."""
    settings = [
        Path("/etc/systemd/logind.conf"),
        *Path("/etc/systemd/logind.conf.d").glob("*.conf"),
    ]
    kills = False
    for path in settings:
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            key, _, value = line.partition("=")
            if key.strip() == "KillUserProcesses":
                kills = value.strip().lower() in ("yes", "true", "1", "on")
    if kills:
        yield Finding(
            "logout",
            WARN,
            "this system ends your processes when you log out (KillUserProcesses=yes)",
            "Run the daemon as a user service and `loginctl enable-linger`",
        )


def tools(_home: Home, _env: Mapping[str, str]) -> Iterator[Finding]:
    git = _run("git", "--version")
    if git is None:
        yield Finding("git", WARN, "git is not installed", "Agents and diffs want it")
    else:
        yield Finding("git", OK, git)


def _run(*command: str) -> str | None:
    """The first line of a command's output; None when it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().split("\n")[0] if done.returncode == 0 else None


CHECKS: tuple[Check, ...] = (
    python,
    home_folder,
    configuration,
    daemon,
    tools,
    terminal,
    survival,
)
