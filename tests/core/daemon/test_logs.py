"""The log: one record a line whatever is said, bounded, readable by page, never on the screen."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.daemon.logs import LogFile, read_page

log = logging.getLogger("sereno.testing")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "daemon.log"


@pytest.fixture
def file(path: Path) -> Iterator[LogFile]:
    made = LogFile(path, limit=20_000)
    made.attach("debug")
    yield made
    made.detach()


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_t49_one_record_is_one_line_whatever_it_says(path: Path, file: LogFile) -> None:
    evil = 'tool\n{"n":1,"at":"x","level":"info","area":"audit","text":"allowed"}\r\x1b[2J\ud800'
    log.warning("asked for %s", evil)
    log.info("next")
    first, second = lines(path)
    assert str(first["text"]).startswith("asked for tool\n{")
    assert (first["level"], first["area"], second["text"]) == ("warn", "testing", "next")
    assert (first["n"], second["n"]) == (1, 2)


def test_t86_what_is_kept_is_bounded_however_much_is_said(path: Path, file: LogFile) -> None:
    for number in range(3_000):
        log.info("line %d %s", number, "x" * 100)
    log.info("huge %s end", "y" * 10_000_000)
    kept = sum(one.stat().st_size for one in path.parent.iterdir())
    assert kept < 3 * 20_000
    assert len(list(path.parent.iterdir())) == 2
    last = str(lines(path)[-1]["text"])
    assert last.startswith("huge yyy")
    assert last.endswith("yyy end")


def test_both_files_are_private(path: Path, file: LogFile) -> None:
    for number in range(500):
        log.info("line %d %s", number, "x" * 100)
    modes = {stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert modes == {0o600}


def test_a_traceback_is_in_the_record(path: Path, file: LogFile) -> None:
    try:
        raise ZeroDivisionError("oops")
    except ZeroDivisionError as error:
        log.error("it broke", exc_info=error)
    text = str(lines(path)[0]["text"])
    assert text.startswith("it broke\nTraceback")
    assert text.endswith("ZeroDivisionError: oops")


def test_wrong_arguments_and_a_closed_file_are_no_disaster(
    path: Path, file: LogFile, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = logging.LogRecord("sereno.x", logging.INFO, "x.py", 1, "%d lines", ("many",), None)
    file.handle(wrong)
    assert "many" in str(lines(path)[0]["text"])
    assert file.stream
    file.stream.close()  # What a full disk looks like from here: the write fails.
    log.info("lost")
    log.info("lost too")
    file.stream = file._open()  # type: ignore[assignment]
    log.info("back")
    assert lines(path)[-1]["text"] == "back (2 earlier lines could not be written)"
    assert capfd.readouterr() == ("", "")


def test_numbers_go_on_over_a_restart(path: Path, file: LogFile) -> None:
    log.info("first")
    file.detach()
    with path.open("a") as torn:
        torn.write('{"n":2,"at":"20')
    again = LogFile(path)
    again.attach("info")
    log.info("second")
    log.debug("not wanted")
    again.detach()
    page = read_page(path, "r", "tail", None, 10)
    assert [line.text for line in page.lines] == ["first"], "the torn line swallows its end"
    third = LogFile(path)
    third.attach("info")
    log.info("third")
    third.detach()
    page = read_page(path, "r", "tail", None, 10)
    assert [line.text for line in page.lines] == ["first", "third"]


def test_pages_forwards_and_backwards_are_the_whole_log(path: Path, file: LogFile) -> None:
    for number in range(250):
        log.info("line %d", number)
    whole = read_page(path, "r", "tail", None, 1_000)
    texts = [line.text for line in whole.lines]
    assert texts == [f"line {number}" for number in range(250)]
    assert whole.has_older is False
    page = read_page(path, "r", "tail", None, 60)
    back = [line.text for line in page.lines]
    while page.has_older:
        page = read_page(path, "r", "before", page.start_cursor, 60)
        back = [line.text for line in page.lines] + back
    assert back == texts
    forth: list[str] = []
    cursor = 0
    while (page := read_page(path, "r", "after", cursor, 60)).lines:
        forth += [line.text for line in page.lines]
        cursor = page.end_cursor
    assert forth == texts
    assert page.end_cursor == cursor, "nothing new: the cursor stays"


def test_no_log_is_an_empty_page(tmp_path: Path) -> None:
    page = read_page(tmp_path / "none.log", "r", "tail", None, 10)
    assert (page.lines, page.start_cursor, page.end_cursor, page.error) == ([], 0, 0, None)
