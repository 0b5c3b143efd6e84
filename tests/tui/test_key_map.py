"""`[ui.keys]`: which bindings and keys it takes, and that keys, help and footer follow it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sereno.tui
from sereno.core.config.errors import ConfigError
from sereno.tui.key_ids import FIRST, IDS
from sereno.tui.key_map import keymap_of, written
from sereno.tui.keys import key
from sereno.tui.screens.confirm.screen import Confirm
from sereno.tui.screens.fleet.screen import FleetScreen
from sereno.tui.screens.help.screen import HelpScreen
from sereno.tui.screens.help.view import key_words
from sereno.tui.screens.log.screen import LogScreen
from sereno.tui.screens.new_agent.screen import NewAgentScreen
from sereno.tui.widgets.footer import Footer
from tests.tui import sample
from tests.tui.scenes import settle, shown
from tests.tui.test_keys import ALL

DOCUMENT = Path(__file__).parents[2] / "docs" / "keys.md"


def test_the_ids_are_those_of_the_bindings() -> None:
    assert {binding.id for _, binding, _ in ALL} == IDS
    assert {binding.id for _, binding, _ in ALL if binding.priority} == FIRST


def test_the_document_lists_every_binding() -> None:
    text = DOCUMENT.read_text()
    rows = {
        f"| `{binding.id}` | {key_words(binding.key.split(','))} | {binding.description} |"
        for _, binding, _ in ALL
    }
    missing = sorted(row for row in rows if row not in text)
    assert not missing, "\n".join(["docs/keys.md lacks:", *missing])
    assert text.count("\n| `") == len(rows), "docs/keys.md lists what is no binding any more"


def test_good_keys() -> None:
    assert keymap_of({}) == {}
    table = {
        "fleet.new": "a",
        "fleet.log": " f2, ctrl+n ",
        "app.keys": "?",
        "list.open": "alt+enter, o",
    }
    assert keymap_of(table) == {
        "fleet.new": "a",
        "fleet.log": "f2,ctrl+n",
        "app.keys": "?",
        "list.open": "alt+enter,o",
    }
    assert keymap_of({"fleet.new": "a", "log.next": "a"})


@pytest.mark.parametrize(
    ("name", "near"),
    [("fleet.neu", "fleet.new"), ("flet.log", "fleet.log"), ("app.palete", "app.palette")],
)
def test_an_unknown_binding_is_named_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        keymap_of({name: "a"})
    assert refusal.value.code == "unknown_key"
    assert f"`{name}`" in refusal.value.message
    assert f"`{near}`" in refusal.value.next_step


@pytest.mark.parametrize(
    ("name", "keys", "reason"),
    [
        ("fleet.new", "ctrl+b", "prefix of tmux"),
        ("fleet.new", "~", "escape of ssh"),
        ("fleet.new", "escpe", "did you mean `escape`"),
        ("fleet.new", "super+a", "only ctrl, alt, shift"),
        ("fleet.new", "ctrl+shift+a", "kitty"),
        ("fleet.new", "alt+1", "another character"),
        ("fleet.new", "ctrl+enter", "add another key"),
        ("fleet.new", ",", "no key"),
        ("app.palette", "p", "text fields"),
        ("confirm.yes", "y, enter", "by habit"),
        ("confirm.yes", "space", "by habit"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_the_reason(name: str, keys: str, reason: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        keymap_of({name: keys})
    assert refusal.value.code == "wrong_value"
    assert f"`{name}`" in refusal.value.message
    assert reason in refusal.value.message


def test_two_bindings_of_a_place_cannot_have_one_key() -> None:
    with pytest.raises(ConfigError, match=r"`fleet\.new` has that key"):
        keymap_of({"fleet.new": "a", "fleet.log": "b,a"})


def test_a_footer_writes_the_new_key_of_the_nearest_binding() -> None:
    known = [key("down,j", "x", "down", "list.down"), key("question_mark", "y", "keys", "app.keys")]
    assert written("j k", known, {"list.down": "n,f2"}) == "n k"
    assert written("?", known, {"app.keys": "f3"}) == "f3"
    assert written("?", known, {"list.down": "n"}) == "?"


async def test_keys_help_and_footer_follow() -> None:
    keymap = keymap_of({"fleet.new": "a", "app.keys": "f3", "fleet.daemon_log": "D"})
    app = sample.app(sample.StillLink(sample.fleet()), keymap=keymap)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        footer = "\n".join(shown(app).splitlines()[-3:])
        assert "a new" in footer
        assert "f3 keys" in footer
        assert "n new" not in footer
        await pilot.press("n")
        assert isinstance(app.screen, FleetScreen)
        await pilot.press("f3")
        assert isinstance(app.screen, HelpScreen)
        told = " ".join(shown(app).split())
        assert "a new agent" in told
        assert "n new agent" not in told
        await pilot.press("escape", "D")
        await settle(pilot)
        assert isinstance(app.screen, LogScreen)
        await pilot.press("escape", "a")
        await settle(pilot)
        assert isinstance(app.screen, NewAgentScreen)


def test_sentences_name_the_usual_key_where_nothing_was_changed() -> None:
    """Every `key_of(id, usual)` in the source: `usual` is a default key of that binding."""
    usual = {(binding.id, key_words([key])) for _, binding, key in ALL}
    named = [
        found
        for file in Path(sereno.tui.__file__).parent.rglob("*.py")
        for found in re.findall(
            r"""\b(?:key_of|_key)\(['"]([\w.]+)['"], ['"](\S+)['"]\)""", file.read_text()
        )
    ]
    assert len(named) > 5
    assert not set(named) - usual


async def test_sentences_name_the_keys_that_the_person_has() -> None:
    keymap = {"fleet.undo": "U", "app.leader": "f2", "app.stop": "f3", "confirm.yes": "J"}
    app = sample.app(sample.StillLink(sample.fleet()), keymap=keymap)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("f3")
        assert "f3 once more detaches" in shown(app)
        await pilot.press("X")
        assert "nothing of it is deleted. U brings it back." in shown(app)
        assert "J  archive it" in shown(app)
        assert isinstance(app.screen, Confirm)
        app.screen._enliven()
        await pilot.press("J")
        await settle(pilot)
        assert "Archived. U brings it back." in shown(app)
        await pilot.press("f2")
        assert "F2, then" in shown(app)
        await pilot.press("escape", "n")
        await settle(pilot)
        footer = app.screen.query_one(Footer)
        assert "F2 s start" in "".join(segment.text for segment in footer.render_line(1))
