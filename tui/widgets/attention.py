"""The attention bar: that requests wait, for whom, and the key that goes to the oldest.

Shown only while something waits; it never takes the focus (rule 3). The words come from the
requests themselves, as data.
"""

from __future__ import annotations

from collections.abc import Sequence

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    WriteDetail,
)
from sereno.core.protocol.values import given
from sereno.tui.doors import door_lines
from sereno.tui.lines import Line, spread, wrap
from sereno.tui.model import AgentState, FleetModel, Phase
from sereno.tui.widgets.key_shown import keys_shown
from sereno.tui.widgets.line import LineWidget
from sereno.tui.words import count, cut, minutes, one_line

__all__ = ["AttentionBar", "attention_lines", "trouble_lines", "wants"]


def wants(request: PermissionRequest) -> str:
    """What a request is about in one line: `to run a command`, `to write docs/index.md`."""
    match given(request.detail, None):
        case ShellDetail():
            return "to run a command"
        case EditDetail(file_path=path) | WriteDetail(file_path=path):
            return f"to write {path}"
        case ReadDetail(file_path=path):
            return f"to read {path}"
        case FetchDetail(url=url):
            return f"to fetch {url}"
        case SearchDetail():
            return "to search"
        case _:
            pass
    if request.kind == "question":
        return "an answer"
    if request.kind == "plan":
        return "its plan accepted"
    return one_line(given(request.title, "") or request.name)


def attention_lines(model: FleetModel, now_ms: int, width: int) -> list[Line]:
    """The whole trouble with the daemon, else a line of requests, else one of addresses that are
    not open; nothing where all is well."""
    trouble = trouble_lines(model, width)
    if trouble:
        return trouble
    if not model.requests:
        return door_lines(model.doors, width)
    requests = model.requests
    head = f"! {count(len(requests), 'request')} {'waits' if len(requests) == 1 else 'wait'}"
    left: list[tuple[str, str]] = [(" ", ""), (head, "asks")]
    if width >= 80:
        told = [
            _told(model.agents[open_.agent_id], open_.request, now_ms - open_.since_ms)
            for open_ in requests[:2]
        ]
        left.append((": " + ", ".join(told), "asks-line"))
    return [spread(tuple(left), (("ctrl+g", "key"), (" ", "")), width)]


def trouble_lines(model: FleetModel, width: int) -> list[Line]:
    """What is wrong with the link to the daemon, in full; none while it is well."""
    connection = model.connection
    words = wrap(f"! {one_line(connection.words)}", max(10, width - 2))
    match connection.phase:
        case Phase.LOST:
            return [((" ", ""), (line, "failed")) for line in words]
        case Phase.STOPPED:
            key: Line = (("s", "key"), (" starts one ", "dim"))
            return [spread(((" ", ""), (line, "failed")), key, width) for line in words[:1]]
        case _:
            return []


def _told(state: AgentState, request: PermissionRequest, elapsed_ms: int) -> str:
    name = cut(one_line(state.title), 28)
    return f"{name} wants {one_line(wants(request))} ({minutes(elapsed_ms)})"


class AttentionBar(LineWidget):
    """Shows itself only when something waits, or the daemon cannot be reached."""

    DEFAULT_CSS = """
    AttentionBar { height: 1; display: none; }
    AttentionBar.-waiting { display: block; }
    """

    def __init__(self, model: FleetModel) -> None:
        super().__init__(id="attention")
        self._model = model
        self._now_ms = 0

    def update(self, now_ms: int) -> None:
        self._now_ms = now_ms
        shown = attention_lines(self._model, now_ms, self.app.size.width)
        self.set_class(bool(shown), "-waiting")
        if shown:
            self.styles.height = len(shown)
            self.refresh()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        del height
        shown = attention_lines(self._model, self._now_ms, width)
        return [keys_shown(self, line) for line in shown]
