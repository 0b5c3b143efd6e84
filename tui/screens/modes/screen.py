"""How an agent may act, with which model, how long it thinks: a panel at the bottom.

It offers what the agent's program said it has; what was not changed is not sent. A mode in which
nothing is asked is set only by a second `enter`, after its danger was said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.values import given
from sereno.tui.keys import key
from sereno.tui.messages import Act, SetMode, SetModel, SetThinking
from sereno.tui.model import AgentState
from sereno.tui.screens.modes.view import dangers, models_for, modes_for, thinking_for
from sereno.tui.widgets.choice import Choice
from sereno.tui.words import cut, one_line

if TYPE_CHECKING:
    from sereno.tui.app import SerenoApp

__all__ = ["ModesPanel"]


class ModesPanel(ModalScreen[list[Act]]):
    """The acts that bring the agent to what was chosen; None when it was left."""

    CSS_PATH = "../confirm/screen.tcss"
    AUTO_FOCUS = "#mode"

    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab", "app.focus_next", "next field", "modes.next"),
        key("shift+tab", "app.focus_previous", "field before", "modes.previous"),
        key("enter", "change", "change", "modes.change"),
        key("escape,q", "leave", "back, nothing changes", "modes.leave"),
    ]

    def __init__(self, state: AgentState, entry: ProviderEntry | None) -> None:
        super().__init__()
        self._state = state
        self._models = [] if entry is None else given(entry.models, [])
        self._warned = ""

    def compose(self) -> ComposeResult:
        fields = (("mode", "Mode"), ("model", "Model"), ("thinking", "Thinking"))
        with Vertical(id="panel") as panel:
            title = cut(one_line(self._state.title), 40)
            panel.border_title = Content(f"Mode, model, thinking: {title}")
            for name, label in fields:
                with Horizontal(classes="field", id=f"{name}-field"):
                    yield Static(label, classes="label")
                    yield Choice(box=26, id=name)
            yield Static("", id="gap")
            keys = (
                ("arrows", "choose"),
                (self._key("modes.next", "tab"), "next"),
                (self._key("modes.change", "enter"), "change"),
                (self._key("modes.leave", "esc"), "back"),
            )
            parts = [part for name, does in keys for part in ((name, "bold"), f" {does}     ")]
            yield Static(Content.assemble(*parts))

    def on_mount(self) -> None:
        told = self.query_one("#gap", Static)
        told.styles.height, told.styles.min_height = "auto", 1
        snapshot = self._state.snapshot
        self.query_one("#mode", Choice).show(modes_for(snapshot), snapshot.current_mode_id or "")
        self.query_one("#model", Choice).show(
            models_for(snapshot, self._models), snapshot.model or ""
        )
        self._show_thinking(given(snapshot.thinking_option_id, None) or "")

    def _show_thinking(self, value: str | None = None) -> None:
        """The levels of the chosen model; the field goes where there are none."""
        model = self.query_one("#model", Choice).value
        levels = thinking_for(self._state.snapshot, self._models, model)
        self.query_one("#thinking", Choice).show(levels, value)
        self.query_one("#thinking-field").display = bool(levels)

    @on(Choice.Chosen)
    def _chosen(self, event: Choice.Chosen) -> None:
        if event.choice.id == "model":
            self._show_thinking()
        self._tell()

    def on_descendant_focus(self) -> None:
        self._tell()

    def _tell(self) -> None:
        """What the agent's program says of the chosen value, whole: beside it there is no room."""
        self._warned = ""
        choice = self.focused
        option = choice.option if isinstance(choice, Choice) else None
        loud = option is not None and option.style == "failed"
        words = ""
        if isinstance(choice, Choice) and option is not None:
            words = option.note if loud else choice.cut_words
        style = "$need-failed bold" if loud else "dim"
        self.query_one("#gap", Static).update(Content.assemble((words, style)))

    def _key(self, name: str, usual: str) -> str:
        return cast("SerenoApp", self.app).key_of(name, usual)

    def _warn(self, words: str) -> None:
        self._warned = words
        again = f" {self._key('modes.change', 'enter')} once more: change to it."
        told = Content.assemble((words, "$need-failed bold"), again)
        self.query_one("#gap", Static).update(told)

    def action_change(self) -> None:
        mode = self.query_one("#mode", Choice).value
        danger = dangers(self._state.snapshot, mode)
        if danger and self._warned != danger:
            self._warn(danger)
            return
        self.dismiss(self._acts(mode))

    def _acts(self, mode: str) -> list[Act]:
        snapshot = self._state.snapshot
        acts: list[Act] = []
        if mode and mode != snapshot.current_mode_id:
            acts.append(SetMode(self._state.id, mode))
        model = self.query_one("#model", Choice).value or None
        if model != snapshot.model:
            acts.append(SetModel(self._state.id, model))
        thinking = self.query_one("#thinking", Choice)
        if thinking.option is not None:
            level = thinking.value or None
            if level != given(snapshot.thinking_option_id, None):
                acts.append(SetThinking(self._state.id, level))
        return acts

    def action_leave(self) -> None:
        self.dismiss(None)
