"""The terminal application: it owns the model and the link, moves between screens, acts.

Widgets post messages.py messages; they arrive here, and only here something is asked of the
daemon. Starting the process around it is start.py's work.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.command import Provider
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget

from sereno.tui.crash import CannotStart, keep_story
from sereno.tui.everywhere import Everywhere
from sereno.tui.keys import EVERYWHERE
from sereno.tui.link_api import ActError, Link
from sereno.tui.messages import (
    Act,
    ActDone,
    ActFailed,
    ArchiveAgent,
    CreateAgent,
    Seen,
    Unarchive,
)
from sereno.tui.model import Changes, FleetModel
from sereno.tui.news import News, news_lines
from sereno.tui.palette import Palette
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.fleet.screen import FleetScreen
from sereno.tui.terminal import BELL, Bell, title
from sereno.tui.textual_private import build_wall, queued_writes, write_raw
from sereno.tui.theme import DEFAULTS, THEMES
from sereno.tui.times import Times
from sereno.tui.widgets.footer import Footer

__all__ = ["Leave", "SerenoApp"]

STYLES = ("app.tcss", "screens/fleet/screen.tcss")
"""What the first frame needs."""
LATER_STYLES = ("later.tcss", "screens/*/screen.tcss")
"""What other places need, read behind the first frame and at once: a screen that brings its own
sheet when it opens has every rule of the app parsed anew."""
HERE = Path(__file__).resolve().parent
FIRST_TICK = 0.02
"""Until the daemon has told what there is."""
STARTED = 1.0
BUSY_TICK = 0.1
CALM_TICK = 0.25
TIMES = Times()
STALLED_WRITES = 3
"""With this many writes not taken by the terminal nothing is drawn until it reads again."""


class Leave:
    """How the app was left: what `App.run` returns."""

    DETACH = "detach"
    FAILED = "failed"


def _collect_garbage() -> None:
    """The command line lets none be looked for while everything is loaded. That stays for ever."""
    gc.freeze()
    gc.enable()


def _commands() -> type[Provider]:
    from sereno.tui.screens.commands import SerenoCommands

    return SerenoCommands


class SerenoApp(Everywhere, inherit_bindings=False):
    """Sereno's screens."""

    TITLE = "sereno"
    CSS_PATH: ClassVar[list[str | PurePath]] = [*STYLES]
    BINDINGS: ClassVar[list[BindingType]] = EVERYWHERE
    _styled_for = ""
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}

    def __init__(
        self,
        link: Link,
        *,
        cwd: Path,
        home: str = "",
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        clock: Callable[[int], str] = lambda ms: time.strftime("%H:%M", time.localtime(ms / 1000)),
        theme: str = "sereno",
        no_colour: bool = False,
        bell: bool = True,
        before_suspend: Callable[[], None] = lambda: None,
        leaving: Callable[[float], None] = lambda _seconds: None,
        crash_file: Path | None = None,
        keymap: Mapping[str, str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        times: Times = TIMES,
    ) -> None:
        """`no_colour` takes even the terminal's 16 colours away (NO_COLOR).

        `before_suspend` is called before the process stops itself on `ctrl+z`: an embedded daemon
        is handed over there. `leaving` ends the process after so many seconds where the terminal
        does not read; it is called only when it has stopped reading. What made the app fail goes
        to `crash_file`. `keymap`: other keys by binding id (key_map.py). `monotonic`: the request
        panel's clock, in seconds. `times`: how long things wait for a person.
        """
        super().__init__(ansi_color=True if no_colour else None)
        self.link = link
        self.model = FleetModel()
        self.cwd = cwd
        self.home = home
        self.pinned: list[str] = []
        self.drafts: dict[str, str] = {}
        """What was typed and not sent, by place: it outlives the screen it was typed on."""
        self._now_ms = now_ms
        self._clock = clock
        self.prompt_history: dict[str, list[str]] = {}
        """Prompts that were sent, by agent id."""
        self.monotonic = monotonic
        self.times = times
        self.news: News | None = None
        """What the footer of the place says besides its keys."""
        self.keymap = keymap or {}
        self.failure: BaseException | None = None
        """Why the app could not go on: start.py says it on the shell."""
        self._no_colour = no_colour
        self._rings = bell
        self._leaving = leaving
        self._crash_file = crash_file
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before_suspend = before_suspend
        self._bell = Bell()
        self._shown_title = -1
        self._second = 0
        self._begun = False
        self._welcomed = False
        self._palette: Palette | None = None
        self._dress(theme, no_colour=no_colour)

    def _dress(self, theme: str, *, no_colour: bool) -> None:
        """Colours and styles, before anything is drawn."""
        for each in THEMES:
            self.register_theme(each)
        known = theme if theme in self.available_themes else "sereno"
        self.theme = "sereno-terminal" if no_colour else known
        self._styled_for = self.theme
        self.stylesheet.set_variables(self.get_css_variables())
        build_wall(self, no_colour=no_colour)

    # -- what screens read ---------------------------------------------------------------------

    def now_ms(self) -> int:
        return self._now_ms()

    def clock_words(self, at_ms: int | None = None) -> str:
        """A time of day as the person reads it, by default the current one."""
        return self._clock(self._now_ms() if at_ms is None else at_ms)

    @property
    def settled(self) -> bool:
        """Whether everything known is shown: for tests and pictures, which wait for it."""
        shown = not self.model.virgin or self._welcomed
        acts = any(each.group in ("acts", "log") and not each.is_finished for each in self.workers)
        return self.model.loaded and self.model.settled and shown and not acts

    @property
    def palette(self) -> Palette:
        if self._palette is None:
            self._palette = Palette(self.theme_variables, no_colour=self._no_colour)
        return self._palette

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULTS

    @property
    def logs(self) -> Path | None:
        """The folder of this home's logs, where exports go too."""
        return None if self._crash_file is None else self._crash_file.parent

    def follow(self, agent_ids: Sequence[str]) -> None:
        """These agents are on the screen: the link keeps their timelines."""
        self.link.follow(agent_ids)

    # -- life ----------------------------------------------------------------------------------

    def get_default_screen(self) -> FleetScreen:
        """The fleet is the first screen, and stays below all others."""
        return FleetScreen(self.size)

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        if self.keymap:
            self.set_keymap(dict(self.keymap))
        self._loop = asyncio.get_running_loop()
        self._set_title(0)
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        """The first frame stands: now what it did without, and the daemon."""
        if self._begun or not self.is_running:
            return
        self._begun = True
        self.run_worker(self._run_link(), name="link", group="link", exit_on_error=True)
        self.set_timer(FIRST_TICK, self._tick)
        self._read_later()
        if not gc.isenabled():
            self.set_timer(STARTED, _collect_garbage)

    def _read_later(self) -> None:
        """The style sheets of the other places; no widget that is there has a rule in them."""
        for pattern in LATER_STYLES:
            self.stylesheet.read_all(sorted(HERE.glob(pattern)))
        self.stylesheet.parse()

    def get_css_variables(self) -> dict[str, str]:
        """None while App itself is made: it asks for those of a theme that is never shown."""
        return super().get_css_variables() if self._styled_for else {}

    def refresh_css(self, animate: bool = True) -> None:
        """Not where the rules were made for this very theme, and nothing else came after it: at
        the start Textual would parse every rule a second time."""
        if self._styled_for != self.theme:
            self._styled_for = self.theme
            super().refresh_css(animate)

    async def _run_link(self) -> None:
        try:
            await self.link.run(self.model)
        except CannotStart as error:
            self.failure = error
            self.exit(Leave.FAILED, return_code=1)

    def leave_soon(self) -> None:
        """Leaves from any thread: the terminal is gone or the process is told to end."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.action_detach)

    def _fatal_error(self) -> None:
        """A handler failed: the whole story goes into a file, words go to the shell."""
        self.failure = keep_story(self._exception or Exception("unknown"), self._crash_file)
        self._close_messages_no_wait()

    def _theme_changed(self, theme: Theme) -> None:
        del theme
        self._palette = None
        self.refresh_css(animate=False)
        for widget in self.screen.walk_children(Widget):
            widget.refresh()

    def _tick(self) -> None:
        """Hands what changed to the screen; four times a second, ten while text arrives."""
        busy = False
        if queued_writes(self) < STALLED_WRITES:
            changes = self.model.take_changes()
            busy = bool(changes.timelines)
            if changes:
                self._changed(changes)
            second = self.now_ms() // 1000
            if second != self._second:
                self._second = second
                self._clock_ticked()
        calm = CALM_TICK if self.model.loaded else FIRST_TICK
        self.set_timer(BUSY_TICK if busy else calm, self._tick)

    def _changed(self, changes: Changes) -> None:
        if self.model.virgin and not self._welcomed:
            from sereno.tui.screens.first_run.screen import FirstRunScreen

            self._welcomed = True
            self.push_screen(FirstRunScreen())
        if changes.requests or changes.everything:
            ids = [f"{each.agent_id}/{each.request.id}" for each in self.model.requests]
            if self._bell.due(ids, quiet=not self._rings):
                write_raw(self, BELL)
            self._set_title(len(ids))
        for screen in self._listeners():
            screen.model_changed(changes)

    def _clock_ticked(self) -> None:
        for screen in self._listeners():
            screen.clock_ticked()

    def _listeners(self) -> list[SerenoScreen[object]]:
        """The screens that can be seen: the topmost, and what shows through a panel."""
        seen: list[SerenoScreen[object]] = []
        for screen in reversed(self.screen_stack):
            if isinstance(screen, SerenoScreen) and screen.is_mounted:
                seen.append(screen)
            if not screen.is_modal:
                break
        return seen

    def _set_title(self, waiting: int) -> None:
        if waiting != self._shown_title:
            self._shown_title = waiting
            write_raw(self, title(waiting))

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """News on the footer; Textual's box only where there is no footer, or too little of it.

        Never markup: messages hold words of agents (T41).
        """
        del markup
        seconds = self._lasts[severity] if timeout is None else timeout
        news = News(message, severity)
        footers = [each for each in self.screen.query(Footer) if each.size.height]
        comes = isinstance(self.screen, SerenoScreen)  # It opens just now, its footer with it.
        rows = footers[0].size.height if footers else 2 if comes else 0
        if not rows or news_lines(news, self.size.width, rows) is None:
            super().notify(message, title=title, severity=severity, timeout=seconds, markup=False)
            return
        self._show_news(news)
        self.set_timer(seconds, lambda: self._show_news(None) if self.news is news else None)

    @property
    def _lasts(self) -> dict[SeverityLevel, float]:
        times = self.times
        return {"information": times.news, "warning": times.warning, "error": times.error}

    def _show_news(self, news: News | None) -> None:
        self.news = news
        for screen in self._listeners():
            for footer in screen.query(Footer):
                footer.refresh()

    # -- acts ----------------------------------------------------------------------------------

    @on(Act)
    def _act(self, act: Act) -> None:
        act.stop()
        self.run_worker(self._perform(act, self.screen), group="acts", exit_on_error=False)

    async def _perform(self, act: Act, screen: Screen[object]) -> None:
        try:
            reply = await self.link.perform(act)
        except ActError as error:
            own = isinstance(screen, SerenoScreen) and screen.OWN_NEWS
            if not own and not isinstance(act, (Seen, CreateAgent)):  # The form shows its own.
                self.notify(str(error), severity="error")
            screen.post_message(ActFailed(act, str(error)))
            return
        if isinstance(act, ArchiveAgent):
            self.last_archived = act.agent_id
            where = "" if isinstance(self.screen, FleetScreen) else " in the fleet"
            self.notify(f"Archived. {self.key_of('fleet.undo', 'u')}{where} brings it back.")
        if isinstance(act, Unarchive):
            self.last_archived = None
        screen.post_message(ActDone(act, reply))

    def toggle_pin(self, agent_id: str) -> None:
        if agent_id in self.pinned:
            self.pinned.remove(agent_id)
        else:
            self.pinned.append(agent_id)

    # -- leaving -------------------------------------------------------------------------------

    def action_detach(self) -> None:
        if queued_writes(self) >= STALLED_WRITES:
            self._before_suspend()
            self._leaving(0.5)
        self.exit(Leave.DETACH)

    def action_suspend_process(self) -> None:
        self._before_suspend()
        super().action_suspend_process()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[object]:  # type: ignore[override]
        """None of Textual's own: SerenoCommands has every word."""
        del screen
        return ()
