"""A live pane: a box around the tail of one agent's work, drawn with the line API.

`PaneBody` has neither border nor padding and draws its own strips, past Textual's styles cache
(measured: 8 % of a core for nine streaming panes, against 60 with a RichLog); what the cache would
have added, the line filters for NO_COLOR and for the wall, is applied here. The screen's one timer
asks it to `update`; it holds no timer of its own. `PaneBox` is the border, with the title and the
state in its upper edge.
"""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from sereno.tui.lines import RULE, Line, width_of
from sereno.tui.model import AgentState, Need
from sereno.tui.wall import harmless
from sereno.tui.widgets.line import paint, palette_of
from sereno.tui.words import cut

__all__ = ["PaneBody", "PaneBox", "edge_title"]


class PaneBody(Widget):
    """The strips of the newest lines; blank rows below them while there are few."""

    DEFAULT_CSS = """
    PaneBody { width: 1fr; height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._state: AgentState | None = None
        self._drawn: tuple[object, ...] = ()
        self._strips: list[Strip] = []

    def update(self, state: AgentState | None) -> None:
        """Draws anew where the timeline, the size or the theme changed since the last time."""
        self._state = state
        if self._stamp() != self._drawn:
            self.refresh()

    def _stamp(self) -> tuple[object, ...]:
        state = self._state
        palette = palette_of(self)
        if state is None:
            return (None, self.size, id(palette))
        timeline = state.timeline
        return (id(state.snapshot), timeline.generation, timeline.version, self.size, id(palette))

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._stamp() != self._drawn:
            self._strips = self._paint()
            self._drawn = self._stamp()
        strips = self._strips[crop.y : crop.bottom]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def _paint(self) -> list[Strip]:
        width, height = self.size
        lines: list[Line] = []
        if self._state is not None:
            from sereno.tui.pane_view import failure_shown, pane_lines

            trouble = failure_shown(self._state, width, height)
            lines = pane_lines(self._state.timeline.blocks, width, height - len(trouble))
            lines += trouble
        palette, base = palette_of(self), self.rich_style
        _, background = self.background_colors
        strips = [paint(line, width, palette, base) for line in lines]
        strips += [Strip.blank(width, base)] * (height - len(strips))
        for line_filter in self.app.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        return strips


def edge_title(left: str, right: Line, width: int) -> tuple[str, str]:
    """Title and rule for the upper edge of a box `width` cells wide, so that `right` ends it."""
    room = width - 8 - width_of(right)
    shown = cut(harmless(left), max(1, room - 1))
    return shown, RULE * max(1, room - cell_len(shown))


class PaneBox(Container):
    """The box of one agent; `show` says whose."""

    DEFAULT_CSS = """
    PaneBox {
        height: 1fr; width: 1fr; padding: 0 1;
        border: round $line; border-title-color: $foreground; border-title-style: none;
    }
    PaneBox.-asks { border: round $need-asks; }
    """

    def __init__(self) -> None:
        """Off the screen until it is somebody's."""
        super().__init__(classes="-off")
        self.body = PaneBody()
        self.agent_id = ""
        self._edge: tuple[object, ...] = ()

    class Clicked(Message):
        """The person wants to see this agent whole."""

        def __init__(self, agent_id: str) -> None:
            super().__init__()
            self.agent_id = agent_id

    def compose(self) -> ComposeResult:
        yield self.body

    def on_click(self) -> None:
        if self.agent_id:
            self.post_message(self.Clicked(self.agent_id))

    def show(self, state: AgentState, title: str, right: Line) -> None:
        """Whose pane this is, with its name and its state in the upper edge."""
        self.agent_id = state.id
        self.set_class(state.need is Need.ASKS, "-asks")
        palette = palette_of(self)
        edge = (title, right, self.outer_size.width, id(palette))
        if edge != self._edge:
            self._edge = edge
            name, rule = edge_title(title, right, self.outer_size.width)
            words = [(text, Style.from_rich_style(palette.style(style))) for text, style in right]
            line = Style.from_rich_style(palette.style("line"))
            self.border_title = Content.assemble(name, " ", (rule, line), " ", *words)
        self.body.update(state)
