"""Panels for a list in one line: addresses to listen on, origins whose pages may connect."""

from __future__ import annotations

import re
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from sereno.core.protocol.security import ChangeSecurity
from sereno.tui.screens.security import asking
from sereno.tui.screens.security.facts import said
from sereno.tui.screens.security.panel import EditPanel
from sereno.tui.screens.security.widening import reached_from, widened
from sereno.tui.widgets.field import Field

__all__ = ["ListenPanel", "OriginsPanel", "listed"]


def listed(text: str) -> list[str]:
    """`a, b c`: what stands between commas and blanks, each once."""
    return list(dict.fromkeys(word for word in re.split(r"[,\s]+", text) if word))


class ListPanel(EditPanel):
    """One field, and what each of its words means under it."""

    LABEL: ClassVar[str] = ""
    HELP: ClassVar[str] = ""
    EMPTY: ClassVar[str] = ""
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("enter", "save"),
        ("esc", "back"),
    )

    def value(self) -> list[str]:
        """As it is now."""
        raise NotImplementedError

    def meaning(self, word: str) -> str:
        """What one of them means; empty where only the daemon can say."""
        raise NotImplementedError

    def change(self, words: list[str]) -> ChangeSecurity:
        raise NotImplementedError

    def fields(self) -> ComposeResult:
        yield self.field(self.LABEL, Field(", ".join(self.value()), id="list"))
        yield Static("", id="means", markup=False)
        yield Static(self.HELP, id="help", markup=False)

    @property
    def words(self) -> list[str]:
        return listed(self.query_one("#list", Input).value)

    @on(Input.Changed)
    def _typed(self) -> None:
        self.trouble("")
        means = [(word, self.meaning(word)) for word in self.words]
        lines = [f"{said(word)}: {meaning}" for word, meaning in means if meaning]
        told = lines or ([] if self.words else [self.EMPTY])
        self.query_one("#means", Static).update(Content("\n".join(told)))

    def action_save(self) -> None:
        if self.words == self.value():
            self.dismiss(None)
            return
        change = self.change(self.words)
        ask = partial(asking.change, self.sereno.link, change)
        self.send(widened(self.state, change), ask)


class ListenPanel(ListPanel):
    """`daemon.listen`."""

    TITLE_WORDS = "Network addresses"
    LABEL = "Listen on"
    HELP = "127.0.0.1:6767, [::1]:6767, a port alone, or unix:///path; commas between."
    EMPTY = "Nothing: the local socket only."

    def value(self) -> list[str]:
        return list(self.state.listen)

    def meaning(self, word: str) -> str:
        return reached_from(word)

    def change(self, words: list[str]) -> ChangeSecurity:
        return ChangeSecurity(request_id="", listen=words)


class OriginsPanel(ListPanel):
    """`daemon.cors.allowed_origins`."""

    TITLE_WORDS = "Origins whose pages may connect"
    LABEL = "Origins"
    HELP = "https://app.example.com, without a path; * is every web site. Commas between."
    EMPTY = "None but pages of this daemon itself."

    def value(self) -> list[str]:
        return list(self.state.origins)

    def meaning(self, word: str) -> str:
        return "pages of every web site" if word == "*" else ""

    def change(self, words: list[str]) -> ChangeSecurity:
        return ChangeSecurity(request_id="", origins=words)
