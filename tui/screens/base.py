"""What every screen of ours has in common: the model, the clock, the footer's keys.

A screen is a folder with `screen.py`, `screen.tcss` and `view.py` (pure functions from state to
lines). It reads the model, posts messages.py messages, and never talks to a client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.binding import BindingType
from textual.events import ScreenResume
from textual.geometry import Size
from textual.screen import Screen

from sereno.tui.keys import Follower, key
from sereno.tui.model import Changes, FleetModel
from sereno.tui.widgets.footer import FooterKey

if TYPE_CHECKING:
    from sereno.tui.app import SerenoApp
    from sereno.tui.screens.copy.screen import Piece

__all__ = ["SerenoScreen"]

Result = TypeVar("Result")


class SerenoScreen(Screen[Result]):
    """A whole screen."""

    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [
        (0, "-narrow"),
        (80, "-wide"),
        (120, "-broad"),
    ]
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-short"), (24, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab", "app.focus_next", "next part", "screen.next"),
        key("shift+tab", "app.focus_previous", "previous part", "screen.previous"),
    ]

    PLACE: ClassVar[str] = ""
    """The word for this place: in the help, and after `:`."""

    OWN_NEWS: ClassVar[bool] = False
    """Whether the place itself says why an act of its own failed (`ActFailed`)."""

    FOOTER: ClassVar[tuple[FooterKey, ...]] = ()
    FOLLOWERS: ClassVar[tuple[Follower, ...]] = ()
    """What may follow the leader here, besides keys.LEADER; actions run on this screen."""

    _styled = False

    def on_screen_resume(self, event: ScreenResume) -> None:
        """A screen that was made just now has its styles from being made."""
        event.refresh_styles = self._styled
        self._styled = True

    @classmethod
    def size_classes(cls, size: Size) -> str:
        """The classes that a screen of this size has by its breakpoints."""
        ways = ((size.width, cls.HORIZONTAL_BREAKPOINTS), (size.height, cls.VERTICAL_BREAKPOINTS))
        return " ".join(
            max(one for one in points if one[0] <= cells)[1] for cells, points in ways if points
        )

    @property
    def sereno(self) -> SerenoApp:
        return cast("SerenoApp", self.app)

    @property
    def model(self) -> FleetModel:
        return self.sereno.model

    def now_ms(self) -> int:
        return self.sereno.now_ms()

    def model_changed(self, changes: Changes) -> None:
        """Something changed; the app calls this on its timer, at most ten times a second."""

    def clock_ticked(self) -> None:
        """A second passed; for what counts time on the screen."""

    def pieces(self) -> list[Piece]:
        """What `c` offers to copy here."""
        return []

    def interrupt_key(self) -> bool:
        """`ctrl+c` here. True: it meant something (text cleared, turn stopped)."""
        return False
