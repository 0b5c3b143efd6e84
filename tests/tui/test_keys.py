"""No binding of ours uses a key that we never bind, and each has an id of its own."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.widgets import TextArea

import sereno.tui
from sereno.tui import keys

FORBIDDEN = [
    (r"alt\+\d", "arrives as another character"),
    (r"super\+.*", "needs the kitty protocol"),
    (r"ctrl\+shift\+[a-z]", "needs the kitty protocol"),
]


def classes() -> Iterator[type[DOMNode]]:
    """Every class of ours that can have bindings."""
    for module in pkgutil.walk_packages(sereno.tui.__path__, "sereno.tui."):
        if ".cli" in module.name or module.name.endswith((".start", ".embedded")):
            continue
        loaded = importlib.import_module(module.name)
        for value in vars(loaded).values():
            ours = isinstance(value, type) and value.__module__ == module.name
            if ours and issubclass(value, DOMNode):
                yield value


def edits_text(owner: type[DOMNode], binding: Binding) -> bool:
    """Editing keys of a text field, which are readline's and Textual's, not ours."""
    name = binding.action.partition("(")[0]
    return issubclass(owner, TextArea) and hasattr(TextArea, f"action_{name}")


def bindings() -> list[tuple[str, Binding, str]]:
    found = []
    for owner in classes():
        for binding in owner.__dict__.get("BINDINGS", ()):
            assert isinstance(binding, Binding), f"{owner.__name__}: a binding without an id"
            if not edits_text(owner, binding):
                found += [(owner.__name__, binding, each) for each in binding.key.split(",")]
    return found


ALL = bindings()


def test_there_are_bindings_to_look_at() -> None:
    assert {"FleetScreen", "RowList", "SerenoApp"} <= {owner for owner, _, _ in ALL}
    assert len(ALL) > 60


@pytest.mark.parametrize(("owner", "binding", "key"), ALL, ids=lambda value: str(value)[:40])
def test_no_key_that_we_never_bind(owner: str, binding: Binding, key: str) -> None:
    assert key not in keys.NEVER, f"{owner}: {key}: {keys.NEVER.get(key)}"
    for pattern, why in FORBIDDEN:
        assert not re.fullmatch(pattern, key), f"{owner}: {key}: {why}"
    alternatives = binding.key.split(",")
    only_way = len(alternatives) == 1
    if key in ("alt+enter", "ctrl+enter", "shift+enter"):
        assert not only_way, f"{owner}: {key} arrives as enter or not at all"


def test_every_binding_has_an_id_and_words() -> None:
    for owner, binding, key in ALL:
        assert binding.id, f"{owner}: {key} has no id"
        assert binding.description, f"{owner}: {key} has no words for the help"


def test_ids_are_unique_within_what_can_be_active_together() -> None:
    seen: dict[str, tuple[str, str]] = {}
    for owner, binding, _ in ALL:
        assert binding.id is not None
        known = seen.setdefault(binding.id, (owner, binding.action))
        assert known == (owner, binding.action), f"{binding.id}: {known} and {owner}"


def test_textual_quits_by_no_key_of_its_own() -> None:
    ours = {binding.key for _, binding, _ in ALL}
    assert "ctrl+q" not in ours
    app_bindings = [each for each in App.BINDINGS if isinstance(each, Binding)]
    assert any(each.key == "ctrl+q" for each in app_bindings), "Textual changed: look again"
    from tests.tui import sample

    assert "ctrl+q" not in sample.app()._bindings.key_to_bindings
