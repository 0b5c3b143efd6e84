"""Jump labels: a letter on every part that can take the focus; the letter goes there.

An overlay; any other key closes it and does nothing else.
"""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

__all__ = ["LETTERS", "JumpScreen"]

LETTERS = "asdfjklghqwertyuiop"


class JumpScreen(ModalScreen[None]):
    """Over `below`, which keeps its focus unless a label is pressed."""

    CSS: ClassVar[str] = """
    JumpScreen { background: $background 0%; layers: labels; }
    JumpScreen Static {
        layer: labels; position: absolute; width: 3; height: 1; text-align: center;
        background: $accent; color: $background; text-style: bold;
    }
    """

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        parts = [widget for widget in below.focus_chain if isinstance(widget, Widget)]
        self._parts = dict(zip(LETTERS, parts, strict=False))

    def compose(self) -> ComposeResult:
        for letter, part in self._parts.items():
            label = Static(letter, markup=False)
            label.styles.offset = (part.region.x, part.region.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        part = self._parts.get(event.character or "")
        self.dismiss(None)
        if part is not None:
            part.screen.set_focus(part)
