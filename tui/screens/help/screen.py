"""Every key of the place that was left for it, taken from the bindings, and those of everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input, TextArea

from sereno.tui.keys import LEADER, LEADER_KEY, key
from sereno.tui.lines import Line
from sereno.tui.model import Need
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.help import view
from sereno.tui.widgets.footer import Footer, FooterKey
from sereno.tui.widgets.header import Header
from sereno.tui.widgets.key_shown import key_shown
from sereno.tui.widgets.line import LineWidget

__all__ = ["HelpScreen", "groups_of"]


def groups_of(screen: Screen[object]) -> list[view.Group]:
    """The keys of the screen, of the part that has the focus, and of everywhere.

    Ours have ids; of Textual's own only those of a text field are worth a line.
    """
    found: dict[DOMNode, list[Binding]] = {}
    for active in screen.active_bindings.values():
        if active.binding.id or isinstance(active.node, (Input, TextArea)):
            found.setdefault(active.node, []).append(active.binding)
    place = screen.PLACE if isinstance(screen, SerenoScreen) else "here"
    titles = {screen: place.capitalize(), screen.app: "Everywhere"}
    groups: list[view.Group] = []
    for node, bindings in found.items():
        text = isinstance(node, (Input, TextArea))
        title = titles.get(node, "In the text" if text else "In this part")
        groups.append(view.grouped(title, bindings))
    followers = screen.FOLLOWERS if isinstance(screen, SerenoScreen) else ()
    shown = key_shown(getattr(screen.app, "keymap", {}), "app.leader", LEADER_KEY)
    leader = [(f"{shown} {each.key}", each.words) for each in (*followers, *LEADER)]
    leader.append((f"{shown} 1-9", "agent by number"))
    groups.append(view.Group("After the leader", tuple(leader)))
    order = [place.capitalize(), "In this part", "In the text", "After the leader", "Everywhere"]
    return sorted(groups, key=lambda group: order.index(group.title))


def letters() -> view.Group:
    """The state letters, which stand before colour."""
    told = {need.letter: need.word for need in Need if need is not Need.STARTING}
    return view.Group("State letters", tuple(told.items()))


class Keys(LineWidget):
    """The lines of the help, as high as there are."""

    DEFAULT_CSS = """
    Keys { height: auto; }
    """

    def __init__(self, groups: Sequence[view.Group]) -> None:
        super().__init__()
        self._groups = tuple(groups)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        del container, viewport
        return len(view.help_lines(self._groups, width))

    def lines(self, width: int, height: int) -> Sequence[Line]:
        del height
        return view.help_lines(self._groups, width)


class HelpScreen(SerenoScreen[None]):
    """Read it, press any of `esc`, `q`, `?`, and be back."""

    PLACE = "help"
    FOOTER: ClassVar[tuple[FooterKey, ...]] = (("j k", "scroll"), ("esc", "back"))
    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape,q,question_mark,f1", "back", "back", "help.back"),
        key("down,j", "scroll(1)", "down", "help.down"),
        key("up,k", "scroll(-1)", "up", "help.up"),
        key("ctrl+d,pagedown,space", "scroll(10)", "page down", "help.page_down"),
        key("ctrl+u,pageup", "scroll(-10)", "page up", "help.page_up"),
    ]

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._groups = [*groups_of(screen), letters()]
        self._of = screen.PLACE if isinstance(screen, SerenoScreen) else ""

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        with VerticalScroll(id="scroll", can_focus=False):
            yield Keys(self._groups)
        yield Footer(self.FOOTER, id="footer")

    def on_mount(self) -> None:
        left = (("sereno", "strong"), (f"  keys: {self._of}", ""))
        self.query_one("#header", Header).show(left)

    def action_scroll(self, by: int) -> None:
        self.query_one("#scroll").scroll_relative(y=by, animate=False)

    def action_back(self) -> None:
        self.dismiss(None)
