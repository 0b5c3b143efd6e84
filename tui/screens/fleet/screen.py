"""The fleet: every agent by need, live panes of what they do, and the keys that act on one.

Home of the app. It reads the model and posts messages.py messages; the lines it shows are made in
view.py; what its keys do to an agent is in tui/agent_acts.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.events import ScreenResume
from textual.geometry import Size
from textual.widgets import Input
from textual.worker import Worker

from sereno.core.protocol.additions import DaemonStatus, DaemonStatusResult
from sereno.tui.keys import key
from sereno.tui.lines import Line
from sereno.tui.link_api import ActError
from sereno.tui.model import AgentState, Changes, Need, Phase
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.fleet import view
from sereno.tui.widgets.attention import AttentionBar
from sereno.tui.widgets.details import Details
from sereno.tui.widgets.field import Field
from sereno.tui.widgets.footer import Footer, FooterKey
from sereno.tui.widgets.header import Header
from sereno.tui.widgets.pane import PaneBox
from sereno.tui.widgets.rows import RowList

if TYPE_CHECKING:
    from sereno.tui.screens.copy.screen import Piece
    from sereno.tui.screens.fleet.pairing import FleetPairing

__all__ = ["FleetScreen"]

PANES = 3
DOORS_PACE = 30
"""Seconds after which an address that could not be opened is asked for again."""
LAYOUTS = ("both", "list", "panes")


class FleetScreen(SerenoScreen[None]):
    """All agents of the daemon."""

    CSS_PATH = "screen.tcss"
    PLACE = "fleet"
    AUTO_FOCUS = "#agents"

    BINDINGS: ClassVar[list[BindingType]] = [
        key("n", "new", "new agent", "fleet.new"),
        key("N", "new_in_editor", "new agent, the task in $EDITOR", "fleet.new_editor"),
        key("m", "modes", "mode and model ...", "fleet.modes"),
        key("l", "log", "the agent's log", "fleet.log"),
        key("L", "daemon_log", "the daemon's log", "fleet.daemon_log"),
        key("H", "history", "history: archived, to import", "fleet.history"),
        key("S", "security", "security: who can reach the daemon", "fleet.security"),
        key("P", "app.pair", "pair: let another device in", "fleet.pair"),
        key("space", "pin", "pin as a live pane", "fleet.pin"),
        key("v", "layout", "layout: both, list, panes", "fleet.layout"),
        key("r", "rename", "rename", "fleet.rename"),
        key("x", "stop", "stop ...", "fleet.stop"),
        key("X", "archive", "archive ...", "fleet.archive"),
        key("c", "app.copy_menu", "copy ...", "fleet.copy"),
        key("s", "app.start_daemon", "start a daemon, when none runs", "fleet.start_daemon"),
        key("u", "undo", "undo the last archive", "fleet.undo"),
        key("slash", "filter", "filter", "fleet.filter"),
        key("escape", "clear", "clear the filter", "fleet.clear"),
        key("q", "app.detach", "detach: the agents keep running", "fleet.detach"),
        key("enter,o", "open", "open the first pane", "fleet.open"),
        key("down,j", "move(1)", "next agent", "fleet.down"),
        key("up,k", "move(-1)", "previous agent", "fleet.up"),
        *(
            key(str(number), f"number({number})", "agent by number", f"fleet.agent_{number}")
            for number in range(1, 10)
        ),
    ]

    def __init__(self, size: Size) -> None:
        """`size`: of the terminal, so that the first frame is made for it at once."""
        super().__init__(classes=self.size_classes(size))
        self._words = ""
        self._layout = 0
        self._states: list[AgentState] = []
        self._asked_doors = False
        self._doors_age = 0
        self._pairing: FleetPairing | None = None

    def compose(self) -> ComposeResult:
        yield Header(rule=False, id="header")
        yield AttentionBar(self.model)
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield RowList(id="agents")
                yield Details(id="details")
            with Container(id="right"):
                for _ in range(PANES):
                    yield PaneBox()
        yield Field(id="filter", placeholder="filter: title, provider, folder or state")
        yield Footer(id="footer")

    def on_screen_resume(self, event: ScreenResume) -> None:
        """What changed under another screen is seen at once; the first frame is filled here."""
        del event  # Textual calls base.py's handler too.
        self.model_changed(Changes(everything=True))

    def on_resize(self) -> None:
        self.call_after_refresh(self.model_changed, Changes(everything=True))

    def model_changed(self, changes: Changes) -> None:
        if not self.is_mounted:
            return
        if changes.connection or changes.everything:
            self._look_at_doors()
        listed = changes.everything or changes.agents or changes.connection or changes.requests
        if listed:
            self.show_lists()
        self._show_panes()

    def clock_ticked(self) -> None:
        """A second passed: running times grow; an address may be free again."""
        self._doors_age += 1
        if self.model.doors.news and self._doors_age >= DOORS_PACE:
            self._asked_doors = False
            self._look_at_doors()
        self.show_lists()
        self._show_panes()

    def _look_at_doors(self) -> None:
        """Once a connection: whether all addresses of the daemon could be opened. Not of one on
        another machine: nothing could be done about it from here."""
        connection = self.model.connection
        ready = connection.phase is Phase.READY and not connection.remote
        if ready and not self._asked_doors:
            self._doors_age = 0
            _: Worker[None] = self.run_worker(self._ask_doors(), group="log", exit_on_error=False)
        self._asked_doors = ready

    async def _ask_doors(self) -> None:
        try:
            reply = await self.sereno.link.ask(DaemonStatus(request_id=""))
        except ActError:
            return  # It is gone, or does not tell us: then there is nothing to show.
        if isinstance(reply, DaemonStatusResult):
            self.model.doors_told(reply.doors)
        self._watch_pairing()

    def _watch_pairing(self) -> None:
        """From then on, for as long as the daemon is there: who is paired, and who knocks."""
        if self._pairing is None:
            from sereno.tui.screens.fleet.pairing import FleetPairing

            self._pairing = FleetPairing(self)
        self._pairing.watch()

    # -- showing -------------------------------------------------------------------------------

    @property
    def _two_lines(self) -> bool:
        return self.has_class("-narrow") or LAYOUTS[self._layout] == "list"

    def _look(self, width: int) -> view.Look:
        return view.Look(self.now_ms(), self.sereno.clock_words(), self.sereno.home, width)

    def show_lists(self) -> None:
        """Everything but the panes, as it is now."""
        look = self._look(self.size.width)
        relay = () if self._pairing is None else self._pairing.relay(look.width)
        self.query_one("#header", Header).show(*view.header(self.model, look, relay))
        self.query_one(AttentionBar).update(look.now_ms)
        self._states = self.model.ordered(self._words)
        rows = self.query_one("#agents", RowList)
        title = None if self.has_class("-narrow") else "Agents"
        if rows.border_title != title:
            rows.border_title = title
        look = self._look(rows.scrollable_content_region.width or rows.size.width)
        rows.show(
            view.agent_rows(self._states, look, two_lines=self._two_lines),
            view.empty_lines(self.model, self._words),
        )
        self._show_details()
        self._show_footer()

    def _show_footer(self) -> None:
        if self.is_mounted:
            self.query_one("#footer", Footer).show(self._footer(), self._note())

    def _show_details(self) -> None:
        box = self.query_one("#details", Details)
        state = self.selected
        box.show(
            "" if state is None else state.title,
            view.details(state, self._look(box.size.width or 36)),
        )

    def _show_panes(self) -> None:
        shown = self._panes()
        self.sereno.follow([state.id for state in shown])
        look = self._look(self.size.width)
        for place, box in enumerate(self.query(PaneBox)):
            on_screen = place < len(shown)
            box.set_class(not on_screen, "-off")
            if on_screen:
                box.show(shown[place], *view.pane_edge(shown[place], look))

    def _panes(self) -> list[AgentState]:
        """The selected agent first, then the pinned ones, then the busiest, without repeats."""
        agents = self.model.agents
        wanted = [self.query_one("#agents", RowList).cursor_key, *self.sereno.pinned]
        if not self.sereno.pinned:
            calm = (Need.IDLE, Need.STOPPED, Need.FAILED, Need.DONE)
            states = sorted(self.model.ordered(), key=lambda state: state.need in calm)
            wanted += [state.id for state in states]
        unique = dict.fromkeys(name for name in wanted if name in agents)
        return [agents[name] for name in unique][:PANES]

    def _footer(self) -> tuple[FooterKey, ...]:
        if self.query_one("#filter", Input).has_focus:
            return (("enter", "to the list"), ("esc", "clear the filter"), ("ctrl+p", "command"))
        if self.model.connection.phase is Phase.STOPPED:
            return (("s", "start a daemon"), ("L", "log"), ("?", "keys"), ("q", "leave"))
        if not self.model.agents:
            return (
                ("n", "new agent"),
                ("L", "log"),
                (":", "command"),
                ("?", "keys"),
                ("q", "detach"),
            )
        narrow = self.has_class("-narrow")
        keys: list[FooterKey] = [("enter", "open"), ("n", "new")]
        if not narrow:
            keys += [("l", "log"), ("v", "layout"), ("space", "pin"), ("x", "stop")]
        keys += [("/", "filter")]
        if not narrow:
            keys += [(":", "command")]
        keys += [("?", "keys")]
        if narrow or self.has_class("-short"):
            keys += [("q", "detach")]
        return tuple(keys)

    def _note(self) -> Line:
        stopped = self.model.connection.phase is Phase.STOPPED
        typing = self.query_one("#filter", Input).has_focus
        if not self.model.agents or self.has_class("-narrow") or stopped or typing:
            return ()
        return (("q", "key"), (" detach: the agents keep running", "dim"))

    # -- what the keys do ----------------------------------------------------------------------

    @property
    def agent_id(self) -> str:
        """Of the selected agent; empty where there is none."""
        return self.query_one("#agents", RowList).cursor_key

    @property
    def selected(self) -> AgentState | None:
        return self.model.agents.get(self.agent_id)

    @on(RowList.Highlighted)
    def _highlighted(self) -> None:
        self._show_details()
        self._show_panes()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        self.sereno.open_agent(event.key)

    @on(PaneBox.Clicked)
    def _clicked(self, event: PaneBox.Clicked) -> None:
        self.sereno.open_agent(event.agent_id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without the list on the screen its most used keys are the screen's own."""
        if action in ("open", "move"):
            return not self.query_one("#left").display
        return super().check_action(action, parameters)

    def action_open(self) -> None:
        self.sereno.open_agent(self.agent_id)

    def action_move(self, by: int) -> None:
        self.query_one("#agents", RowList).action_move(by)

    def action_number(self, number: int) -> None:
        if number <= len(self._states):
            self.sereno.open_agent(self._states[number - 1].id)

    def action_new(self) -> None:
        self.sereno.open_new_agent()

    def action_new_in_editor(self) -> None:
        self.sereno.open_new_agent(editor=True)

    def action_modes(self) -> None:
        self.sereno.modes_of(self.agent_id)

    def action_log(self) -> None:
        if self.selected is not None:
            self.sereno.open_log(self.selected.id)

    def action_daemon_log(self) -> None:
        self.sereno.open_log("daemon")

    def action_history(self) -> None:
        self.sereno.open_history()

    def action_security(self) -> None:
        self.sereno.open_security()

    def action_pin(self) -> None:
        if self.selected is not None:
            self.sereno.toggle_pin(self.selected.id)
            self._show_panes()

    def action_layout(self) -> None:
        self._layout = (self._layout + 1) % len(LAYOUTS)
        for layout in LAYOUTS:
            self.set_class(LAYOUTS[self._layout] == layout, f"-layout-{layout}")
        self.call_after_refresh(self._laid_out)

    def _laid_out(self) -> None:
        """A list that was away has lost the keyboard, and with it the keys of a list."""
        self.model_changed(Changes(everything=True))
        if self.focused is None and self.query_one("#left").display:
            self.query_one("#agents", RowList).focus()

    def on_descendant_focus(self) -> None:
        self._show_footer()

    def on_descendant_blur(self) -> None:
        self._show_footer()

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("-open")
        field.focus()

    def filter_by(self, words: str) -> None:
        """Shows only what fits; `esc` shows all again."""
        field = self.query_one("#filter", Input)
        field.value = words
        field.set_class(bool(words), "-open")

    def action_clear(self) -> None:
        field = self.query_one("#filter", Input)
        field.remove_class("-open")
        field.value = ""
        self.query_one("#agents", RowList).focus()

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        self._words = event.value
        self.show_lists()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one("#filter", Input).set_class(bool(self._words), "-open")
        self.query_one("#agents", RowList).focus()

    def pieces(self) -> list[Piece]:
        state = self.selected
        return [] if state is None else view.pieces(state)

    def action_rename(self) -> None:
        self.sereno.rename_agent(self.agent_id)

    def action_stop(self) -> None:
        self.sereno.stop_agent(self.agent_id)

    def action_archive(self) -> None:
        self.sereno.archive_agent(self.agent_id)

    def action_undo(self) -> None:
        self.sereno.undo_archive()
