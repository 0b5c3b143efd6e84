"""A frame is drawn when the app under test has come to rest, and then once.

Textual draws after each change of the layout and sixty times a second, whoever looks: half of a
test's time went into frames that the next one replaced before anybody saw them. Here what is to be
drawn is kept, and `idle` has it drawn, by Textual and by our widgets as ever. So each state that a
test waits for is drawn, and what looks at the screen by itself (a snapshot, `shown`) draws it anew.
"""

from __future__ import annotations

from rich.console import RenderableType
from textual._compositor import Compositor
from textual.app import App
from textual.screen import Screen

__all__ = ["draw", "render_update"]

_render_update = Compositor.render_update


def render_update(
    compositor: Compositor,
    full: bool = False,
    screen_stack: list[Screen[object]] | None = None,
    simplify: bool = False,
) -> RenderableType | None:
    """In place of Textual's: what is dirty stays so until `draw`. Whoever wants all gets it."""
    return _render_update(compositor, full, screen_stack, simplify) if full else None


def draw(app: App[object]) -> bool:
    """Draws what is to be drawn on the topmost screen. False: nothing is."""
    screen = app.screen_stack[-1] if app.screen_stack else None
    if screen is None or not screen.is_running or not screen._compositor._dirty_regions:
        return False
    with app._context():
        _render_update(screen._compositor, screen_stack=app._background_screens)
    return True
