"""How an agent may act and with which model: a panel at the bottom, changed with `enter`.

It offers what the agent's program said it has; what was not changed is not sent.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.values import given
from sereno.tui.keys import key
from sereno.tui.messages import Act, SetMode, SetModel
from sereno.tui.model import AgentState
from sereno.tui.widgets.choice import Choice, Option
from sereno.tui.words import cut, one_line

__all__ = ["ModesPanel"]


class ModesPanel(ModalScreen[list[Act]]):
    """The acts that bring the agent to what was chosen; None when it was left."""

    CSS_PATH = "../confirm/screen.tcss"
    AUTO_FOCUS = "#mode"

    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab", "app.focus_next", "next field", "modes.next"),
        key("enter", "change", "change", "modes.change"),
        key("escape,q", "leave", "back, nothing changes", "modes.leave"),
    ]

    def __init__(self, state: AgentState, entry: ProviderEntry | None) -> None:
        super().__init__()
        self._state = state
        self._models = [] if entry is None else given(entry.models, [])

    def compose(self) -> ComposeResult:
        with Vertical(id="panel") as panel:
            panel.border_title = Content(f"Mode and model: {cut(one_line(self._state.title), 40)}")
            for name, label in (("mode", "Mode"), ("model", "Model")):
                with Horizontal(classes="field"):
                    yield Static(label, classes="label")
                    yield Choice(box=26, id=name)
            yield Static("", id="gap")
            keys = (("arrows", "choose"), ("tab", "next"), ("enter", "change"), ("esc", "back"))
            parts = [part for name, does in keys for part in ((name, "bold"), f" {does}     ")]
            yield Static(Content.assemble(*parts))

    def on_mount(self) -> None:
        snapshot = self._state.snapshot
        modes = [
            Option(mode.id, one_line(mode.label), one_line(given(mode.description, "")))
            for mode in snapshot.available_modes
        ]
        here = snapshot.current_mode_id or ""
        self.query_one("#mode", Choice).show(modes or [Option(here, here or "default")], here)
        models = [Option("", "default", "what the agent itself chooses")]
        models += [Option(model.id, one_line(model.label)) for model in self._models]
        current = snapshot.model or ""
        if current and current not in [option.value for option in models]:
            models.append(Option(current, one_line(current)))
        self.query_one("#model", Choice).show(models, current)

    def action_change(self) -> None:
        snapshot = self._state.snapshot
        acts: list[Act] = []
        mode = self.query_one("#mode", Choice).value
        if mode and mode != snapshot.current_mode_id:
            acts.append(SetMode(self._state.id, mode))
        model = self.query_one("#model", Choice).value or None
        if model != snapshot.model:
            acts.append(SetModel(self._state.id, model))
        self.dismiss(acts)

    def action_leave(self) -> None:
        self.dismiss(None)
