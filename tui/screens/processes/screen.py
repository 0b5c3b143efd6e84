"""What runs for one agent: its processes as a tree, with the memory of each. Nothing is ended here.

It asks the daemon again at a gentle pace, and only while it is on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.worker import Worker

from sereno.core.protocol.additions import InspectAgentResult
from sereno.tui.keys import key
from sereno.tui.lines import Line
from sereno.tui.link_api import ActError
from sereno.tui.model import AgentState, Changes
from sereno.tui.screens.agent.parts import Lines
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.copy.screen import Piece
from sereno.tui.screens.processes import view
from sereno.tui.widgets.footer import Footer, FooterKey
from sereno.tui.widgets.header import Header
from sereno.tui.widgets.line import paint, palette_of
from sereno.tui.words import cut, one_line

__all__ = ["ProcessesScreen"]

PACE = 2
"""Seconds between two questions."""


class Tree(ScrollView, can_focus=True):
    """The drawn lines, scrolled; they are made again for another width by the screen."""

    DEFAULT_CSS = "Tree { height: 1fr; width: 1fr; overflow-x: hidden; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        key("down,j", "scroll_down", "down", "processes.down"),
        key("up,k", "scroll_up", "up", "processes.up"),
        key("home,g", "scroll_home", "first line", "processes.first"),
        key("end,G", "scroll_end", "last line", "processes.last"),
        key("ctrl+d,pagedown", "page_down", "page down", "processes.page_down"),
        key("ctrl+u,pageup", "page_up", "page up", "processes.page_up"),
    ]

    def __init__(self) -> None:
        super().__init__(id="tree")
        self._lines: tuple[Line, ...] = ()

    def show(self, lines: Sequence[Line]) -> None:
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self.virtual_size = Size(self.size.width, len(lines))
            self.refresh()

    def render_line(self, y: int) -> Strip:
        place = y + self.scroll_offset.y
        line = self._lines[place] if place < len(self._lines) else ()
        return paint(line, self.size.width, palette_of(self), self.rich_style)


class ProcessesScreen(SerenoScreen[None]):
    """Of the agent `agent_id`; dismissed by `esc`, the agent's screen is under it."""

    CSS_PATH = "screen.tcss"
    PLACE = "processes"
    AUTO_FOCUS = "#tree"
    FOOTER: ClassVar[tuple[FooterKey, ...]] = (
        ("j k", "move"),
        ("w", "whole commands"),
        ("c", "copy"),
        ("esc", "back"),
        ("?", "keys"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("w", "wrap", "commands whole or cut", "processes.wrap"),
        key("c", "app.copy_menu", "copy ...", "processes.copy"),
        key("escape,q,P,right_square_bracket", "back", "back to the talk", "processes.back"),
    ]

    def __init__(self, agent_id: str) -> None:
        super().__init__()
        self.agent_id = agent_id
        self._found: InspectAgentResult | None = None
        self._trouble = ""
        self._wrap = False
        self._waited = 0
        self._asking = False

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        yield Tree()
        yield Lines(id="facts")
        yield Footer(self.FOOTER, id="footer")

    def on_mount(self) -> None:
        self._show()
        self._ask()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def model_changed(self, changes: Changes) -> None:
        if changes.everything or self.agent_id in changes.agents:
            self._show()

    @property
    def state(self) -> AgentState | None:
        return self.model.agents.get(self.agent_id)

    # -- asking --------------------------------------------------------------------------------

    def clock_ticked(self) -> None:
        """A second passed, and the screen is looked at."""
        self._waited += 1
        if self._waited >= PACE and not self._asking:
            self._ask()

    def _ask(self) -> None:
        self._waited, self._asking = 0, True
        _: Worker[None] = self.run_worker(self._fetch, group="log", exit_on_error=False)

    async def _fetch(self) -> None:
        try:
            found = await self.sereno.link.inspect(self.agent_id)
        except ActError as error:
            self._trouble = str(error)
        else:
            self._trouble = found.error or ""
            self._found = found
        finally:
            self._asking = False
        self._show()

    # -- showing -------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.is_mounted:
            return
        found, state, width = self._found, self.state, self.size.width
        title = one_line(state.title) if state is not None else self.agent_id[:8]
        right = "" if self._trouble and found is None else view.heading(found)
        left: Line = (
            ("sereno", "strong"),
            ("  processes   ", "dim"),
            (f"[{cut(title, max(8, width - 26 - len(right)))}]", ""),
        )
        self.query_one("#header", Header).show(left, ((right, "dim"),))
        lines = [] if found is None else view.tree_lines(found, width - 1, wrapped=self._wrap)
        self.query_one(Tree).show(lines)
        facts = view.fact_lines(found, state, self._trouble, now_ms=self.now_ms(), width=width)
        self.query_one("#facts", Lines).show(facts)

    # -- what the keys do ----------------------------------------------------------------------

    def pieces(self) -> list[Piece]:
        found = self._found
        if found is None or not found.processes:
            return []
        pids = (("a", "agent's pid", found.agent_pid), ("r", "runner's pid", found.runner_pid))
        known = [Piece(name, label, str(pid)) for name, label, pid in pids if pid is not None]
        return [*known, Piece("t", "the whole tree", view.copied(found))]

    def action_wrap(self) -> None:
        self._wrap = not self._wrap
        self._show()

    def action_back(self) -> None:
        self.dismiss(None)
