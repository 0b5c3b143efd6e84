"""Fixtures that every test may use, and what to do where a system program is missing.

A test marked `tmux`, `node`, `git`, `curl`, `ip`, `nats` or `browser` is left out where that
program is not installed, one marked `linux` elsewhere, and the run says so at its end. With
SERENO_TEST_REQUIRE_ALL=1, as CI sets it, anything left out fails the run.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# What is collected stays until the end: looking through it for garbage, again and again, takes a
# tenth of the time. Tests run with garbage collection, as the program does.
gc.disable()
# Time is measured in bench/: a busy machine must not fail a property that holds.
settings.register_profile("sereno", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sereno")

AGENTS = Path(__file__).parent / "e2e" / "agents"
REQUIRE_ALL = os.environ.get("SERENO_TEST_REQUIRE_ALL") == "1"
_LEFT_OUT = pytest.StashKey[Counter[str]]()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True, scope="session")
def _nothing_of_the_developer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or changes the home, the settings or the repository of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            is_ours = name.startswith("SERENO_") and not name.startswith("SERENO_TEST_")
            if is_ours or name.startswith("GIT_"):
                patch.delenv(name)
        patch.setenv("SERENO_HOME", str(tmp_path_factory.getbasetemp() / "no-home"))
        # Daemons of tests run side by side, and beside one of the developer's own.
        patch.setenv("SERENO_LISTEN", "127.0.0.1:0")
        yield


MARKERS = ("tmux", "node", "git", "curl", "ip", "nats", "browser", "linux")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str | None:
    """The path of Chromium, by whatever name it has here."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def nats_server() -> str | None:
    """The path of nats-server, which Debian puts where only root looks."""
    return shutil.which("nats-server", path=os.environ.get("PATH", "") + ":/usr/sbin")


def missing_program(marker: str) -> str | None:
    """What a test with this marker lacks on this machine, in words; None when nothing."""
    if marker == "linux":
        return None if sys.platform == "linux" else "this is not Linux"
    if marker == "browser":
        return None if browser() else "Chromium is not installed"
    if marker == "nats":
        return None if nats_server() else "nats-server is not installed"
    if shutil.which(marker) is None:
        return f"{marker} is not installed"
    if marker == "node" and not (AGENTS / "node_modules").is_dir():
        return "the agents are not installed (npm ci --prefix tests/e2e/agents)"
    return None


def pytest_configure(config: pytest.Config) -> None:
    # Whoever starts us in the background may have SIGINT ignored, and what we start inherits that:
    # then no ctrl+c would reach it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[_LEFT_OUT] = Counter()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lacking = {marker: missing_program(marker) for marker in MARKERS}
    for item in items:
        for marker, reason in lacking.items():
            if reason is not None and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
                break


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


class _Counting:
    """Counts every skip, whoever asked for it and when."""

    def __init__(self, config: pytest.Config) -> None:
        self._left_out = config.stash[_LEFT_OUT]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._left_out[_reason(report)] += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._left_out[_reason(report)] += 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What hostile text left in a test's log must not end the process that sends it on."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    words = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return words.removeprefix("Skipped: ")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(_Counting(session.config), "sereno-left-out")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if REQUIRE_ALL and session.config.stash[_LEFT_OUT] and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    left_out = config.stash[_LEFT_OUT]
    if not left_out:
        return
    terminalreporter.section("left out", red=REQUIRE_ALL, yellow=not REQUIRE_ALL)
    for reason, count in sorted(left_out.items()):
        terminalreporter.write_line(f"{count} tests: {reason}")
    if REQUIRE_ALL:
        terminalreporter.write_line("SERENO_TEST_REQUIRE_ALL=1: the run fails because of these.")
