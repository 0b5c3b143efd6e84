"""Runs the real program in a home of its own: daemon, agents, command line, terminals.

Everything that was started in a World is found again by the World's folder, which stands in its
command line or environment, and is ended with it, whatever a test did to the daemon.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ClientError
from sereno.core.home import Home
from sereno.core.protocol.timeline import Entry
from sereno.tui.cli.tail import page

T = TypeVar("T")
SERENO = (sys.executable, "-P", "-m", "sereno")
LIMIT_S = 30.0


def until(condition: Callable[[], T], what: str, limit_s: float = LIMIT_S) -> T:
    """The first true value of `condition`; AssertionError naming `what` at the limit."""
    deadline = time.monotonic() + limit_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {limit_s:g} s: {what}"
        time.sleep(0.01)
    return value


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class World:
    """One home, a folder to work in, and what runs there. `demo_log`: what the demo agent did."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = Home(root / "home")
        self.work = root / "work"
        self.demo_log = root / "demo.jsonl"
        self.inside: tuple[str, ...] = ()
        """What stands before a command that runs in another network than this process."""
        self._children: list[subprocess.Popen[str]] = []
        self.home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.work.mkdir(parents=True, exist_ok=True)
        self.env = {
            "HOME": str(root),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "SERENO_HOME": str(self.home.root),
            "SERENO_LISTEN": "127.0.0.1:0",
        }
        self.configure()

    def configure(self, more: str = "") -> None:
        """config.toml: the demo agent without pauses, writing down what it is told."""
        command = [sys.executable, "-P", "-m", "sereno.core.providers.demo"]
        command += ["--pace", "0", "--log", str(self.demo_log)]
        text = f"[providers.demo]\ncommand = {json.dumps(command)}\n{more}"
        self.home.config.write_text(text)
        self.home.config.chmod(0o600)

    # The command line

    def popen(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "cwd": self.work,
            "env": self.env,
        }
        command = [*self.inside, *SERENO, *arguments]
        process = subprocess.Popen(command, **settings | options)
        self._children.append(process)
        return process

    def sereno(
        self, *arguments: str, code: int | None = 0, limit_s: float = LIMIT_S
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end; `code` is the exit code it must have."""
        process = self.popen(*arguments)
        try:
            out, err = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{arguments} did not end: {out!r} {err!r}") from None
        if code is not None:
            words = f"{arguments}: exit code {process.returncode}\n{out}\n{err}\n{self.log()}"
            assert process.returncode == code, words
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        return json.loads(self.sereno(*arguments, "--json", code=code).stdout)

    def run(self, prompt: str, *options: str) -> str:
        """Start a demo agent, detached; gives its id."""
        made = self.json("run", "-d", "--provider", "demo", *options, prompt)
        return str(made["id"])

    # The daemon

    def start(self) -> None:
        """A background daemon, as a person starts one."""
        self.sereno("daemon", "start")

    def serve(self, patch: str = "") -> subprocess.Popen[str]:
        """`sereno --no-ui` as our own child, once it answers.

        `patch`: Python that runs before it, for what no user can ask for.
        """
        output = (self.root / "daemon.out").open("a")
        if patch:
            code = f"{patch}\nimport sys; from sereno.__main__ import main; sys.exit(main())"
            daemon = subprocess.Popen(
                [sys.executable, "-P", "-c", code, "--no-ui"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                cwd=self.work,
                env=self.env,
            )
            self._children.append(daemon)
        else:
            daemon = self.popen("--no-ui", stdout=output, stderr=output)
        output.close()
        until(lambda: self._answers(daemon), "the daemon answers")
        return daemon

    def _answers(self, daemon: subprocess.Popen[str]) -> bool:
        words = (self.root / "daemon.out").read_text()
        assert daemon.poll() is None, f"the daemon ended: {words}\n{self.log()}"
        try:
            self.client().close()
        except ClientError:
            return False
        return True

    def daemon_pid(self) -> int:
        """The pid that the running daemon has written down."""
        return int(json.loads(self.home.status.read_text())["pid"])

    def kill_daemon(self) -> int:
        """kill -9; gives the pid that it had."""
        pid = self.daemon_pid()
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid), "the daemon is dead")
        return pid

    def client(self) -> SyncClient:
        return SyncClient.open(self.home)

    def log(self) -> str:
        """The end of the daemon's log, for messages of failed tests."""
        try:
            return self.home.daemon_log.read_text(errors="replace")[-4000:]
        except OSError:
            return ""

    # Agents

    def timeline(self, agent_id: str) -> list[Entry]:
        """Every stored row."""
        with self.client() as client:
            entries: list[Entry] = []
            part = page(client, agent_id, "after", None, 2000, "canonical")
            while True:
                entries += part.entries
                if not part.has_newer or part.end_cursor is None:
                    return entries
                part = page(client, agent_id, "after", part.end_cursor, 2000, "canonical")

    def told(self, event: str) -> list[dict[str, Any]]:
        """What the demo agents wrote down of one kind: prompt, answer, ran …"""
        if not self.demo_log.exists():
            return []
        lines = self.demo_log.read_text().splitlines()
        events = [json.loads(line) for line in lines if line.endswith("}")]
        return [one for one in events if one["event"] == event]

    # The end

    def processes(self) -> dict[int, str]:
        """Every process that belongs to this World: pid to command line."""
        mark = os.fsencode(self.root)
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes()
                if mark in command or mark in (entry / "environ").read_bytes():
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        return found

    def _runners(self) -> list[int]:
        """They name the home nowhere but stand in it. Where it is a disk of its own that goes with
        the test, they would never see that it is gone."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if (entry / "cwd").readlink().is_relative_to(self.home.root / "run"):
                        found.append(int(entry.name))
        return found

    def end(self) -> None:
        """Kill whatever is left, again and again: what is killed may be replaced once."""
        for _ in range(200):
            left = [pid for pid in (*self.processes(), *self._runners()) if alive(pid)]
            if not left:
                break
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        else:
            raise AssertionError(f"could not be ended: {self.processes()}")
        for child in self._children:
            for stream in (child.stdout, child.stderr):
                if stream is not None:
                    stream.close()
            child.wait(LIMIT_S)


class Terminal:
    """A real terminal: one tmux server with one window, in which a program of a World runs."""

    def __init__(self, world: World, command: Sequence[str], size: tuple[int, int] = (100, 30)):
        self._world = world
        self._socket = world.root / f"tmux-{time.monotonic_ns()}"
        columns, lines = size
        settings = world.root / "tmux.conf"
        settings.write_text("set -g remain-on-exit on\n")
        self._tmux(
            *("-f", str(settings), "new-session", "-d", "-x", str(columns), "-y", str(lines)),
            *("-s", "main", "--", *command),
        )

    def _tmux(self, *arguments: str, check: bool = True) -> str:
        environment = {**self._world.env, "TERM": "xterm-256color"}
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), *arguments],
            capture_output=True,
            text=True,
            env=environment,
            cwd=self._world.work,
            timeout=LIMIT_S,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names: Enter, C-c, Escape, y."""
        self._tmux("send-keys", *names)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-t", "main", check=False)

    def shows(self, text: str, limit_s: float = LIMIT_S) -> str:
        """Wait until the screen shows a text; gives the screen."""
        deadline = time.monotonic() + limit_s
        while text not in (screen := self.screen()):
            words = f"no {text!r} on the screen:\n{screen}\n{self._world.log()}"
            assert time.monotonic() < deadline, words
            time.sleep(0.05)
        return screen

    def pid(self) -> int:
        """Of the program in the window."""
        return int(self._tmux("list-panes", "-t", "main", "-F", "#{pane_pid}"))

    def close(self) -> None:
        """Close the window as a person closes a terminal: its program gets SIGHUP."""
        self._tmux("kill-server", check=False)


@contextlib.contextmanager
def terminal(
    world: World, *arguments: str, size: tuple[int, int] = (100, 30)
) -> Iterator[Terminal]:
    """`sereno ARGUMENTS` in a terminal of its own."""
    window = Terminal(world, [*world.inside, *SERENO, *arguments], size)
    try:
        yield window
    finally:
        window.close()
