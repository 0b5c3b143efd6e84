"""What an offer is for, what the device is to be called, and what it may."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from sereno.core.protocol.pairing import OfferPairing, PairingState
from sereno.tui import pairing_words as words
from sereno.tui.screens.pair.admit import OPTIONS
from sereno.tui.widgets.choice import Choice, Option
from sereno.tui.widgets.field import Field

__all__ = ["Form"]

KINDS = (
    Option("app", "official app", "on a phone, in a browser or on a desktop"),
    Option("sereno", "another Sereno", "on another machine of yours"),
)


class Form(Vertical):
    """Three fields, and what they come to."""

    DEFAULT_CSS = "Form { height: auto; } Form #about { height: auto; margin: 1 0 0 0; }"

    def compose(self) -> ComposeResult:
        yield self._field("For", Choice(box=22, id="kind"))
        yield self._field("Name", Field(id="name", placeholder="what it is to be called"))
        yield self._field("May", Choice(box=22, id="rights"))
        yield Static("", id="about", markup=False)

    @staticmethod
    def _field(label: str, widget: Widget) -> Horizontal:
        return Horizontal(Static(label, classes="label", markup=False), widget, classes="field")

    def on_mount(self) -> None:
        self.query_one("#kind", Choice).show(KINDS)
        self.query_one("#rights", Choice).show(OPTIONS)
        self._state: PairingState | None = None
        self._write()

    def tell(self, state: PairingState | None) -> None:
        """How pairing stands."""
        self._state = state
        self._write()

    @on(Choice.Chosen)
    def _chosen(self) -> None:
        self._write()

    def _write(self) -> None:
        kind = self.query_one("#kind", Choice).value
        relay = None if self._state is None else self._state.relay
        parts: list[tuple[str, str]] = [
            ("One device, within ten minutes. You are asked before it gets in.\n", ""),
            (f"None ever gets: {words.WITHHELD}.\n", "$dim"),
        ]
        if relay is not None and relay.enabled:
            parts.append((f"\nThrough {words.relay_name(relay)}, encrypted end to end.\n", ""))
        elif relay is not None:
            told = f"\nThe relay ({words.relay_name(relay)}) is off: enter asks to switch it on.\n"
            parts.append((told, "$need-asks"))
        parts.append((words.relay_could(kind), "$dim"))
        self.query_one("#about", Static).update(Content.assemble(*parts))

    def request(self) -> OfferPairing:
        """What is filled in. The relay is not switched on by it."""
        kind, rights = (self.query_one(name, Choice).value for name in ("#kind", "#rights"))
        return OfferPairing(
            request_id="",
            kind="sereno" if kind == "sereno" else "app",
            name=self.query_one("#name", Input).value.strip(),
            rights="viewer" if rights == "viewer" else "operator",
        )
