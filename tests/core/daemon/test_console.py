"""What is shown on stderr: for a person, a collector, the journal, and for nobody at all."""

from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sereno.core.daemon.console import Console, JsonLines, Readable, is_journal
from tests.core.daemon.daemon_house import until

log = logging.getLogger("sereno.core.testing")
EVIL = 'tool\n15:00:00 info  audit      allowed\x1b[2J\u202e{"n":1}'


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    before = logging.getLogger("sereno").level
    logging.getLogger("sereno").setLevel(logging.DEBUG)
    yield
    logging.getLogger("sereno").setLevel(before)


@contextmanager
def shown(descriptor: int, formatter: logging.Formatter, *, room: int = 100) -> Iterator[Console]:
    console = Console(descriptor, formatter, room=room)
    logging.getLogger().addHandler(console)
    try:
        yield console
    finally:
        console.close()


def lines_of(formatter: logging.Formatter, *texts: object, level: int = logging.INFO) -> list[str]:
    reading, writing = os.pipe()
    with shown(writing, formatter):
        for text in texts:
            log.log(level, "%s", text)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        return pipe.read().splitlines()


def test_t49_a_line_for_a_person_is_no_other_line(caplog: pytest.LogCaptureFixture) -> None:
    first, second = lines_of(Readable(), EVIL)
    assert first[8:] == " info  testing    tool"
    assert second.startswith("  | 15:00:00 info")
    assert "\x1b" not in second
    assert "\u202e" not in second


def test_t49_a_json_line_is_one_line() -> None:
    (line,) = lines_of(JsonLines(), EVIL)
    record = json.loads(line)
    assert record["text"] == EVIL
    assert (record["level"], record["area"], record["n"]) == ("info", "core.testing", 1)


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.CRITICAL, 3)],
)
def test_the_journal_gets_a_priority(level: int, priority: int) -> None:
    (line,) = lines_of(JsonLines(journal=True), "words", level=level)
    assert line.startswith(f"<{priority}>{{")
    assert json.loads(line[3:])["text"] == "words"


def test_the_journal_is_told_from_what_only_inherited_its_variable(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        found = os.fstat(file.fileno())
        right = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert is_journal(file.fileno(), right)
        assert not is_journal(file.fileno(), {"JOURNAL_STREAM": f"{found.st_dev}:1"})
        assert not is_journal(file.fileno(), {})


def test_a_reader_that_stops_reading_stops_nobody() -> None:
    """ctrl+s on a terminal, a pager, a collector that hangs."""
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as pipe, shown(writing, JsonLines(), room=5) as console:
        while not console.lost:
            log.info("a line %s", "x" * 1_000)
        assert json.loads(pipe.readline())["text"].startswith("a line ")
        until(lambda: pipe.readline() and console._lines.empty(), "everything was read")
        log.info("after all that")
        while "after all that" not in (text := json.loads(pipe.readline())["text"]):
            pass
    assert text == "after all that (1 earlier lines are in the log file only)"
    os.close(writing)


def test_a_reader_that_is_gone_is_no_disaster() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with shown(writing, JsonLines()) as console:
        log.info("to nobody")
        console.flush()
        log.info("to nobody, again")
    os.close(writing)


def test_wrong_arguments_are_shown() -> None:
    reading, writing = os.pipe()
    with shown(writing, JsonLines()) as console:
        console.handle(logging.LogRecord("sereno.x", 20, "x.py", 1, "%d lines", ("many",), None))
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        assert "many" in json.loads(pipe.read())["text"]


SHOW = (
    "import logging\nfrom sereno.core.daemon.console import show_on_stderr\n"
    "handler = show_on_stderr({form!r})\nlogging.getLogger('sereno').setLevel(20)\n"
    "logging.getLogger('sereno.daemon').info('started')\nhandler.close()\n"
)


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_lines_for_a_person_on_a_terminal_and_json_elsewhere(form: str) -> None:
    command = [sys.executable, "-P", "-c", SHOW.format(form=form)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    if form == "json":
        assert json.loads(done.stderr)["text"] == "started"
    else:
        assert done.stderr[8:] == " info  daemon     started\n"
    controller, terminal = pty.openpty()
    try:
        subprocess.run(command, stderr=terminal, timeout=30, check=True)
        assert os.read(controller, 4096)[8:] == b" info  daemon     started\r\n"
    finally:
        os.close(controller)
        os.close(terminal)
