"""What the agent screen does around requests: the panel's room and keyboard, answers, their ends.

A mixin of screen.py, on top of prompts.py; what the panel itself does is in tui/widgets.
"""

from __future__ import annotations

from textual import on

from sereno.tui.messages import Answer
from sereno.tui.screens.agent import view
from sereno.tui.screens.agent.head import Look
from sereno.tui.screens.agent.pager import RequestPager
from sereno.tui.screens.agent.prompts import PromptActs
from sereno.tui.widgets.request_panel import RequestPanel

__all__ = ["RequestActs"]


class RequestActs(PromptActs):
    """Acts on requests; the screen has the parts."""

    def look(self) -> Look:
        """The clock, the person's home, the size of the screen and the leader, for views."""
        return Look(
            self.now_ms(),
            self.sereno.home,
            self.size.width,
            self.size.height,
            self.sereno.leader,
        )

    def panel_room(self) -> tuple[int, int]:
        """Lines for the request panel: with some of the talk above it, and with none."""
        look = self.look()
        head = 2 if look.short else 3
        footer = 2 if look.short else 3
        writing = min(3 if look.short else 8, max(1, self.composer.size.height))
        talk = 1 if look.short else 4
        hint = 0 if look.short else max(1, self.query_one("#hint").size.height)
        most = look.height - head - footer - writing - hint
        return most - talk, most

    def focus_request(self) -> None:
        """`ctrl+g`: to the request, or to the next one when it is there already."""
        self.panel.wake()

    @on(RequestPanel.Answered)
    def _answered(self, event: RequestPanel.Answered) -> None:
        event.stop()
        self.post_message(Answer(self.agent_id, event.request_id, event.response))

    @on(RequestPanel.Gone)
    def _gone(self, event: RequestPanel.Gone) -> None:
        event.stop()
        answer = self.model.answers.get(event.request_id)
        if not event.ours:
            self.say(view.closing_words(event.request_id, answer))

    @on(RequestPanel.Stands)
    def _stands(self, event: RequestPanel.Stands) -> None:
        event.stop()
        self.set_class(self.panel.fills, "-crowded")
        self.words_changed()

    @on(RequestPanel.FocusWanted)
    def _focus_wanted(self, event: RequestPanel.FocusWanted) -> None:
        event.stop()
        (self.panel if event.where == "panel" else self.composer).focus()
        self.words_changed()

    @on(RequestPanel.PagerWanted)
    def _pager(self, event: RequestPanel.PagerWanted) -> None:
        request = event.request

        def closed(seen: bool | None) -> None:
            if seen and self.panel.desk.current == request:
                self.panel.end_seen()

        self.app.push_screen(RequestPager(request), closed)
