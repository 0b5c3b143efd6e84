"""Bytes that are no text, on the command line: named as that, before anything is started."""

from __future__ import annotations

import pytest

from sereno.tui.cli import exits
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon
from tests.tui.cli.scripted import agent, furnish


@pytest.mark.parametrize("arguments", [("caf\udce9",), ("hi", "--title", "caf\udce9")])
def test_bytes_that_are_no_text_are_named(
    daemon: FakeDaemon, sereno: Run, arguments: tuple[str, ...]
) -> None:
    furnish(daemon, agent())
    result = sereno("run", *arguments, "--provider", "demo")
    assert result.code == exits.USAGE
    assert "no UTF-8 text" in result.err
    assert "went wrong" not in result.err
