"""Running the command line in this process against a scripted daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sereno.tui.cli.entry import main
from tests.tui.cli.fake_daemon import FakeDaemon, fake_daemon

Run = Callable[..., "Result"]


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "home"
    root.mkdir(mode=0o700)
    monkeypatch.setenv("SERENO_HOME", str(root))
    return root


@pytest.fixture
def daemon(home: Path) -> Iterator[FakeDaemon]:
    with fake_daemon(home) as running:
        yield running


@pytest.fixture
def sereno(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Result:
        capsys.readouterr()
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run
