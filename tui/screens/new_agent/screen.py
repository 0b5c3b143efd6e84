"""A new agent: which one, how it may act, where, and its task. The draft is kept when left.

The last line shows the exact command and folder before anything is started.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static, TextArea

from sereno.core.protocol.messages import AgentCreated
from sereno.tui.editor import EditorError, edit_text
from sereno.tui.keys import Follower, key
from sereno.tui.messages import ActDone, ActFailed, CreateAgent
from sereno.tui.model import Changes
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.new_agent import view
from sereno.tui.widgets.choice import Choice
from sereno.tui.widgets.field import Field
from sereno.tui.widgets.footer import Footer, FooterKey
from sereno.tui.widgets.header import Header
from sereno.tui.words import folder

__all__ = ["NewAgentScreen"]


class NewAgentScreen(SerenoScreen[None]):
    """A form; `ctrl+x s` starts, `esc` goes back and keeps what was typed."""

    CSS_PATH = "screen.tcss"
    PLACE = "new agent"
    AUTO_FOCUS = "#task"
    FOOTER: ClassVar[tuple[FooterKey, ...]] = (
        ("ctrl+x s", "start"),
        ("tab", "next field"),
        ("ctrl+x e", "task in $EDITOR"),
        ("esc", "back (draft kept)"),
        ("F1", "keys"),
    )
    FOLLOWERS: ClassVar[tuple[Follower, ...]] = (
        Follower("s", "start", "screen.start"),
        Follower("e", "task in $EDITOR", "screen.editor"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "back", "back, the draft is kept", "new.back"),
    ]

    def __init__(self, *, editor: bool = False) -> None:
        super().__init__()
        self._starting = False
        self._editor = editor

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        with VerticalScroll(id="form", can_focus=False):
            with Horizontal(classes="field"):
                yield Static("Agent", classes="label")
                yield Choice(id="agent")
            with Horizontal(classes="field"):
                yield Static("Model", classes="label")
                yield Choice(id="model")
            with Horizontal(classes="field", id="thinking-field"):
                yield Static("Thinking", classes="label")
                yield Choice(id="thinking")
            with Horizontal(classes="field"):
                yield Static("Mode", classes="label")
                yield Choice(id="mode")
            with Horizontal(classes="field"):
                yield Static("Folder", classes="label")
                yield Field(id="folder")
            yield TextArea(id="task", tab_behavior="focus", show_line_numbers=False)
            yield Static("", id="runs", markup=False)
            yield Static("", id="trouble", markup=False)
        yield Footer(self.FOOTER, id="footer")

    def on_mount(self) -> None:
        draft = self.sereno.new_agent_draft
        self.query_one("#header", Header).show((("sereno", "strong"), ("  new agent", "")))
        self.query_one("#folder", Input).value = draft.folder or folder(
            str(self.sereno.cwd), self.sereno.home
        )
        task = self.query_one("#task", TextArea)
        task.border_title = "Task"
        task.cursor_blink = False
        task.text = draft.task
        task.move_cursor(task.document.end)
        self._show_choices(draft)
        if self._editor:
            self.call_after_refresh(self.action_editor)

    def model_changed(self, changes: Changes) -> None:
        if changes.providers or changes.everything:
            self._show_choices(self._draft())

    # -- showing -------------------------------------------------------------------------------

    def _show_choices(self, draft: view.Draft) -> None:
        entries = self.model.providers
        agent = self.query_one("#agent", Choice)
        agent.show(view.provider_options(entries), draft.provider or view.first_ready(entries))
        entry = view.find(entries, agent.value)
        self.sereno.want_models(agent.value)
        asked = self.model.models_words.get(agent.value, "")
        self.query_one("#model", Choice).show(view.model_options(entry, asked), draft.model)
        self._show_thinking(draft.thinking)
        mode = draft.mode or view.default_mode(entry)
        self.query_one("#mode", Choice).show(view.mode_options(entry), mode)
        self._show_command()

    @on(Choice.Chosen, "#model")
    def _another_model(self) -> None:
        self._show_thinking("")

    def _show_thinking(self, value: str) -> None:
        """The levels of the chosen model; the field goes where there are none."""
        entry = view.find(self.model.providers, self.query_one("#agent", Choice).value)
        levels = view.thinking_options(entry, self.query_one("#model", Choice).value)
        self.query_one("#thinking", Choice).show(levels, value)
        self.query_one("#thinking-field").display = bool(levels)

    @on(Choice.Chosen, "#agent")
    def _another_agent(self) -> None:
        name = self.query_one("#agent", Choice).value
        self.sereno.want_models(name, again=True)
        self._show_choices(view.Draft(provider=name))
        self._trouble(view.how_to_install(view.find(self.model.providers, name)))

    @on(Input.Changed, "#folder")
    def _show_command(self) -> None:
        entry = view.find(self.model.providers, self.query_one("#agent", Choice).value)
        command = view.command_line(entry)
        where = self.query_one("#folder", Input).value
        words = Content.assemble(
            ("runs   ", "$dim"), command or "the agent's own command", ("   in   ", "$dim"), where
        )
        self.query_one("#runs", Static).update(words)

    def _trouble(self, words: str) -> None:
        self.query_one("#trouble", Static).update(Content(words))

    # -- what the keys do ----------------------------------------------------------------------

    def _draft(self) -> view.Draft:
        return view.Draft(
            provider=self.query_one("#agent", Choice).value,
            model=self.query_one("#model", Choice).value,
            thinking=self.query_one("#thinking", Choice).value,
            mode=self.query_one("#mode", Choice).value,
            folder=self.query_one("#folder", Input).value,
            task=self.query_one("#task", TextArea).text,
        )

    def action_back(self) -> None:
        self.sereno.new_agent_draft = self._draft()
        self.dismiss(None)

    def action_editor(self) -> None:
        task = self.query_one("#task", TextArea)
        try:
            task.text = edit_text(self.app, task.text)
        except EditorError as error:
            self._trouble(str(error))

    def action_start(self) -> None:
        draft = self._draft()
        self.sereno.new_agent_draft = draft
        if self._starting:
            return
        if not draft.provider:
            self._trouble("No agent is known yet; the daemon is still looking for them.")
            return
        self._starting = True
        self._trouble("starting ...")
        self.post_message(self.sereno.creation(draft))

    def on_act_failed(self, message: ActFailed) -> None:
        if isinstance(message.act, CreateAgent):
            self._starting = False
            self._trouble(message.words)

    def on_act_done(self, message: ActDone) -> None:
        if isinstance(message.act, CreateAgent) and isinstance(message.reply, AgentCreated):
            self.sereno.new_agent_draft = view.Draft()
            self.sereno.open_agent(message.reply.agent_id)
