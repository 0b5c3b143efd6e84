"""How a key that a widget or a sentence names is written after the person's keymap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from textual.binding import Binding
from textual.dom import DOMNode
from textual.widget import Widget

from sereno.tui.lines import Line

if TYPE_CHECKING:
    from sereno.tui.app import SerenoApp

__all__ = ["key_shown", "keys_shown"]


def key_shown(keymap: Mapping[str, str], name: str, usual: str) -> str:
    """The key of the binding `name`, for a sentence; `usual`: how it is written by default."""
    mine = keymap.get(name)
    if not mine:
        return usual
    from sereno.tui.screens.help.view import key_words

    return key_words([mine.split(",")[0]])


def keys_shown(widget: Widget, line: Line) -> Line:
    """The line with its keys, the spans of style `key`, as they are now."""
    keymap = cast("SerenoApp", widget.app).keymap
    if not keymap:
        return line
    from sereno.tui.key_map import written

    known = list(_bindings(widget))
    return tuple(
        (written(text, known, keymap), style) if style == "key" else (text, style)
        for text, style in line
    )


def _bindings(widget: Widget) -> Iterator[Binding]:
    """What the keys do by default: of the focused part first, then around it, then everywhere."""
    nearest: DOMNode = widget.screen.focused or widget.screen
    for node in nearest.ancestors_with_self:
        for owner in type(node).__mro__:
            for binding in owner.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding):
                    yield binding
