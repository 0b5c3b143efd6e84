"""All values of a field in a list: typed letters filter it, arrows move, `enter` takes one.

For lists that are too long to be turned through, as the models of some programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from sereno.tui.keys import key
from sereno.tui.lines import Line, beside, wrap
from sereno.tui.widgets.choice import Option
from sereno.tui.widgets.field import Field
from sereno.tui.widgets.rows import Row, RowList
from sereno.tui.words import cut

__all__ = ["ChooseOne", "fitting"]

ROWS, ROWS_SHORT = 12, 6


def fitting(options: Sequence[Option], words: str) -> list[int]:
    """The places of the options that hold all of these words, in their order."""
    wanted = words.casefold().split()
    texts = [f"{each.label} {each.value} {each.note}".casefold() for each in options]
    return [place for place, text in enumerate(texts) if all(word in text for word in wanted)]


class ChooseOne(ModalScreen[str]):
    """The value that was taken, or None when the person went back."""

    CSS_PATH = "screen.tcss"
    AUTO_FOCUS = "#words"

    BINDINGS: ClassVar[list[BindingType]] = [
        key("down,ctrl+n", "move(1)", "down", "choose.down"),
        key("up", "move(-1)", "up", "choose.up"),
        key("pagedown", "page(1)", "page down", "choose.page_down"),
        key("pageup", "page(-1)", "page up", "choose.page_up"),
        key("escape", "leave", "back, nothing changes", "choose.leave"),
    ]

    def __init__(self, title: str, options: Sequence[Option], value: str) -> None:
        super().__init__()
        self._words = title
        self._options = tuple(options)
        self._value = value

    def compose(self) -> ComposeResult:
        with Vertical(id="panel") as panel:
            panel.border_title = Content(self._words)
            yield Field(id="words", placeholder="type to filter")
            yield RowList(id="values", empty=[((" nothing matches", "dim"),)])
            yield Static("", id="about", markup=False)
            keys = (("up down", "choose"), ("enter", "take it"), ("esc", "back"))
            parts = [part for name, does in keys for part in ((name, "bold"), f" {does}     ")]
            yield Static(Content.assemble(*parts))

    def on_mount(self) -> None:
        most = ROWS if self.app.size.height >= 24 else ROWS_SHORT
        self.query_one("#values", RowList).styles.height = min(len(self._options), most)
        room, width = self._columns
        cut_notes = [each.note for each in self._options if cell_len(each.note) > width - room]
        about = self.query_one("#about", Static)
        about.display = bool(cut_notes)
        about.styles.height = max((len(wrap(note, width)) for note in cut_notes), default=0)
        self._show("")
        known = [option.value for option in self._options]
        if self._value in known:
            self._list.move_to(str(known.index(self._value)))

    def on_resize(self) -> None:
        self.call_after_refresh(lambda: self._show(self.query_one("#words", Input).value))

    @property
    def _list(self) -> RowList:
        return self.query_one("#values", RowList)

    @property
    def _columns(self) -> tuple[int, int]:
        """Cells of the labels, and of the whole row."""
        width = self.app.size.width - 6
        widest = max((len(option.label) for option in self._options), default=0)
        return min(max(12, widest + 5), width // 2), width

    @on(RowList.Highlighted)
    def _show_about(self, event: RowList.Highlighted) -> None:
        """What is said of the value under the cursor, whole, where any is cut in its row."""
        option = self._options[int(event.key)] if event.key else None
        words = "" if option is None else "\n".join(wrap(option.note, self._columns[1]))
        style = "$need-failed" if option is not None and option.style == "failed" else ""
        self.query_one("#about", Static).update(Content.assemble((words, style)))

    def _show(self, words: str) -> None:
        room, width = self._columns
        rows = [
            Row(str(place), (self._row(self._options[place], room, width),))
            for place in fitting(self._options, words)
        ]
        self._list.show(rows)

    def _row(self, option: Option, room: int, width: int) -> Line:
        here = "* " if option.value == self._value else "  "
        label = cut(option.label, room - 5)
        return beside(
            [
                (((here, "accent"),), 2),
                (((label, ""),), room - 2),
                (((option.note, option.style),), max(0, width - room)),
            ]
        )

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value)

    @on(Input.Submitted)
    def _taken(self) -> None:
        place = self._list.cursor_key
        if place:
            self.dismiss(self._options[int(place)].value)

    @on(RowList.Chosen)
    def _clicked(self, event: RowList.Chosen) -> None:
        self.dismiss(self._options[int(event.key)].value)

    def action_move(self, by: int) -> None:
        self._list.action_move(by)

    def action_page(self, by: int) -> None:
        self._list.action_page(by * 2)

    def action_leave(self) -> None:
        self.dismiss(None)
