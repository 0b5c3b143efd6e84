"""Copying from lists and views, and the export of a log without secrets."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sereno.core.protocol.additions import LogLine
from sereno.tui.app import SerenoApp
from sereno.tui.screens.copy.screen import CopyMenu
from sereno.tui.screens.fleet.screen import FleetScreen
from sereno.tui.screens.log.export import export_text, file_name, redact
from tests.tui import sample
from tests.tui.idle import until
from tests.tui.scenes import NARROW, WIDE, settle, shown, with_log


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []

    def copy(self: SerenoApp, text: str) -> None:
        texts.append(text)

    monkeypatch.setattr(SerenoApp, "copy_to_clipboard", copy)
    return texts


@pytest.mark.parametrize(
    ("letter", "text"),
    [
        ("i", sample.fleet()[0].id),
        ("t", "Fix the tax rounding"),
        ("f", "/home/ada/src/shop"),
        ("a", "sereno attach 00000001"),
        ("escape", None),
        ("z", None),
    ],
)
async def test_the_copy_menu_of_the_fleet(letter: str, text: str | None, copied: list[str]) -> None:
    app = sample.app()
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        await pilot.press("c")
        assert isinstance(app.screen, CopyMenu)
        await pilot.press(letter)
        await settle(pilot)
        assert isinstance(app.screen, FleetScreen)
        assert copied == ([] if text is None else [text])
        assert ("Sent to the terminal's clipboard" in shown(app)) is (text is not None)


async def test_without_an_agent_there_is_nothing_to_copy(copied: list[str]) -> None:
    app = sample.app(sample.StillLink())
    async with app.run_test(size=NARROW) as pilot:
        await settle(pilot)
        await pilot.press("c")
        await settle(pilot)
        assert "There is nothing to copy here." in shown(app)
        assert not copied


async def test_the_copy_menu_of_the_log(copied: list[str]) -> None:
    app = sample.app(with_log())
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("L")
        await settle(pilot)
        await pilot.press("slash", *"waited", "enter", "c", "l")
        await settle(pilot)
        await pilot.press("c", "a")
        await settle(pilot)
        assert len(copied) == 2
        assert copied[0].endswith("the request has waited 30 s")
        assert len(copied[1].splitlines()) == 10, "nine of level info, one with a second line"


SECRETS = [
    ("key sk-ant-api03-abcdefgh123 used", "key [key removed] used"),
    ("ghp_abcdefghijklmnop1234", "[key removed]"),
    ("Authorization: Bearer abcdefgh12345", "Authorization: [secret removed] [secret removed]"),
    ("GET wss://ada:hunter2@host/ws", "GET wss://[sign-in removed]@host/ws"),
    ('{"password": "hunter2", "user": "ada"}', '{"password": "[secret removed]", "user": "ada"}'),
    ("OPENAI_API_KEY=abc DEBUG=1", "OPENAI_API_KEY=[secret removed] DEBUG=1"),
    ("https://app.example/#offer=eyJ2Ijoy", "https://app.example/#offer=[offer removed]"),
    (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----",
        "[private key removed]",
    ),
]


@pytest.mark.parametrize(("text", "clean"), SECRETS)
def test_what_looks_like_a_secret_is_removed(text: str, clean: str) -> None:
    found, removed = redact(text)
    assert found == clean
    assert removed.total() >= 1


@pytest.mark.parametrize(
    "text",
    ["started  pid 48121", "tokens 98k, context 48 %", "read src/auth/token.py", "exit 1: denied"],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == (text, {})


def test_an_export_says_what_was_removed_and_acts_on_no_terminal() -> None:
    lines = [
        LogLine(at="T1", level="info", area="agent", text="token=abc\x1b[2J"),
        LogLine(at="T2", level="error", area="agent", text="exit 1\nstderr: sk-abcdefgh123456"),
    ]
    text, removed = export_text("daemon", lines)
    assert "2 lines\nSecrets: removed 1 key, 1 secret." in text
    assert "\x1b" not in text
    assert "abcdefgh" not in text
    assert removed == {"key": 1, "secret": 1}
    assert file_name("../../etc", "now") == "log-etc-now.txt"


async def test_a_log_is_exported_into_a_file_of_our_own(tmp_path: Path) -> None:
    link = with_log()
    link.log.append(LogLine(at=sample.stamp(1), level="debug", area="x", text="password=hunter2"))
    app = sample.app(link, crash_file=tmp_path / "ui-crash.log")
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("L")
        await settle(pilot)
        await pilot.press("E")
        await until(pilot, lambda: "Exported 11 lines" in shown(app))
        (file,) = tmp_path.iterdir()
        assert "removed 1 secret" in shown(app)
        assert file.name in "".join(shown(app).split())
        text = file.read_text()
        assert "hunter2" not in text
        assert "checkpoint 1.2 ms" in text, "of every level"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_an_export_that_fails_says_why(tmp_path: Path) -> None:
    app = sample.app(with_log(), crash_file=tmp_path / "gone" / "ui-crash.log")
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("L", "E")
        await until(pilot, lambda: "Not exported" in shown(app))
        assert "No such file" in shown(app)
