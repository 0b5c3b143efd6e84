"""One agent: the talk, the request panel and the composer, and how they share the keyboard.

It reads the model, posts messages.py messages and keeps the draft with the app. What its parts do
is in tui/widgets; the words on it are in view.py.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Static

from sereno.core.protocol.values import given
from sereno.core.security.sanitise import sanitise_line
from sereno.tui.attachments import dropped_image
from sereno.tui.keys import Follower, key
from sereno.tui.lines import Line
from sereno.tui.messages import Interrupt, LoadOlder, Seen
from sereno.tui.model import AgentState, Changes, Need, Phase
from sereno.tui.pane_view import ending_lines
from sereno.tui.screens.agent import copying, head, view
from sereno.tui.screens.agent.asking import RequestActs
from sereno.tui.screens.agent.completion import Completion
from sereno.tui.screens.agent.head import Look
from sereno.tui.screens.agent.memory import MemoryFigure
from sereno.tui.screens.agent.parts import Lines, Rule
from sereno.tui.screens.copy.screen import Piece
from sereno.tui.widgets.blocks_palette import Palette, palette_from
from sereno.tui.widgets.composer import Composer
from sereno.tui.widgets.file_picker import FilePicker
from sereno.tui.widgets.footer import Footer
from sereno.tui.widgets.request_panel import RequestPanel
from sereno.tui.widgets.request_panel_state import Phase as DeskPhase
from sereno.tui.widgets.request_panel_view import Facts
from sereno.tui.widgets.talk import Talk

__all__ = ["AgentScreen"]

_STOPPING: Line = (("Stopping the turn ...", "dim"),)
_CLEARED: Line = (("Cleared; up brings it back.", "dim"),)
_HERE_S = 60.0
"""After the last key somebody still counts as being here."""
_CODE_THEMES = {"sereno": "nord", "sereno-light": "friendly"}
_BUSY = (Need.BUSY, Need.ASKS, Need.STARTING)


class AgentScreen(RequestActs):
    """The screen of one agent; `agent_id` stays the same for its life."""

    CSS_PATH = "screen.tcss"
    PLACE = "agent"
    OWN_NEWS = True
    AUTO_FOCUS = "#composer"
    FOLLOWERS = (
        Follower("i", "send now, stops the turn", "screen.send_now"),
        Follower("e", "text in the editor", "screen.edit_text"),
        Follower("u", "take a queued prompt back", "screen.take_back"),
        Follower("m", "mode, model, thinking", "screen.modes"),
        Follower("p", "processes, memory", "screen.processes"),
        Follower("c", "copy", "app.copy_menu"),
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab", "next_part(1)", "next part", "agent.next_part"),
        key("shift+tab", "next_part(-1)", "previous part", "agent.previous_part"),
        key("i", "write", "to the composer", "agent.write"),
        key("right_square_bracket", "log", "its log", "agent.log"),
        key("P,left_square_bracket", "processes", "its processes, memory", "agent.processes"),
        key("c", "app.copy_menu", "copy ...", "agent.copy"),
        key("m", "modes", "mode, model, thinking", "agent.modes"),
        key("alt+up", "block(-1)", "previous block", "agent.previous_block"),
        key("alt+down", "block(1)", "next block", "agent.next_block"),
        key("escape", "leave", "to the fleet", "agent.leave"),
        key("q", "app.detach", "detach: the agents keep running", "agent.detach"),
    ]

    def __init__(self, agent_id: str, *, focus_request: bool = False) -> None:
        super().__init__()
        self.agent_id = agent_id
        self._focus_request = focus_request
        self._palette: tuple[str, Palette] | None = None
        self._notice: Line = ()
        self._offline = False
        """What is said was said while no daemon answered."""
        self._behind = False
        self._seen: str | None = ""
        self.memory = MemoryFigure(
            self, lambda: self.sereno.link.inspect(agent_id), self.words_changed
        )

    def compose(self) -> ComposeResult:
        yield Lines(id="head")
        yield Talk(id="talk", palette=self._blocks_palette, clock=self.sereno.clock_words)
        yield RequestPanel(
            id="request",
            monotonic=self._monotonic,
            may_focus=self._may_focus,
            room=self.panel_room,
        )
        yield Rule(id="composer-rule")
        yield Lines(id="queue")
        yield FilePicker(id="picker")
        with Horizontal(id="composer-row"):
            yield Static(" > ", id="prompt-mark", markup=False)
            yield Composer(id="composer", typed=self._typed, dropped=dropped_image)
        yield Lines(id="hint", keep=True)
        yield Footer(id="footer")

    # -- parts ---------------------------------------------------------------------------------

    def _monotonic(self) -> float:
        return self.sereno.monotonic()

    def _blocks_palette(self) -> Palette:
        theme = self.app.theme
        if self._palette is None or self._palette[0] != theme:
            code = _CODE_THEMES.get(theme, "ansi_dark")
            self._palette = (theme, palette_from(self.sereno.palette.style, code))
        return self._palette[1]

    # -- life ----------------------------------------------------------------------------------

    def on_mount(self) -> None:
        if not self.query("#composer"):
            return  # The app ends while this screen opens.
        self.completion = Completion(
            self,
            self.composer,
            self.query_one(FilePicker),
            find=self.find_files,
            commands=lambda: self.state.extra.commands if self.state is not None else (),
            debounce=self.sereno.times.debounce,
        )
        self.memory.tick(runs=self._runs())
        self.sereno.follow([self.agent_id])
        self.app.theme_changed_signal.subscribe(self, self._theme_changed)
        draft = self.sereno.drafts.get(self.agent_id, "")
        if draft:
            self.composer.put(draft)
        self.refresh_all()
        if self._focus_request:
            self.call_after_refresh(self.focus_request)

    def _theme_changed(self, theme: Theme) -> None:
        del theme
        self.call_after_refresh(self.talk.redraw)

    def on_unmount(self) -> None:
        self.sereno.follow([])

    @on(events.ScreenResume)
    def _resumed(self) -> None:
        if self.is_mounted:
            self.panel.typed()
            self.refresh_all()

    def on_resize(self) -> None:
        self.refresh_all()

    def model_changed(self, changes: Changes) -> None:
        if changes.connection and self.model.connection.phase is Phase.READY and self._offline:
            self._notice, self._offline = (), False
        if changes.touches(self.agent_id) or changes.requests or changes.connection:
            self.refresh_all()

    def _runs(self) -> bool:
        """A program may run, and the daemon can be asked of it."""
        state = self.state
        ready = self.model.connection.phase is Phase.READY
        return ready and state is not None and state.need is not Need.STOPPED

    def clock_ticked(self) -> None:
        state = self.state
        if self.is_mounted:
            self.memory.tick(runs=self._runs())
        if state is not None and (state.need in _BUSY or state.queued):
            self.refresh_all()

    def refresh_all(self) -> None:
        """Shows the model as it is now; each part draws only what changed."""
        state = self.state
        if not self.is_mounted:
            return
        if state is None:
            self.panel.show([], Facts())
            self.remove_class("-asking")
            self._draw_gone()
            return
        look = self.look()
        running = state.need in _BUSY
        provider = sanitise_line(self.model.provider_label(state.snapshot.provider), 30)
        self.talk.show(
            state.timeline,
            agent=provider,
            running=running,
            now_ms=look.now_ms,
            folder=state.snapshot.cwd,
            trouble=partial(ending_lines, state),
        )
        requests = [open_.request for open_ in self.model.requests_of(self.agent_id)]
        self.panel.show(requests, view.facts_of(self.model, state, self.panel.desk.current, look))
        if self.panel.desk.current is not None and not self.panel.facts.rows:
            self.panel.show(
                requests, view.facts_of(self.model, state, self.panel.desk.current, look)
            )
        self.set_class(self.panel.desk.phase not in (DeskPhase.EMPTY, DeskPhase.PUT_OFF), "-asking")
        self.composer.queue_waits = bool(state.queued)
        self.composer.placeholder = Content(f"write to {provider}")  # A str would be markup.
        self.learn_prompts(state)
        if self._monotonic() - self.panel.desk.gate.last_at < _HERE_S:
            self._saw()
        if self._notice == _STOPPING and not running:
            self._notice = ()
        self.mode_came()
        self._draw_words(state, look)

    def _draw_words(self, state: AgentState, look: Look) -> None:
        desk = self.panel.desk
        memory = self.memory.words
        self.query_one("#head", Lines).show(head.head_lines(self.model, state, desk, look, memory))
        self.query_one("#queue", Lines).show(view.queue_lines(state, look))
        text = self.composer.text
        images = [path.name for path in self.images_in(text)] if "@" in text else []
        written = view.Written(bool(text.strip()), tuple(images))
        hint = view.hint_lines(state, look, written, notice=self._notice, behind=self._behind)
        self.query_one("#hint", Lines).show(hint)
        keys = view.footer_keys(self._where(), state, desk, look, len(self.model.requests))
        self.query_one(Footer).show(keys)

    def _draw_gone(self) -> None:
        """Of an agent that is not in the fleet: what became of it, and what a prompt would do."""
        look = self.look()
        self.query_one("#head", Lines).show(view.gone_lines(self.away, look))
        self.query_one("#queue", Lines).show([])
        hint = view.gone_hint(self.away, look, bool(self.composer.text.strip()), self._notice)
        self.query_one("#hint", Lines).show(hint)
        desk, waiting = self.panel.desk, len(self.model.requests)
        keys = view.footer_keys(self._where(), None, desk, look, waiting)
        self.query_one(Footer).show(keys)

    def words_changed(self) -> None:
        state = self.state
        if not self.is_mounted:
            return
        if state is None:
            self._draw_gone()
        else:
            self._draw_words(state, self.look())

    def _where(self) -> str:
        if self.panel.has_focus:
            return "panel"
        if self.panel.has_focus_within:
            return "words"
        return "talk" if self.talk.has_focus else "composer"

    # -- the keyboard --------------------------------------------------------------------------

    def _typed(self, key_name: str) -> None:
        self.panel.typed(key_name)
        self._saw()
        if self._notice == _CLEARED:
            self._notice = ()
            self.words_changed()

    def _saw(self) -> None:
        """Somebody is here: the mark of attention goes, once for each time it was set."""
        state = self.state
        if state is None or not given(state.snapshot.requires_attention, False):
            return
        stamp = given(state.snapshot.attention_timestamp, None)
        if stamp != self._seen and self.is_current:
            self._seen = stamp
            self.post_message(Seen(self.agent_id))

    def _may_focus(self) -> bool:
        return self.is_current and not self.composer.text and not self.composer.list_open

    def action_next_part(self, step: int) -> None:
        parts: list[Widget] = [self.talk, self.composer]
        if self.panel.desk.phase not in (DeskPhase.EMPTY, DeskPhase.PUT_OFF):
            parts.insert(1, self.panel)
        current = next((index for index, part in enumerate(parts) if part.has_focus), -1)
        parts[(current + step) % len(parts)].focus()

    def action_write(self) -> None:
        self.composer.focus()

    def action_block(self, step: int) -> None:
        self.talk.focus()
        self.talk.action_block(step)

    def action_log(self) -> None:
        self.sereno.open_log(self.agent_id)

    def action_processes(self) -> None:
        self.sereno.open_processes(self.agent_id)

    def pieces(self) -> list[Piece]:
        return copying.pieces(self.state, self.agent_id, self.talk.chosen, self.talk.text())

    def action_modes(self) -> None:
        if self.state is None:
            self.say(((f"This agent is {self.away}: it has no mode to change.", "dim"),))
        self.sereno.modes_of(self.agent_id)

    def action_leave(self) -> None:
        self.sereno.to_fleet()

    def on_descendant_focus(self) -> None:
        if self.panel.has_focus and self._notice == _CLEARED:
            self._notice = ()
        self.words_changed()

    def on_descendant_blur(self) -> None:
        self.words_changed()

    def on_key(self, event: events.Key) -> None:
        """A key that no part took: it shows that somebody is there; text goes to the composer."""
        self._typed(event.key)
        bound = event.key in self.active_bindings
        if self.talk.has_focus and event.is_printable and event.character and not bound:
            event.stop()
            self.composer.focus()
            self.composer.insert(event.character)

    def interrupt_key(self) -> bool:
        """`ctrl+c`: copy, clear the text, stop the turn; False when there is nothing to stop."""
        composer = self.composer
        self.panel.typed("ctrl+c")
        if composer.has_focus and composer.selected_text:
            self.app.copy_to_clipboard(composer.selected_text)
            self.say((("Sent to the terminal's clipboard.", "dim"),))
            return True
        if composer.has_focus and composer.text:
            composer.earlier.add(composer.text)
            composer.put("")
            self.say(_CLEARED)
            return True
        state = self.state
        if state is not None and state.need in _BUSY:
            self.post_message(Interrupt(self.agent_id))
            self.say(_STOPPING)
            return True
        return False

    # -- completion ----------------------------------------------------------------------------

    @on(Composer.TokenChanged)
    def _token_changed(self, event: Composer.TokenChanged) -> None:
        self.completion.token_changed(event.token)

    @on(Composer.ListKey)
    def _list_key(self, event: Composer.ListKey) -> None:
        self.completion.list_key(event.act, event.step)

    def say(self, words: Line) -> None:
        """One line of news under the composer, for some seconds."""
        self._notice = words
        self._offline = self.model.connection.phase is not Phase.READY
        self.words_changed()

        def forget() -> None:
            if self._notice == words:
                self._notice = ()
                self.words_changed()

        self.set_timer(self.sereno.times.said, forget)

    # -- the talk ------------------------------------------------------------------------------

    @on(Talk.OlderWanted)
    def _older(self) -> None:
        state = self.state
        if state is not None and not state.timeline.loading_older:
            self.post_message(LoadOlder(self.agent_id))

    @on(Talk.Behind)
    def _behind_changed(self, event: Talk.Behind) -> None:
        self._behind = event.behind
        self.words_changed()
