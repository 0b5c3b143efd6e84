"""The first screen of a new home: the agents found here, and a first task. `enter` starts it.

A form, not a tour: every line is a real setting with a safe default, and `esc` leaves it for the
fleet. The daemon is running already, inside this terminal, and goes on when it closes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.messages import AgentCreated
from sereno.tui.keys import key
from sereno.tui.lines import Line
from sereno.tui.messages import ActDone, ActFailed, CreateAgent
from sereno.tui.model import Changes, Phase
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.new_agent import view
from sereno.tui.widgets.choice import Choice
from sereno.tui.widgets.field import Field
from sereno.tui.widgets.footer import Footer, FooterKey
from sereno.tui.widgets.header import Header
from sereno.tui.widgets.line import LineWidget
from sereno.tui.words import folder

__all__ = ["FirstRunScreen"]

TASK = "Explain this repository and list its failing tests"
"""The task that stands there; typed over, or started as it is."""


class Found(LineWidget):
    """The agents of this machine, one a line."""

    DEFAULT_CSS = """
    Found { height: auto; }
    """

    def __init__(self) -> None:
        super().__init__(id="found")
        self._entries: tuple[ProviderEntry, ...] = ()
        self._known = False

    def show(self, entries: Sequence[ProviderEntry], *, known: bool) -> None:
        self._entries, self._known = tuple(entries), known
        self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        del container, viewport
        return max(1, len(view.found_lines(self._entries, width)))

    def lines(self, width: int, height: int) -> Sequence[Line]:
        del height
        if not self._known:
            return [(("looking for agents ...", "dim"),)]
        return view.found_lines(self._entries, width)


class TaskField(TextArea):
    """The first task: up to three lines; `enter` starts, `ctrl+j` is a new line."""

    @dataclass
    class Submitted(Message):
        text: str

    def __init__(self, text: str) -> None:
        super().__init__(text, id="task", tab_behavior="focus", show_line_numbers=False)

    def on_mount(self) -> None:
        self.cursor_blink = False
        self.select_all()

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted(self.text))
            return
        if event.key == "ctrl+j":
            event.stop()
            event.prevent_default()
            self.insert("\n")
            return
        await super()._on_key(event)


class FirstRunScreen(SerenoScreen[None]):
    """Two steps: what was found, and what to do first."""

    CSS_PATH = "screen.tcss"
    PLACE = "first run"
    AUTO_FOCUS = "#task"
    FOOTER: ClassVar[tuple[FooterKey, ...]] = (
        ("enter", "start"),
        ("tab", "next field"),
        ("esc", "look around first"),
        ("F1", "all keys"),
        ("ctrl+c", "twice: leave"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "start", "start the first task", "first.start"),
        key("escape", "back", "to the fleet, without a task", "first.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._starting = False
        self._warned = ""
        """The dangerous mode whose danger was said."""

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        with Vertical(id="form"):
            yield Static(
                "Nothing is running yet. Two steps; each one can be changed later.", id="welcome"
            )
            with Horizontal(classes="step"):
                yield Static("1  Agents found", classes="head")
                yield Found()
            with Horizontal(classes="step", id="second"):
                yield Static("2  First task", classes="head")
                with Vertical(id="fields"):
                    yield from self._fields()
            yield Static("", id="trouble", markup=False)
            yield Static(
                "Agents keep working when this window closes.\n"
                "Nothing can be reached from the network.",
                id="promise",
            )
        yield Footer(self.FOOTER, id="footer")

    def _fields(self) -> ComposeResult:
        for name, label in (("agent", "Agent"), ("mode", "Ask me")):
            with Horizontal(classes="field"):
                yield Static(label, classes="label")
                yield Choice(id=name, box=22)
        with Horizontal(classes="field"):
            yield Static("Folder", classes="label")
            yield Field(id="folder")
        with Horizontal(classes="field", id="task-field"):
            yield Static("›", id="prompt")
            yield TaskField(TASK)

    def on_mount(self) -> None:
        where = folder(str(self.sereno.cwd), self.sereno.home)
        self.query_one("#folder", Input).value = where
        self.model_changed(Changes(everything=True))

    def model_changed(self, changes: Changes) -> None:
        if changes.connection or changes.everything:
            ready = self.model.connection.phase is Phase.READY
            right = (("ready", "done"),) if ready else ((self.model.connection.words, "dim"),)
            self.query_one("#header", Header).show((("sereno", "strong"),), right)
        if changes.providers or changes.everything:
            entries = self.model.providers
            self.query_one(Found).show(entries, known=self.model.providers_known)
            agent = self.query_one("#agent", Choice)
            agent.show(view.provider_options(entries), agent.value or view.first_ready(entries))
            self._show_modes()

    @on(Choice.Chosen, "#agent")
    def _show_modes(self) -> None:
        entry = view.find(self.model.providers, self.query_one("#agent", Choice).value)
        self._warned = ""
        self.query_one("#mode", Choice).show(view.mode_options(entry), view.default_mode(entry))
        self._trouble(view.how_to_install(entry))

    @on(Choice.Chosen, "#mode")
    def _another_mode(self) -> None:
        self._warned = ""
        self._trouble("")

    @on(Input.Submitted)
    @on(TaskField.Submitted)
    def action_start(self) -> None:
        if self._starting:
            return
        draft = view.Draft(
            provider=self.query_one("#agent", Choice).value,
            mode=self.query_one("#mode", Choice).value,
            folder=self.query_one("#folder", Input).value,
            task=self.query_one(TaskField).text,
        )
        if not draft.provider:
            self._trouble("The daemon is still looking for agents; a moment.")
            return
        entry = view.find(self.model.providers, draft.provider)
        danger = view.danger_of(entry, draft.mode)
        if danger and self._warned != draft.mode:
            self._warned = draft.mode
            self._trouble(f"{danger} enter once more: start it so.")
            return
        self._starting = True
        self._trouble("starting ...")
        self.post_message(self.sereno.creation(draft))

    def on_descendant_focus(self) -> None:
        """A field with values says how they are changed."""
        first, *rest = self.FOOTER
        choosing = isinstance(self.focused, Choice)
        change = (("left right", "change"),) if choosing else ()
        self.query_one("#footer", Footer).show((first, *change, *rest))

    def action_back(self) -> None:
        self.dismiss(None)

    def _trouble(self, words: str) -> None:
        self.query_one("#trouble", Static).update(Content(words))

    def on_act_failed(self, message: ActFailed) -> None:
        if isinstance(message.act, CreateAgent):
            self._starting = False
            self._trouble(message.words)

    def on_act_done(self, message: ActDone) -> None:
        if isinstance(message.act, CreateAgent) and isinstance(message.reply, AgentCreated):
            self.sereno.open_agent(message.reply.agent_id)
            words = f"{self.sereno.leader} d leaves, the agent goes on. Come back: sereno"
            self.notify(words, timeout=20)
