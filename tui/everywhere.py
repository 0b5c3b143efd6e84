"""The keys that work in every place: copy, leader, mouse, redraw, stop or leave, a new daemon.

A part of SerenoApp in a file of its own; keys.py has the bindings.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from textual.widgets import Input

from sereno.tui import clipboard
from sereno.tui.keys import LEADER, Follower
from sereno.tui.link_api import ActError
from sereno.tui.model import Connection, Phase
from sereno.tui.places import Places
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.terminal import BELL
from sereno.tui.textual_private import write_raw
from sereno.tui.times import Times

if TYPE_CHECKING:
    from sereno.tui.screens.copy.screen import Piece

__all__ = ["Everywhere"]


def _possible(connection: Connection) -> tuple[Follower, ...]:
    """Followers of the leader in every place: a daemon is started, or called, where none is."""
    if connection.phase in (Phase.READY, Phase.STARTING):
        return tuple(each for each in LEADER if each.action != "app.start_daemon")
    if not connection.remote:
        return LEADER
    again = "call it again now"
    return tuple(
        Follower(each.key, again, each.action) if each.action == "app.start_daemon" else each
        for each in LEADER
    )


class Everywhere(Places, inherit_bindings=False):
    """What the keys of keys.EVERYWHERE do."""

    _stopped_at = 0
    _rings: bool
    times: Times

    def now_ms(self) -> int:
        raise NotImplementedError

    def action_detach(self) -> None:
        raise NotImplementedError

    def ring(self) -> None:
        """The terminal's bell, unless the person wants none."""
        if self._rings:
            write_raw(self, BELL)

    def copy_to_clipboard(self, text: str) -> None:
        """To the terminal, and to tmux or the desktop where they are; without controls."""
        text = clipboard.clean(text)
        super().copy_to_clipboard(text)
        environment = dict(os.environ)
        if clipboard.commands(environment):
            work = partial(clipboard.run, text, environment)
            self.run_worker(work, group="copy", thread=True, exit_on_error=False)

    def action_copy_menu(self) -> None:
        """What the place has to copy; nobody can tell whether the terminal takes it."""
        from sereno.tui.screens.copy.screen import CopyMenu

        def chosen(piece: Piece | None) -> None:
            if piece is not None:
                self.copy_to_clipboard(piece.text)
                self.notify(f"Sent to the terminal's clipboard: {piece.label}.")

        pieces = self.screen.pieces() if isinstance(self.screen, SerenoScreen) else []
        if pieces:
            self.push_screen(CopyMenu(pieces), chosen)
        else:
            self.notify("There is nothing to copy here.")

    def action_start_daemon(self) -> None:
        """A daemon in the background where none runs: another window stopped it, or it broke."""
        if self.model.connection.phase is Phase.READY:
            self.notify("A daemon runs already.")
            return
        if self.model.connection.phase is not Phase.STARTING:
            self.run_worker(self._start_daemon(), group="acts", exit_on_error=False)

    async def _start_daemon(self) -> None:
        try:
            await self.link.start_daemon()
        except ActError as error:
            self.notify(str(error), severity="error")

    def action_redraw(self) -> None:
        self.refresh(repaint=True, layout=True)

    def action_mouse(self) -> None:
        """Mouse on or off, so that the terminal's own selection works."""
        from sereno.tui.mouse import toggle

        self.notify(toggle(self))

    async def action_leader(self) -> None:
        from sereno.tui.screens.leader.screen import LeaderScreen

        if isinstance(self.screen, LeaderScreen):
            return
        screen = self.screen
        mine = screen.FOLLOWERS if isinstance(screen, SerenoScreen) else ()
        followers = (*mine, *_possible(self.model.connection))

        async def chosen(action: str | None) -> None:
            if action is not None:
                await self.run_action(action, default_namespace=screen)

        self.push_screen(
            LeaderScreen(followers, key=self.leader, patience=self.times.leader), chosen
        )

    def action_interrupt(self) -> None:
        """`ctrl+c`: copy a selection, clear a text, stop a turn; twice when idle, detach."""
        from textual.widgets import TextArea

        selected = self.screen.get_selected_text()
        if selected:
            self.copy_to_clipboard(selected)
            self.screen.clear_selection()
            self.notify("Sent to the terminal's clipboard.")
            return
        if isinstance(self.screen, SerenoScreen) and self.screen.interrupt_key():
            self._stopped_at = 0
            return
        focused = self.focused
        if isinstance(focused, Input) and focused.value:
            focused.value = ""
            return
        if isinstance(focused, TextArea) and focused.text:
            focused.text = ""
            return
        now = self.now_ms()
        if self._stopped_at and now - self._stopped_at <= self.times.twice * 1000:
            self.action_detach()
            return
        self._stopped_at = now
        words = f"{self.key_of('app.stop', 'ctrl+c')} once more detaches; the agents keep running."
        self.notify(words, timeout=self.times.twice)
