"""The copy menu: what this place has to copy, a letter each. Any other key goes back.

It sends nothing itself: the app gives the chosen text to the terminal (clipboard.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from sereno.tui.wall import harmless
from sereno.tui.words import cut, one_line, pad

__all__ = ["CopyMenu", "Piece"]

LABEL = 14
PREVIEW = 2_000
"""Characters of a piece that are looked at for its one line here."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that can be copied: its letter, what it is, and the text in full."""

    key: str
    label: str
    text: str


class CopyMenu(ModalScreen[Piece]):
    """The piece whose letter was pressed; None for anything else."""

    CSS_PATH = "../confirm/screen.tcss"

    def __init__(self, pieces: Sequence[Piece]) -> None:
        super().__init__()
        self._pieces = tuple(pieces)

    def compose(self) -> ComposeResult:
        with Vertical(id="panel") as panel:
            panel.border_title = Content("Copy")
            for piece in self._pieces:
                room = max(10, self.app.size.width - LABEL - 9)
                shown = cut(harmless(one_line(piece.text[:PREVIEW])), room)
                yield Static(
                    Content.assemble(
                        (piece.key, "bold"), f"  {pad(piece.label, LABEL)} ", (shown, "dim")
                    )
                )
            yield Static(Content.assemble(("esc", "bold"), " back"))

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        chosen = [piece for piece in self._pieces if piece.key == event.character]
        self.dismiss(chosen[0] if chosen else None)
