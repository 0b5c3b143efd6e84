"""Where a prompt is written: several lines, earlier prompts, and tokens to be completed.

`enter` sends, `ctrl+j` breaks the line. It posts messages and knows neither agent nor daemon; the
list for `@` and `/` is file_picker.py, the earlier prompts are composer_history.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from sereno.tui.widgets.composer_history import PromptHistory
from sereno.tui.widgets.composer_token import Token, completed, token_at

__all__ = ["Composer"]

_NEW_LINE = ("ctrl+j", "shift+enter", "alt+enter", "ctrl+enter")
"""The first works in every terminal; the others only where it tells them from enter."""
_LIST_KEYS = {"up": -1, "down": 1, "ctrl+n": 1, "pageup": -8, "pagedown": 8}


class Composer(TextArea, inherit_bindings=False):
    """A text field whose letters are text; only what is bound here does something else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "cursor_left", show=False),
        Binding("right", "cursor_right", show=False),
        Binding("up", "cursor_up", show=False),
        Binding("down", "cursor_down", show=False),
        Binding("ctrl+left,alt+b", "cursor_word_left", show=False),
        Binding("ctrl+right,alt+f", "cursor_word_right", show=False),
        Binding("home", "cursor_line_start", show=False),
        Binding("end", "cursor_line_end", show=False),
        Binding("pageup", "cursor_page_up", show=False),
        Binding("pagedown", "cursor_page_down", show=False),
        Binding("shift+left", "cursor_left(True)", show=False),
        Binding("shift+right", "cursor_right(True)", show=False),
        Binding("shift+up", "cursor_up(True)", show=False),
        Binding("shift+down", "cursor_down(True)", show=False),
        Binding("shift+home", "cursor_line_start(True)", show=False),
        Binding("shift+end", "cursor_line_end(True)", show=False),
        Binding("f7", "select_all", "select all", show=False),
        Binding("backspace", "delete_left", show=False),
        Binding("delete,ctrl+d", "delete_right", show=False),
        Binding("ctrl+backspace,alt+backspace", "delete_word_left", show=False),
        Binding("alt+d", "delete_word_right", show=False),
        Binding("ctrl+u", "delete_to_start_of_line", show=False),
        Binding("ctrl+v", "paste", show=False),
        Binding("ctrl+underscore", "undo", "undo", show=False),
        Binding("ctrl+y", "redo", "redo", show=False),
    ]

    _READLINE: ClassVar[dict[str, str]] = {
        "ctrl+a": "cursor_line_start",
        "ctrl+e": "cursor_line_end",
        "ctrl+w": "delete_word_left",
        "ctrl+k": "delete_to_end_of_line_or_delete_line",
    }
    """Editing keys that readline has everywhere; not bindings, so that no keymap moves them."""

    @dataclass
    class Submitted(Message):
        """`delivery` "queue": after the running turn; "interrupt": now, the turn is stopped."""

        text: str
        delivery: Literal["queue", "interrupt"]

    @dataclass
    class TokenChanged(Message):
        """What is to be completed at the cursor, or nothing any more."""

        token: Token | None

    @dataclass
    class ListKey(Message):
        """A key for the open list: move by `step`, or take ("take"), or close it ("close")."""

        step: int
        act: Literal["move", "take", "close"]

    class Blank(Message):
        """`enter` where nothing is written: what is held goes, if anything is."""

    class Left(Message):
        """`esc`: to the view."""

    class TakeBackWanted(Message):
        """`up` in an empty composer: the newest queued prompt, else an earlier one."""

    def __init__(
        self,
        *,
        typed: Callable[[str], None],
        dropped: Callable[[str], str | None] = lambda _text: None,
        id: str,  # noqa: A002
    ) -> None:
        """`typed` hears of every key and paste, before anything is done with it.

        `dropped` says what stands for a paste instead, where it is a file that was dropped here.
        """
        super().__init__(id=id, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False)
        self.cursor_blink = False
        self.earlier = PromptHistory()
        self.list_open = False
        """A list of completions is shown: some keys are for it."""
        self.queue_waits = False
        """Prompts are queued: `up` in an empty composer takes one back."""
        self._typed = typed
        self._dropped = dropped
        self._token: Token | None = None
        self._walking = False

    # -- text ----------------------------------------------------------------------------------

    def put(self, text: str) -> None:
        """Replaces the text, the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    def send(self, delivery: Literal["queue", "interrupt"] = "queue") -> None:
        """Sends what is there; nothing where there is only white space."""
        text = self.text.strip("\n")
        if not text.strip():
            self.post_message(self.Blank())
            return
        self.earlier.add(text)
        self.put("")
        self.post_message(self.Submitted(text, delivery))

    def complete(self, choice: str) -> None:
        """Puts a choice of the list in place of the token."""
        token = self._token
        if token is None:
            return
        row, _ = self.cursor_location
        self.replace(completed(token, choice), (row, token.start), (row, token.end))

    # -- keys: Textual calls the handlers of the base class after these, unless prevented -------

    async def _on_key(self, event: events.Key) -> None:
        self._typed(event.key)
        if self._for_list(event.key) or await self._for_text(event.key):
            event.stop()
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        self._typed("")
        words = self._dropped(event.text)
        if words is not None:
            event.stop()
            event.prevent_default()
            self.insert(words)

    def _for_list(self, key: str) -> bool:
        if not self.list_open:
            return False
        if key in _LIST_KEYS:
            self.post_message(self.ListKey(_LIST_KEYS[key], "move"))
        elif key in ("tab", "enter"):
            self.post_message(self.ListKey(0, "take"))
        elif key == "escape":
            self.post_message(self.ListKey(0, "close"))
        else:
            return False
        return True

    async def _for_text(self, key: str) -> bool:
        if key == "enter":
            self.send()
        elif key in _NEW_LINE:
            self.insert("\n")
        elif key == "escape":
            self.post_message(self.Left())
        elif key == "up" and self._at_top():
            self._walk_back()
        elif key == "down" and self._at_bottom():
            self._walk_on()
        elif key in self._READLINE:
            await self.run_action(self._READLINE[key])
        else:
            return False
        return True

    def _at_top(self) -> bool:
        return (
            self.cursor_at_first_line
            and self.wrapped_document.location_to_offset(self.cursor_location).y == 0
        )

    def _at_bottom(self) -> bool:
        end = self.wrapped_document.location_to_offset(self.document.end)
        return self.wrapped_document.location_to_offset(self.cursor_location).y == end.y

    def _walk_back(self) -> None:
        if not self.text and self.queue_waits:
            self.post_message(self.TakeBackWanted())
            return
        self._show_walked(self.earlier.older(self.text))

    def _walk_on(self) -> None:
        self._show_walked(self.earlier.newer())

    def _show_walked(self, text: str | None) -> None:
        if text is not None:
            self._walking = True
            self.put(text)

    # -- what follows from a change ------------------------------------------------------------

    def on_text_area_changed(self) -> None:
        if self._walking:
            self._walking = False
        else:
            self.earlier.stop()
        self._look_for_token()

    def on_text_area_selection_changed(self) -> None:
        self._look_for_token()

    def _look_for_token(self) -> None:
        row, column = self.cursor_location
        token = token_at(self.document.get_line(row), row, column) if self.has_focus else None
        if token != self._token:
            self._token = token
            self.post_message(self.TokenChanged(token))

    def _on_blur(self, event: events.Blur) -> None:
        del event
        self._token = None
        self.post_message(self.TokenChanged(None))
