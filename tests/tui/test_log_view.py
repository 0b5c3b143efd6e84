"""The log in lines: levels, search, areas and long texts."""

from __future__ import annotations

import pytest

from sereno.core.protocol.additions import LogLine
from sereno.tui.lines import plain, width_of
from sereno.tui.screens.log import view as log
from tests.tui import sample


def line(level: str, text: str) -> LogLine:
    return LogLine(at=sample.stamp(1), level=level, area="agent", text=text)  # type: ignore[arg-type]


LINES = [line("debug", "a"), line("info", "b tax"), line("warn", "c"), line("error", "d\nTAX e")]
CLOCK = {LINES[0].at: "14:15:00"}


def test_log_levels_and_search() -> None:
    assert log.passing(LINES, "debug") == [0, 1, 2, 3]
    assert log.passing(LINES, "warn") == [2, 3]
    assert log.matches(LINES, [0, 1, 2, 3], "tax") == [1, 3]
    assert log.matches(LINES, [0, 1], "AGENT") == [0, 1]
    assert log.matches(LINES, [0, 1], "") == []


@pytest.mark.parametrize("width", [60, 100])
def test_log_lines_wrap_under_their_text(width: int) -> None:
    shown = log.drawn(LINES, [3], width, clock=CLOCK, wrapped=True)
    assert len(shown) == 2
    first, second = (plain(each.line) for each in shown)
    assert first.startswith(" 14:15:00 error ")
    assert second.index("TAX") == first.index("d")
    cut = log.drawn([line("info", "long " * 100)], [0], width, clock=CLOCK, wrapped=False)
    assert len(cut) == 1
    assert width_of(cut[0].line) <= width


def test_a_log_line_says_the_area_and_then_its_text() -> None:
    areas = ("core.store.database", "listeners", "a.name.without.end.reallylong")
    lines = [LogLine(at=LINES[0].at, level="info", area=area, text="text") for area in areas]
    shown = log.drawn(lines, [0, 1, 2], 100, clock=CLOCK, wrapped=False)
    told = [plain(each.line).removeprefix(" 14:15:00 info  ") for each in shown]
    assert told == ["database   text", "listeners  text", "reallylong text"]
