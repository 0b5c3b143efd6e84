"""What can follow `ctrl+x`: shown for a moment, taken by the next key.

It leaves the screen below as it is, the focus and what was typed included.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from sereno.tui.keys import Follower
from sereno.tui.widgets.footer import footer_lines

__all__ = ["LeaderScreen"]

EDGES = 3
"""Cells of the panel's border and padding; the space before a footer's line is left out."""


class LeaderScreen(ModalScreen[str]):
    """The action of the follower that was pressed; None for anything else."""

    CSS_PATH = "../confirm/screen.tcss"

    def __init__(self, followers: Sequence[Follower], *, key: str, patience: float) -> None:
        """`key`: the leader as the person has it. `patience`: seconds until it is forgotten."""
        super().__init__()
        self._leader = key
        self._patience = patience
        self._followers = tuple(followers)

    def compose(self) -> ComposeResult:
        with Vertical(id="panel") as panel:
            panel.border_title = Content(f"{self._leader}, then")
            yield Static(self._words())

    def _words(self) -> Content:
        """Keys and what they do, as many on a line as fit whole."""
        keys = [(follower.key, follower.words) for follower in self._followers]
        keys.append(("1-9", "agent by number"))
        parts: list[tuple[str, str]] = []
        for line in footer_lines(keys, self.app.size.width - EDGES, len(keys)):
            spans = [(text, "bold" if style == "key" else "") for text, style in line[1:]]
            parts += [*([("\n", "")] if parts else []), *spans]
        return Content.assemble(*parts)

    def on_resize(self) -> None:
        self.query_one(Static).update(self._words())

    def on_mount(self) -> None:
        self.set_timer(self._patience, self._forget)

    def _forget(self) -> None:
        if self.is_current:
            self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        pressed = event.character if event.is_printable else event.key
        for follower in self._followers:
            if follower.key in (pressed, event.key):
                self.dismiss(follower.action)
                return
        digit = pressed is not None and pressed.isdigit() and pressed != "0"
        self.dismiss(f"app.agent({pressed})" if digit else None)
