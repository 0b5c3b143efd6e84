"""Completion of `@` and `/` for the agent screen: asks for files, fills the list, takes a choice.

Between composer.py (which knows the token) and file_picker.py (which shows the choices).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from textual.widget import Widget

from sereno.core.protocol.agents import Command
from sereno.tui.link_api import ActError
from sereno.tui.widgets.composer import Composer
from sereno.tui.widgets.composer_token import Token, matching_commands
from sereno.tui.widgets.file_picker import FilePicker, choices_of_commands, choices_of_files

__all__ = ["Completion"]

_LIMIT = 50


class Completion:
    """One token at a time; an answer for an older token is thrown away."""

    def __init__(
        self,
        screen: Widget,
        composer: Composer,
        picker: FilePicker,
        *,
        find: Callable[[str, int], Awaitable[list[str]]],
        commands: Callable[[], Sequence[Command]],
        debounce: float,
    ) -> None:
        """`debounce`: seconds after a key, until files are looked for."""
        self._screen = screen
        self._composer = composer
        self._picker = picker
        self._find = find
        self._commands = commands
        self._debounce = debounce
        self._token: Token | None = None
        self._closed: tuple[str, int] | None = None
        """Kind and start of the token whose list was closed with escape: it stays closed."""

    def token_changed(self, token: Token | None) -> None:
        self._token = token
        if token is None:
            self._closed = None
            self._hide()
        elif (token.kind, token.start) == self._closed:
            self._hide()
        elif token.kind == "command":
            self._show_commands(token)
        else:
            self._screen.set_timer(self._debounce, lambda: self._ask(token))

    def list_key(self, act: str, step: int) -> None:
        match act:
            case "move":
                self._picker.move(step)
            case "close":
                self._close()
            case _:
                self._take()

    def _close(self) -> None:
        token = self._token
        self._closed = (token.kind, token.start) if token is not None else None
        self._hide()

    def _take(self) -> None:
        choice = self._picker.chosen
        if choice is None:
            self._close()
        else:
            self._composer.complete(choice)

    def _hide(self) -> None:
        self._picker.hide()
        self._composer.list_open = False

    def _show_commands(self, token: Token) -> None:
        choices = choices_of_commands(matching_commands(self._commands(), token.query))
        if not choices:
            self._hide()
            return
        self._picker.show(choices, sign="/")
        self._composer.list_open = True

    def _wants(self, token: Token) -> bool:
        """Whether an answer for `token` is still to be shown."""
        return token == self._token and (token.kind, token.start) != self._closed

    def _ask(self, token: Token) -> None:
        if self._wants(token):
            self._screen.run_worker(
                self._fetch(token), group="completion", exclusive=True, exit_on_error=False
            )

    async def _fetch(self, token: Token) -> None:
        remark = "no file matches"
        try:
            paths = await self._find(token.query, _LIMIT)
        except ActError as error:
            paths, remark = [], str(error)
        if not self._wants(token):
            return
        self._picker.show(choices_of_files(paths), sign="@", remark=remark)
        self._composer.list_open = bool(paths)
