"""History: archived agents, which come back, and sessions begun outside Sereno, which can come.

The archived ones are there at once; the programs are asked in the background and may be slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.importing import AgentResumed, ProviderSession, SessionsProblem
from sereno.tui.keys import key
from sereno.tui.lines import Line
from sereno.tui.link_api import ActError
from sereno.tui.messages import ActDone, ActFailed, ImportSession, Unarchive
from sereno.tui.model import Changes
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.confirm.screen import Confirm, Question
from sereno.tui.screens.history import view
from sereno.tui.widgets.field import Field
from sereno.tui.widgets.footer import Footer, FooterKey
from sereno.tui.widgets.header import Header
from sereno.tui.widgets.line import LineWidget
from sereno.tui.widgets.rows import RowList
from sereno.tui.words import count, folder

__all__ = ["HistoryScreen"]


class Trouble(LineWidget):
    """Which programs could not tell, whole."""

    def __init__(self) -> None:
        super().__init__(id="trouble")
        self._problems: tuple[SessionsProblem, ...] = ()

    def show(self, problems: Sequence[SessionsProblem]) -> None:
        self._problems = tuple(problems)
        self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        del container, viewport
        return len(view.problem_lines(self._problems, width))

    def lines(self, width: int, height: int) -> Sequence[Line]:
        del height
        return view.problem_lines(self._problems, width)


class HistoryScreen(SerenoScreen[None]):
    """`enter` brings back or imports; `esc` leaves everything as it is."""

    CSS_PATH = "screen.tcss"
    PLACE = "history"
    AUTO_FOCUS = "#past"
    FOOTER: ClassVar[tuple[FooterKey, ...]] = (
        ("enter", "bring back or import"),
        ("I", "import all"),
        ("/", "filter"),
        ("esc", "fleet"),
        ("?", "keys"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("I", "import_all", "import all sessions ...", "history.import_all"),
        key("slash", "filter", "filter", "history.filter"),
        key("escape,q", "back", "clear the filter, back to the fleet", "history.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._archived: list[AgentSnapshot] = []
        self._sessions: list[ProviderSession] = []
        self._asking = True
        self._words = ""
        self._opening = ""

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        yield RowList(id="past")
        yield Trouble()
        yield Field(id="filter", placeholder="filter: title, provider, folder")
        yield Footer(self.FOOTER, id="footer")

    def on_mount(self) -> None:
        self._show()
        self.run_worker(self._load(), group="log", exit_on_error=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    async def _load(self) -> None:
        link = self.sereno.link
        try:
            self._archived = await link.archived()
            self._show()
            found = await link.sessions(str(self.sereno.cwd))
            self._sessions = found.sessions
            self.query_one(Trouble).show(found.problems)
        except ActError as error:
            self.notify(str(error), severity="error")
        self._asking = False
        self._show()

    # -- showing -------------------------------------------------------------------------------

    def _found(self) -> list[view.Past]:
        gone = [each for each in self._archived if each.id not in self.model.agents]
        return view.pasts(gone, self._sessions, self._words)

    def _show(self) -> None:
        if not self.is_mounted:
            return
        past = self.query_one("#past", RowList)
        found = self._found()
        width = past.scrollable_content_region.width or self.size.width
        home = self.sereno.home
        past.show(
            view.rows(found, now_ms=self.now_ms(), home=home, width=width),
            view.empty_lines(self._words, asking=self._asking),
        )
        fresh = sum(each.session is not None for each in found)
        asking = (("asking the agent programs ...   ", "dim"),) if self._asking else ()
        told = f"{fresh} to import   {len(found) - fresh} archived"
        where = folder(str(self.sereno.cwd), home)
        left: Line = (("sereno", "strong"), ("  history   ", "dim"), (where, ""))
        self.query_one("#header", Header).show(left, (*asking, (told, "dim")))

    def model_changed(self, changes: Changes) -> None:
        if self._opening in self.model.agents:
            self.sereno.open_agent(self._opening)
        elif changes.agents or changes.everything:
            self._show()

    # -- what the keys do ----------------------------------------------------------------------

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        past = next((each for each in self._found() if each.key == event.key), None)
        if past is None:
            return
        if past.agent is not None:
            self.post_message(Unarchive(past.agent.id))
        elif past.session is not None:
            self.notify(f"Importing {past.title} ...")
            self._import(past.session, then_open=True)

    def _import(self, session: ProviderSession, *, then_open: bool) -> None:
        self._opening = "*" if then_open else ""
        self.post_message(
            ImportSession(
                "", provider=session.provider, session_id=session.session_id, folder=session.cwd
            )
        )

    def action_import_all(self) -> None:
        fresh = [each.session for each in self._found() if each.session is not None]
        if not fresh:
            self.notify("There is nothing to import.")
            return

        def answered(yes: bool | None) -> None:
            for session in fresh if yes else ():
                self._import(session, then_open=False)

        question = Question(
            f"Import {count(len(fresh), 'session')}?",
            ("Each becomes an agent; none is started before its next prompt.",),
            "import them",
        )
        self.app.push_screen(Confirm(question), answered)

    def on_act_done(self, message: ActDone) -> None:
        match message.act, message.reply:
            case Unarchive(agent_id=agent_id), _:
                self._opening = agent_id
                self.model_changed(Changes(everything=True))
            case ImportSession() as act, AgentResumed(agent_id=agent_id):
                self._sessions = [
                    each
                    for each in self._sessions
                    if (each.provider, each.session_id) != (act.provider, act.session_id)
                ]
                if self._opening == "*":
                    self.sereno.open_agent(agent_id)
                else:
                    self._show()
            case _:
                pass

    def on_act_failed(self, message: ActFailed) -> None:
        del message
        self._opening = ""

    def on_descendant_focus(self) -> None:
        typing = self.query_one("#filter", Input).has_focus
        keys: tuple[FooterKey, ...] = (("enter", "to the list"), ("esc", "clear the filter"))
        self.query_one(Footer).show(keys if typing else self.FOOTER)

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("-open")
        field.focus()

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        self._words = event.value
        self._show()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one("#filter", Input).set_class(bool(self._words), "-open")
        self.query_one("#past", RowList).focus()

    def action_back(self) -> None:
        field = self.query_one("#filter", Input)
        if field.has_class("-open"):
            field.value = ""
            field.remove_class("-open")
            self.query_one("#past", RowList).focus()
        else:
            self.dismiss(None)
