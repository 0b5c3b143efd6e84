"""The demo agent's language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.providers.demo.language import (
    Act,
    Edit,
    Look,
    Simple,
    Stream,
    Write,
    parse,
)


@pytest.mark.parametrize(
    ("prompt", "acts"),
    [
        ("help", [Simple("help")]),
        ("/help", [Simple("help")]),
        ("Help me with the tests please", [Look("Help me with the tests please")]),
        ("show me the tests", [Look("show me the tests")]),
        ("run ls -l then x", [Simple("run", "ls -l then x")]),
        ("plan then show", [Simple("plan"), Simple("show")]),
        ("read a b.txt", [Simple("read", "a b.txt")]),
        ("edit a.txt", [Edit("a.txt", None, "A line by the demo agent.")]),
        ('edit a b.txt replace "x y" with z', [Edit("a b.txt", "x y", "z")]),
        ('edit a.txt replace "x', [Look('edit a.txt replace "x')]),
        ("write a.txt one\\ntwo", [Write("a.txt", "one\ntwo\n")]),
        ("stream 5000", [Stream(5000)]),
        ("stream 5000 every 1ms", [Stream(5000, "events", 64, 0.001)]),
        ("Stream 10 tools of 80 bytes every 2.5 s", [Stream(10, "tools", 80, 2.5)]),
        ("stream 1 event of 9 every 10", [Stream(1, "events", 9, 0.01)]),
        ("stream the news", [Look("stream the news")]),
        ("wait 2s\nfail now please", [Simple("wait", "2s"), Simple("fail", "now please")]),
        ("wait for it", [Look("wait for it")]),
        ("help\nwhat now?", [Look("help\nwhat now?")]),
        ("crash 7", [Simple("crash", "7")]),
        ("hang hard", [Simple("hang", "hard")]),
        ("", [Look("")]),
    ],
)
def test_the_language(prompt: str, acts: list[Act]) -> None:
    assert parse(prompt) == acts


@given(st.text(max_size=80))
def test_the_language_understands_everything_somehow(prompt: str) -> None:
    assert parse(prompt)
