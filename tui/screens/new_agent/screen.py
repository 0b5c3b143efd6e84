"""A new agent: which one, how it may act, where, and its task. The draft is kept when left.

The exact command and folder stand there before anything is started, and what the folder brings
that is left out. A mode in which nothing is asked is begun in only by a second `ctrl+x s`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static, TextArea
from textual.worker import Worker

from sereno.core.protocol.messages import AgentCreated
from sereno.tui.attachments import AttachError, image_paths, read_images
from sereno.tui.editor import EditorError, edit_text
from sereno.tui.keys import Follower, key
from sereno.tui.messages import ActDone, ActFailed, CreateAgent
from sereno.tui.model import Changes
from sereno.tui.screens.agent.completion import Completion
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.screens.choose.screen import ChooseOne
from sereno.tui.screens.new_agent import trust, view
from sereno.tui.screens.new_agent.task import TaskText
from sereno.tui.widgets.choice import Choice
from sereno.tui.widgets.composer import Composer
from sereno.tui.widgets.field import Field
from sereno.tui.widgets.file_picker import FilePicker
from sereno.tui.widgets.footer import Footer, FooterKey
from sereno.tui.widgets.header import Header
from sereno.tui.words import folder

__all__ = ["NewAgentScreen"]

_TASK_KEYS: tuple[FooterKey, ...] = (
    ("ctrl+x s", "start"),
    ("tab", "next field"),
    ("ctrl+x e", "task in $EDITOR"),
    ("esc", "back (draft kept)"),
    ("F1", "keys"),
)
_NARROW_KEYS: tuple[FooterKey, ...] = (
    ("ctrl+x s", "start"),
    ("ctrl+x e", "editor"),
    ("esc", "back"),
    ("F1", "keys"),
)
_CHOICE_KEYS: tuple[FooterKey, ...] = (("enter", "all of them"), ("left right", "change"))


class NewAgentScreen(SerenoScreen[None]):
    """A form; `ctrl+x s` starts, `esc` goes back and keeps what was typed."""

    CSS_PATH = "screen.tcss"
    PLACE = "new agent"
    AUTO_FOCUS = "#task"
    FOOTER: ClassVar[tuple[FooterKey, ...]] = _TASK_KEYS
    FOLLOWERS: ClassVar[tuple[Follower, ...]] = (
        Follower("s", "start", "screen.start"),
        Follower("e", "task in $EDITOR", "screen.editor"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "back", "back, the draft is kept", "new.back"),
        key("enter", "choose", "all values of the field", "new.choose"),
    ]

    def __init__(self, *, editor: bool = False) -> None:
        super().__init__()
        self._starting = False
        self._editor = editor
        self._warned = ""
        """The dangerous mode whose danger was said."""

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
            yield FilePicker(id="picker")
            yield TaskText(id="task")
            yield Static("", id="about", markup=False)
            yield Static("", id="trouble", markup=False)
            yield Static("", id="images", markup=False)
            yield Static("", id="runs", markup=False)
            yield Static("", id="trust", markup=False)
        yield Footer(self.FOOTER, id="footer")

    def on_mount(self) -> None:
        draft = self.sereno.new_agent_draft
        self.query_one("#header", Header).show((("sereno", "strong"), ("  new agent", "")))
        self.query_one("#folder", Input).value = draft.folder or folder(
            str(self.sereno.cwd), self.sereno.home
        )
        task = self.query_one("#task", TaskText)
        task.border_title = "Task"
        task.border_subtitle = "@ names a file or an image"
        picker = self.query_one(FilePicker)
        self.completion = Completion(
            self,
            task,
            picker,
            find=self._find_files,
            commands=lambda: (),
            debounce=self.sereno.times.debounce,
        )
        task.put(draft.task)
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
        self._warned = ""
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

    @on(Choice.Chosen, "#mode")
    def _another_mode(self) -> None:
        self._warned = ""
        self._trouble("")

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
        _: Worker[None] = self.run_worker(self._look_into, group="log", exclusive=True)

    async def _look_into(self) -> None:
        """What the folder brings that is left out, and whether the named images are in it."""
        folder, home = self._folder, self.sereno.home
        names = await asyncio.to_thread(trust.brought, folder, home)
        entry = view.find(self.model.providers, self.query_one("#agent", Choice).value)
        told = self.query_one("#trust", Static)
        told.update(Content(trust.trust_words(entry, names)))
        told.display = bool(names) and trust.takes_settings(entry)
        self._show_images()

    @on(Composer.Changed, "#task")
    def _show_images(self) -> None:
        task = self.query_one("#task", TaskText).text
        paths = image_paths(task, self._folder, self.sereno.home) if "@" in task else []
        words = self.query_one("#images", Static)
        words.update(Content(view.images_words([path.name for path in paths])))
        words.display = bool(paths)

    @property
    def _folder(self) -> str:
        """Where it would work, as a whole path."""
        return self.sereno.creation(self._draft()).folder

    async def _find_files(self, query: str, limit: int) -> list[str]:
        return await self.sereno.link.find_files(self._folder, query, limit)

    @on(Composer.TokenChanged)
    def _token_changed(self, event: Composer.TokenChanged) -> None:
        self.completion.token_changed(event.token)

    @on(Composer.ListKey)
    def _list_key(self, event: Composer.ListKey) -> None:
        self.completion.list_key(event.act, event.step)

    def on_descendant_focus(self) -> None:
        self._show_footer()
        self._show_about()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_footer)
        self.call_after_refresh(self._show_about)

    @on(Choice.Chosen)
    def _show_about(self) -> None:
        """What is said of the value in hand, whole, where it is cut beside it."""
        choice, about = self.focused, self.query_one("#about", Static)
        words = choice.cut_words if isinstance(choice, Choice) else ""
        about.update(Content(words))
        about.display = bool(words)

    def _show_footer(self) -> None:
        """What works in the field that has the keyboard; the editor's key in the task only."""
        focused = self.focused
        keys = _NARROW_KEYS if self.size.width < 80 else _TASK_KEYS
        if isinstance(focused, Choice) and len(focused.options) > 1:
            keys = (*_CHOICE_KEYS, *(each for each in keys if each[0] != "ctrl+x e"))
        elif isinstance(focused, (Choice, Input)):
            keys = tuple(each for each in keys if each[0] != "tab")
            keys = (("enter", "next field"), *keys)
        self.query_one("#footer", Footer).show(keys)

    def _trouble(self, words: str) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.update(Content(words))
        trouble.display = bool(words)
        if words:
            self.call_after_refresh(trouble.scroll_visible, animate=False)

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

    @on(Input.Submitted, "#folder")
    def _folder_done(self) -> None:
        self.focus_next()

    def action_choose(self) -> None:
        """Every value of the field in a list; where there is only one, the next field."""
        choice = self.focused
        if not isinstance(choice, Choice):
            return
        if len(choice.options) < 2:
            self.focus_next()
            return

        def taken(value: str | None) -> None:
            if value is not None:
                choice.take(value)

        title = str(choice.id).capitalize()
        self.app.push_screen(ChooseOne(title, choice.options, choice.value), taken)

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
        entry = view.find(self.model.providers, draft.provider)
        danger = view.danger_of(entry, draft.mode)
        if danger and self._warned != draft.mode:
            self._warned = draft.mode
            self._trouble(f"{danger} {self.sereno.leader} s once more: start it so.")
            return
        self._starting = True
        self._trouble("starting ...")
        _: Worker[None] = self.run_worker(partial(self._start, draft), group="acts")

    async def _start(self, draft: view.Draft) -> None:
        """With the images that its task names."""
        act = self.sereno.creation(draft)
        paths: list[Path] = image_paths(act.task, act.folder, self.sereno.home)
        try:
            act.images = await asyncio.to_thread(read_images, paths) if paths else ()
        except AttachError as error:
            self._starting = False
            self._trouble(str(error))
            return
        self.post_message(act)

    def on_act_failed(self, message: ActFailed) -> None:
        if isinstance(message.act, CreateAgent):
            self._starting = False
            self._trouble(message.words)

    def on_act_done(self, message: ActDone) -> None:
        if isinstance(message.act, CreateAgent) and isinstance(message.reply, AgentCreated):
            self.sereno.new_agent_draft = view.Draft()
            self.sereno.open_agent(message.reply.agent_id)
