"""What every benchmark shares: runs, medians, ratios beside a limit, a table and JSON.

Not here: what is measured. A benchmark module has `measure(runs) -> list[Row]`.
"""

from __future__ import annotations

import contextlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Row", "Sandbox", "cpu_of", "row", "rss_kib", "sandbox", "table", "timed_process"]


@dataclass(frozen=True)
class Row:
    """One figure: min, median and max over the runs, in `unit`, and what it is compared with."""

    what: str
    unit: str
    low: float
    median: float
    high: float
    target: str = ""
    ratio: float | None = None
    beside: str = ""
    """What the ratio divides by, measured in the same run."""

    def as_json(self) -> Mapping[str, object]:
        return asdict(self)


def row(
    what: str,
    unit: str,
    values: Sequence[float],
    *,
    target: str = "",
    beside: str = "",
    limit: Sequence[float] = (),
) -> Row:
    """The row of some runs; `limit` are the runs of the thing beside it, taken in turn."""
    ratio = None
    if limit:
        pairs = [mine / other for mine, other in zip(values, limit, strict=True) if other]
        ratio = statistics.median(pairs) if pairs else None
    return Row(
        what, unit, min(values), statistics.median(values), max(values), target, ratio, beside
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as a plain text table."""
    head = ("what", "unit", "min", "median", "max", "target", "ratio", "beside")
    lines = [head] + [
        (
            one.what,
            one.unit,
            f"{one.low:.4g}",
            f"{one.median:.4g}",
            f"{one.high:.4g}",
            one.target,
            "" if one.ratio is None else f"{one.ratio:.2f}",
            one.beside,
        )
        for one in rows
    ]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


@dataclass(frozen=True)
class Sandbox:
    """A home and a repository of their own, gone afterwards."""

    root: Path
    home: Path
    repository: Path
    env: Mapping[str, str]

    def sereno(self, *arguments: str) -> list[str]:
        return [sys.executable, "-P", "-m", "sereno", *arguments]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.sereno(*arguments),
            env=dict(self.env),
            cwd=self.repository,
            text=True,
            capture_output=True,
            check=check,
            timeout=120,
        )

    @contextlib.contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """`sereno --no-ui` in the foreground, ready when it answers on its socket."""
        process = subprocess.Popen(
            self.sereno("--no-ui"),
            env=dict(self.env),
            cwd=self.repository,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: (self.home / "run" / "daemon.sock").exists(), 20)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def sandbox() -> Iterator[Sandbox]:
    """A sandbox without any agent program on PATH but the demo agent."""
    root = Path(tempfile.mkdtemp(prefix="sereno-bench-"))
    repository = root / "repository"
    repository.mkdir()
    (repository / "README.md").write_text("# A small repository\n\nIt holds nothing.\n")
    home = root / "home"
    env = {
        "HOME": str(root),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "SERENO_HOME": str(home),
        "SERENO_LISTEN": "127.0.0.1:0",
    }
    try:
        yield Sandbox(root, home, repository, env)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def wait_until(ready: Callable[[], bool], seconds: float) -> None:
    """Polls each millisecond.

    Raises:
        TimeoutError: it was not so in time.
    """
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError("what the benchmark waited for did not happen")
        time.sleep(0.001)


def timed_process(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a whole process, by the operating system's own accounting."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(
        list(command),
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return wall, cpu


def cpu_of(pid: int) -> float:
    """CPU seconds that a living process has used (Linux): its own clock, as clock_getcpuclockid(3)
    names it, because /proc counts in hundredths of a second."""
    return time.clock_gettime((~pid << 3) | 2)


def rss_kib(pid: int) -> int:
    """Resident memory of a process in KiB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)
