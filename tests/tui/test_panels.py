"""Panels and helpers of the shell: jump labels, mode and model, copying, the editor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sereno.tui import clipboard, crash
from sereno.tui.editor import EditorError, edit_text, editor_command
from sereno.tui.messages import SetMode, SetModel
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.screens.fleet.screen import FleetScreen
from sereno.tui.screens.jump.screen import JumpScreen
from sereno.tui.screens.modes.screen import ModesPanel
from sereno.tui.screens.new_agent.screen import NewAgentScreen
from sereno.tui.widgets.pane import PaneBox
from tests.tui import sample
from tests.tui.scenes import settle

WIDE = (100, 30)


async def test_jump_labels_go_to_parts_and_other_keys_do_nothing() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        assert app.focused is not None
        assert app.focused.id == "task"
        await pilot.press("ctrl+o")
        assert isinstance(app.screen, JumpScreen)
        await pilot.press("a")
        assert isinstance(app.screen, NewAgentScreen)
        assert app.focused.id == "agent"
        await pilot.press("ctrl+o", "z")
        assert isinstance(app.screen, NewAgentScreen)
        assert app.focused.id == "agent"


async def test_mode_is_changed_with_enter_and_nothing_else_is_sent() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("m")
        assert isinstance(app.screen, ModesPanel)
        await pilot.press("right", "enter")
        await settle(pilot)
        assert link.acts == [SetMode(sample.fleet()[0].id, "edits")]


async def test_the_model_can_go_back_to_the_default() -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("m", "tab", "right", "enter")
        await settle(pilot)
        assert link.acts == [SetModel(sample.fleet()[0].id, None)]


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_leaving_the_panel_changes_nothing(key: str) -> None:
    link = sample.StillLink(sample.fleet())
    app = sample.app(link)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("m", "right", key)
        await settle(pilot)
        assert isinstance(app.screen, FleetScreen)
        assert not link.acts


async def test_a_click_on_a_pane_opens_its_agent() -> None:
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        second = list(app.screen.query(PaneBox))[1]
        await pilot.click(second)
        await settle(pilot)
        assert isinstance(app.screen, AgentScreen)
        assert app.screen.agent_id == second.agent_id


def test_what_is_copied_holds_no_control() -> None:
    assert clipboard.clean("a\x1b[31mb\r\nc\u202e") == "a[31mb\nc"


def program(folder: Path, name: str, code: int = 0) -> None:
    path = folder / name
    path.write_text(f'#!/bin/sh\ncat > "{folder}/{name}.got"\nexit {code}\n')
    path.chmod(0o755)


def test_inside_tmux_its_buffer_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "tmux")
    program(tmp_path, "xclip", code=1)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    environment = {"TMUX": "/tmp/t", "DISPLAY": ":0"}
    assert clipboard.run("two\nlines", environment) == ["tmux"]
    assert (tmp_path / "tmux.got").read_text() == "two\nlines"
    assert clipboard.run("x", {}) == []


def test_tools_that_are_not_there_are_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert clipboard.commands({"TMUX": "x", "WAYLAND_DISPLAY": "y"}) == []


async def test_copying_goes_to_the_terminal_and_to_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[str] = []
    monkeypatch.setattr(clipboard, "commands", lambda _environment: [["tmux"]])
    monkeypatch.setattr(clipboard, "run", lambda text, _environment: got.append(text))
    app = sample.app()
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        app.copy_to_clipboard("a\x07b")
        await app.workers.wait_for_complete(
            [worker for worker in app.workers if worker.group == "copy"]
        )
        assert app.clipboard == "ab"
        assert got == ["ab"]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, ["vi"]),
        ({"EDITOR": "nano -w"}, ["nano", "-w"]),
        ({"EDITOR": "nano", "VISUAL": "code --wait"}, ["code", "--wait"]),
        ({"EDITOR": "'unclosed"}, ["vi"]),
    ],
)
def test_which_editor(environment: dict[str, str], words: list[str]) -> None:
    assert editor_command(environment) == words


class Lent:
    """An app that lends its terminal."""

    def suspend(self) -> Any:
        import contextlib

        return contextlib.nullcontext()


def test_the_editor_gets_a_private_copy_and_its_result_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "ed"
    script.write_text('#!/bin/sh\nstat -c %a "$(dirname "$1")" > "$0.mode"\necho more >> "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    assert edit_text(Lent(), "first\n") == "first\nmore"  # type: ignore[arg-type]
    assert (tmp_path / "ed.mode").read_text().strip() == "700"


@pytest.mark.parametrize(
    ("command", "words"),
    [("false", "ended with exit 1; the text is as it was"), ("no-such-editor", "Set EDITOR")],
)
def test_an_editor_that_fails_says_why(
    command: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", command)
    with pytest.raises(EditorError, match=words):
        edit_text(Lent(), "text")  # type: ignore[arg-type]


def test_the_story_of_a_failure_is_private(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "ui-crash.log"
    old = os.umask(0)
    try:
        words = str(crash.keep_story(ValueError("bad"), file))
    finally:
        os.umask(old)
    assert "the screen failed (ValueError: bad); your agents keep working" in words
    assert str(file) in words
    assert file.stat().st_mode & 0o777 == 0o600
    assert "ValueError: bad" in file.read_text()


def test_a_story_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    words = str(crash.keep_story(ValueError("bad"), tmp_path / "logs" / "ui-crash.log"))
    assert "could not be kept" in words
    assert "ValueError: bad" in str(crash.keep_story(ValueError("bad"), None))
