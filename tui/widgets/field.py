"""One line of text. Like Textual's Input, but still: its cursor does not blink (rule 9)."""

from __future__ import annotations

from textual.widgets import Input

__all__ = ["Field"]


class Field(Input):
    """`placeholder` is ours, never an agent's."""

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(value, placeholder=placeholder, id=id, select_on_focus=False)
        self.set_reactive(Input.cursor_blink, False)
