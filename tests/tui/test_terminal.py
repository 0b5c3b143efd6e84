"""Bell, title and reset."""

from __future__ import annotations

from sereno.tui.terminal import RESET, Bell, title


def test_the_title_counts_what_waits() -> None:
    assert title(0) == "\x1b]0;sereno\x07"
    assert title(2) == "\x1b]0;(2) sereno\x07"


def test_the_bell_rings_once_for_each_request() -> None:
    bell = Bell()
    assert bell.due(["a"])
    assert not bell.due(["a"])
    assert bell.due(["a", "b"])
    assert not bell.due(["b"])
    assert not bell.due([])
    assert bell.due(["a"]), "asked again after it was answered"


def test_a_quiet_bell_learns() -> None:
    bell = Bell()
    assert not bell.due(["a"], quiet=True)
    assert not bell.due(["a"])


def test_the_reset_leaves_the_alternate_screen_and_shows_the_cursor() -> None:
    for off in ("?1049l", "?25h", "?1000l", "?1003l", "?1006l", "?2004l"):
        assert f"\x1b[{off}" in RESET
