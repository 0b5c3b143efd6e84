"""The house of the chaos test: one home, and every way in which its daemon comes and goes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ClientError
from sereno.core.runners.process.tree import same
from tests.e2e.harness import LIMIT_S, SERENO, World, alive, until

__all__ = ["House", "Window"]

PROGRAM = Path(__file__).with_name("program.py")


class Window:
    """`sereno` in a pseudo-terminal of its own, whose output somebody reads and throws away."""

    def __init__(self, house: House) -> None:
        self.fd, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))

        def own_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            SERENO,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=house.work,
            env={**house.env, "TERM": "xterm-256color"},
            preexec_fn=own_terminal,
        )
        os.close(terminal)
        self._open = True
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while os.read(self.fd, 65536):
                pass

    def type(self, keys: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self.fd, keys)

    def hang_up(self) -> None:
        """As a closed terminal."""
        if self._open:
            self._open = False
            os.close(self.fd)

    def end(self) -> None:
        self.hang_up()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT_S)


class House(World):
    """A World whose daemon may be anywhere: in the background, in the foreground, in a window."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.windows: list[Window] = []
        self.slowest_start = 0.0
        self.wounded: set[str] = set()
        """Agents whose runner was killed since the last look."""
        self.odd: list[str] = []
        """What a command said that no person should ever read."""
        self.removed: set[str] = set()
        """Agents that no person deleted."""
        self.excused: set[str] = set()
        """Prompts whose turns may have lost what their runner's pipes held."""
        command = [sys.executable, "-P", str(PROGRAM), "--pace", "0", "--log", str(self.demo_log)]
        repository = str(Path(__file__).parents[3])
        self.env["PYTHONPATH"] = repository
        text = (
            f"[providers.demo]\ncommand = {json.dumps(command)}\n"
            f"env = {{ PYTHONPATH = {json.dumps(repository)} }}\n"
            "[agents]\njournal_limit_mb = 8\n"
        )
        self.home.config.write_text(text)

    def sereno(
        self, *arguments: str, code: int | None = 0, limit_s: float = 3 * LIMIT_S
    ) -> subprocess.CompletedProcess[str]:
        done = super().sereno(*arguments, code=code, limit_s=limit_s)
        if "Traceback" in done.stderr:
            self.odd.append(f"{arguments}: {done.stderr[-2000:]}")
        return done

    def answers(self, timeout_s: float = 1.0) -> bool:
        try:
            SyncClient.open(self.home, timeout_s=timeout_s).close()
        except ClientError:
            return False
        return True

    def pid(self) -> int | None:
        """Of the daemon that last said that it serves, if it lives."""
        try:
            pid = int(json.loads(self.home.status.read_text())["pid"])
        except (OSError, ValueError, KeyError):
            return None
        return pid if pid in self.processes() and alive(pid) else None

    def standbys(self) -> list[int]:
        return [pid for pid, words in self.processes().items() if "/standby.py" in words]

    def ensure(self) -> None:
        """There is a daemon, whoever starts it."""
        deadline = time.monotonic() + 3 * LIMIT_S
        while not self.answers(3.0):
            began = time.monotonic()
            done = self.popen("daemon", "start", "--json")
            out, err = done.communicate(timeout=3 * LIMIT_S)
            if "Traceback" in err:
                self.odd.append(err[-2000:])
            self._children.remove(done)
            self.slowest_start = max(self.slowest_start, time.monotonic() - began)
            assert time.monotonic() < deadline, f"no daemon: {out} {err}\n{self.log()}"

    def forget_children(self) -> None:
        """Those that have ended, so that a long run does not collect them."""
        for child in [*self._children]:
            if child.poll() is not None:
                for stream in (child.stdout, child.stderr):
                    if stream is not None:
                        stream.close()
                self._children.remove(child)

    def open_window(self) -> Window:
        window = Window(self)
        self.windows.append(window)
        return window

    def close_windows(self) -> None:
        for window in self.windows:
            window.end()
        self.windows.clear()

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def runners(self) -> dict[str, tuple[int, int | None]]:
        """Agent id to the pids of its living runner and program, by what the runners wrote down."""
        found = {}
        for path in self.home.agents.glob("*/*/runner.json"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                said = json.loads(path.read_text())
                pid, child = said["runner"]["pid"], said["child"]
                if same(pid, said["runner"]["start"]):
                    living = child is not None and same(child["pid"], child["start"])
                    found[path.parent.parent.name] = (pid, child["pid"] if living else None)
        return found

    def marked(self) -> dict[str, list[int]]:
        """Agent id to every living process that carries its mark."""
        found: dict[str, list[int]] = {}
        for pid in self.processes():
            with contextlib.suppress(OSError):
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                for one in environment:
                    name, _, value = one.partition(b"=")
                    if name == b"SERENO_AGENT_ID" and alive(pid):
                        found.setdefault(value.decode(), []).append(pid)
        return found

    def stop_daemon(self) -> None:
        self.close_windows()
        self.sereno("daemon", "stop", code=None)
        until(lambda: not self.answers(0.5), "the daemon is stopped")
