"""When an app under test has done everything that it was given to do, on a machine of any speed.

Textual's own helper (`textual._wait`) takes a process that uses little processor time for one that
has nothing to do, and gives up after a second: on a busy machine both are wrong, and the test reads
a screen that is not there yet. Here idle means: no callback is ready on the loop, no message waits
in any widget, nothing is animated, and the screens that are seen are drawn as they should be. Time
takes no part in it; what waits for a timer (a debounce, the tick) is waited for by its condition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
from textual._context import active_app
from textual.app import App
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen

from tests.tui import frames

__all__ = ["PATIENCE", "idle", "passing", "steady", "until", "wait_for_idle", "wait_for_screen"]

PATIENCE = 60.0
"""Seconds until a test gives up waiting: many times what the slowest machine needs."""
_TURNS = 3
"""So many turns of the loop in a row find nothing to do."""
_SOON = 200
"""After so many turns whatever keeps it busy needs time, an animation for example."""


async def wait_for_idle(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """What takes the place of Textual's helper in its pilot."""
    del min_sleep, max_sleep
    await idle(active_app.get())


async def wait_for_screen(pilot: Pilot[Any], timeout: float = PATIENCE) -> bool:
    """In place of the pilot's, which sends each widget a message of its own to see it answered."""
    del timeout
    await idle(pilot.app, drawn=False)
    return True


async def until(pilot: Pilot[Any], true: Callable[[], object]) -> None:
    """Waits until `true()`, and until everything is done and drawn that came with it."""
    await passing(pilot, true)
    await pilot.pause()


async def passing(pilot: Pilot[Any], true: Callable[[], object]) -> None:
    """Waits until `true()`, on the way to what is to be seen: nothing is drawn yet."""
    with anyio.fail_after(PATIENCE):
        while not true():
            await pilot.pause(0.01)


async def steady(pilot: Pilot[Any]) -> None:
    """Waits until every worker has ended but the link's, and two looks at the screen are equal."""
    with anyio.fail_after(PATIENCE):
        seen = None
        while _works(pilot.app) or seen != _picture(pilot.app):
            seen = _picture(pilot.app)
            await pilot.pause()


def _works(app: App[Any]) -> bool:
    return any(each.group != "link" and not each.is_finished for each in app.workers)


def _picture(app: App[Any]) -> object:
    return app.screen, [list(strip) for strip in app.screen._compositor.render_strips()]


async def idle(app: App[Any], *, drawn: bool = True) -> None:
    """Returns once `app` has nothing to do, or ends. TimeoutError says what it does.

    `drawn`: with a frame drawn at the end.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE
    quiet = turns = 0
    drawn_below = False
    cause: object = ""
    while quiet < _TURNS:
        turns += 1
        if cause and turns > _SOON:
            await asyncio.sleep(0.002)
        # What became due meanwhile runs first: where the machine has no time for us that is always
        # something, a tick for example, and does not mean that the app has work.
        await asyncio.sleep(0)
        if app._exit or app._exception is not None or not app.is_running:
            return
        cause = _busy(app) or _draw(app) or (drawn and _frame(app))
        quiet = 0 if cause else quiet + 1
        if cause and loop.time() > ends:
            raise TimeoutError(f"the app is busy after {PATIENCE:.0f} s: {cause!r}")
        if quiet == 1 and not drawn_below and app.screen_stack and app.screen.is_modal:
            _draw_below(app)
            drawn_below, quiet = True, 0


def _busy(app: App[Any]) -> object:
    """Why the app is not idle (a widget: it has messages); empty when it is."""
    if asyncio.get_running_loop()._ready:  # type: ignore[attr-defined]
        return "callbacks of the loop"
    for pump in (app, *app._registry):
        if _waits(pump) and pump._running and not pump._closing and not pump._closed:
            return "messages of", pump
    if app._batch_count:
        return "a batch of changes"
    if app.animator._animations or app.animator._scheduled:
        return "an animation"
    return ""


def _waits(pump: MessagePump) -> bool:
    return bool(pump._next_callbacks) or not pump._message_queue.empty()


def _draw(app: App[Any]) -> str:
    """Draws what is to be drawn, instead of waiting for the sixtieth of a second that does it."""
    screen = app.screen_stack[-1] if app.screen_stack else None
    if screen is None or not screen.is_running or not _is_stale(screen):
        return ""
    screen._on_timer_update()
    return f"what {screen!r} has to draw"


def _frame(app: App[Any]) -> str:
    """The picture of it all, once nothing else is left to do."""
    return "a frame" if frames.draw(app) else ""


def _draw_below(app: App[Any]) -> None:
    """What shines through a panel, where Textual would draw it: for itself such a screen is always
    to be redrawn, and only what happens to it starts the timer that does so."""
    for screen in app._background_screens:
        if screen.is_running and _is_stale(screen) and screen._update_timer._active.is_set():
            screen._on_timer_update()


def _is_stale(screen: Screen[Any]) -> bool:
    return bool(
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )
