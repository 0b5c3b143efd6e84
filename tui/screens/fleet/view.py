"""The fleet in lines: pure functions from the model to header, rows, details and pane titles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sereno.core.protocol.agents import Usage
from sereno.core.protocol.timeline import ToolCall
from sereno.core.protocol.tools import ShellDetail
from sereno.core.protocol.values import given
from sereno.tui.agent_state import is_dangerous
from sereno.tui.lines import Line, beside, fit, join, spread, width_of, wrap
from sereno.tui.model import AgentState, FleetModel, Need, Phase
from sereno.tui.widgets.attention import wants
from sereno.tui.widgets.rows import Row
from sereno.tui.words import age, count, cut, folder, minutes, one_line, tail_cut

if TYPE_CHECKING:
    from sereno.tui.screens.copy.screen import Piece

__all__ = [
    "Look",
    "agent_rows",
    "details",
    "empty_lines",
    "header",
    "pane_edge",
    "pieces",
    "state_words",
]


class Look(msgspec.Struct, frozen=True):
    """What a view needs besides the model: the time, the home folder, the width."""

    now_ms: int
    clock: str
    home: str
    width: int


def state_words(state: AgentState, now_ms: int) -> Line:
    """The state in a word and since when: `asks 0:41`, `busy 3:10`, `idle 2 h`."""
    need = state.need
    elapsed = now_ms - state.since_ms
    running = need in (Need.ASKS, Need.BUSY, Need.STARTING)
    return ((f"{need.word} {minutes(elapsed) if running else age(elapsed)}", need.name.lower()),)


def header(model: FleetModel, look: Look, relay: Line = ()) -> tuple[Line, Line]:
    """Name and counts on the left; the link (where not well or far), the relay (where it is on)
    and the clock right."""
    counts = model.counts()
    left: list[Line] = [(("sereno", "strong"),)]
    total = count(counts.agents, "agent")
    if look.width >= 80 and counts.agents:
        left.append(((f"{total}:", "dim"),))
    parts = [
        (counts.busy, "busy", "busy"),
        (counts.asks, "ask" if counts.asks != 1 else "asks", "asks"),
        (counts.failed, "failed", "failed"),
        (counts.done, "done", "done"),
        (counts.idle, "idle", "idle"),
        (counts.stopped, "stopped", "stopped"),
    ]
    left += [((f"{number} {word}", style),) for number, word, style in parts if number]
    right: list[Line] = []
    well = model.connection.phase in (Phase.STARTING, Phase.READY)
    right.append(((cut(model.connection.short, 40), "dim" if well else "failed"),))
    right += [relay, ((look.clock, "dim"),)]
    return join(left), join(right)


def agent_rows(states: list[AgentState], look: Look, *, two_lines: bool) -> list[Row]:
    """One row an agent; `two_lines` adds what it last did, for when no panes stand beside."""
    make = _two_lines if two_lines else _one_line
    return [Row(state.id, make(state, look)) for state in states]


def _one_line(state: AgentState, look: Look) -> tuple[Line, ...]:
    need = state.need
    style = need.name.lower()
    since = _since(state, look)
    provider = cut(state.snapshot.provider, 8)
    room = max(8, look.width - 4 - 9 - 6)
    title = cut(one_line(state.title), room - 1)
    name_style = "strong" if need in (Need.ASKS, Need.FAILED, Need.DONE) else ""
    line = beside(
        [
            (((f"{need.letter} ", style),), 2),
            (((title, name_style),), room),
            (((provider, "dim"),), 9),
            (((f"{since:>6}", style if need in (Need.ASKS, Need.BUSY) else "dim"),), 6),
        ]
    )
    return (line,)


def _two_lines(state: AgentState, look: Look) -> tuple[Line, ...]:
    need = state.need
    style = need.name.lower()
    right = (
        (f"{need.word} " if need is not Need.BUSY else "", style),
        (_since(state, look), style),
    )
    width = look.width - 2
    wide = width >= 90
    room = width - width_of(right) - 2
    title_room = min(room - 13, 46 if wide else 30)
    where = folder(state.snapshot.cwd, look.home) if wide else ""
    name_style = "strong" if need in (Need.ASKS, Need.FAILED, Need.DONE) else ""
    left = beside(
        [
            (((f"{need.letter} ", style),), 2),
            (((cut(one_line(state.title), title_room - 1), name_style),), title_room),
            (((state.snapshot.provider, "dim"),), 11),
            (
                ((tail_cut(where, max(0, room - title_room - 15)), "faint"),),
                max(0, room - title_room - 13),
            ),
        ]
    )
    note, note_style = _note(state, width)
    if is_dangerous(state.mode):
        note = f"! asks nothing   {note}"
    second = (("    ", ""), (cut(note, width - 5), note_style))
    return spread(left, right, width), fit(second, width)


def _since(state: AgentState, look: Look) -> str:
    elapsed = look.now_ms - state.since_ms
    running = state.need in (Need.ASKS, Need.BUSY, Need.STARTING)
    return minutes(elapsed) if running else age(elapsed)


def _note(state: AgentState, width: int) -> tuple[str, str]:
    """What it wants, why it failed, what it does or last did, in one line."""
    match state.need:
        case Need.ASKS:
            return f"wants {_wish(state)}", "asks-line"
        case Need.FAILED:
            return one_line(given(state.snapshot.last_error, "") or "failed"), "failed"
        case Need.BUSY:
            return _doing(state, width), "dim"
        case _:
            return one_line(state.last_line), "dim"


def _doing(state: AgentState, width: int) -> str:
    """The end of its talk, a tool call by its own words, where the screen has it: the daemon tells
    the last line of a turn when that is over."""
    from sereno.tui.pane_view import pane_lines, tool_words  # no part of the first frame

    blocks = state.timeline.blocks if state.timeline.loaded else ()
    words = ""
    if blocks and isinstance(blocks[-1].item, ToolCall):
        words = " ".join(tool_words(blocks[-1].item))
    elif blocks:
        words = "".join(text for line in pane_lines(blocks, width, 1) for text, _ in line)
    return words or one_line(state.last_line) or "works"


def _wish(state: AgentState) -> str:
    """What the oldest request is about; a command is shown itself."""
    request = state.snapshot.pending_permissions[0]
    detail = given(request.detail, None)
    if isinstance(detail, ShellDetail):
        return f"to run: {one_line(detail.command)}"
    return one_line(wants(request))


def details(state: AgentState | None, look: Look) -> list[Line]:
    """The selected agent's facts, one a line: label and value. Only what is known is shown."""
    if state is None:
        return []
    snapshot = state.snapshot
    facts: list[tuple[str, Line]] = []
    if state.need is Need.FAILED:
        facts += _whole("why", given(snapshot.last_error, ""), "failed", look.width)
        facts += _whole("next", given(state.extra.next_step, ""), "", look.width)
    where = tail_cut(folder(snapshot.cwd, look.home), look.width - 10)
    facts.append(("where", ((where, ""),)))
    if state.project is not None and state.project.checkout.current_branch:
        facts.append(("branch", ((one_line(state.project.checkout.current_branch), ""),)))
    if is_dangerous(state.mode):
        words = f"! {_mode(state)}: asks nothing"
        facts += _whole("mode", words, "failed", look.width)
    else:
        facts.append(("mode", ((_mode(state), ""),)))
    facts.append(("model", ((one_line(snapshot.model or "default"), ""),)))
    if state.queued:
        facts.append(("queue", ((count(len(state.queued), "prompt") + " waiting", "busy"),)))
    usage = given(snapshot.last_usage, None)
    if usage is not None:
        facts += [(label, ((words, ""),)) for label, words in _usage(usage)]
    return [((f"{label:<8}", "dim"), *value) for label, value in facts]


def _whole(label: str, words: str, style: str, width: int) -> list[tuple[str, Line]]:
    """Words in full, over as many lines as they need; the label stands before the first."""
    if not words:
        return []
    lines = wrap(one_line(words), max(10, width - 8))
    return [(label if place == 0 else "", ((line, style),)) for place, line in enumerate(lines)]


def _mode(state: AgentState) -> str:
    current = state.snapshot.current_mode_id
    for mode in state.snapshot.available_modes:
        if mode.id == current:
            return one_line(mode.label)
    return one_line(current or "default")


def _usage(usage: Usage) -> list[tuple[str, str]]:
    """What it used, as far as its program says: labels and words."""
    facts: list[tuple[str, str]] = []
    spent: list[str] = []
    cost = given(usage.total_cost_usd, 0.0)
    if cost:
        spent.append(f"${cost:.2f}")
    tokens = given(usage.input_tokens, 0.0) + given(usage.output_tokens, 0.0)
    if tokens:
        spent.append(f"{tokens / 1000:.0f}k tokens" if tokens >= 1000 else f"{tokens:.0f} tokens")
    if spent:
        facts.append(("spent", "  ".join(spent)))
    used = given(usage.context_window_used_tokens, 0.0)
    limit = given(usage.context_window_max_tokens, 0.0)
    if limit and used >= limit / 100:
        facts.append(("context", f"{100 * used / limit:.0f} %"))
    return facts


def pane_edge(state: AgentState, look: Look) -> tuple[str, Line]:
    """The upper edge of a live pane: whose it is, and its state."""
    return f"{one_line(state.title)} · {state.snapshot.provider}", state_words(state, look.now_ms)


def pieces(state: AgentState) -> list[Piece]:
    """What of an agent can be copied."""
    from sereno.tui.screens.copy.screen import Piece

    error = given(state.snapshot.last_error, "") if state.need is Need.FAILED else ""
    found = [
        Piece("i", "its id", state.id),
        Piece("t", "its title", state.title),
        Piece("f", "its folder", state.snapshot.cwd),
        Piece("a", "how to attach", f"sereno attach {state.id[:8]}"),
        Piece("l", "why it failed" if error else "its last line", error or state.last_line),
    ]
    return [piece for piece in found if piece.text]


def empty_lines(model: FleetModel, words: str) -> list[Line]:
    """What an empty list says: why it is empty, and the next step."""
    if words:
        return [
            (("  nothing matches ", "dim"), (words, "")),
            (("  esc clears the filter", "faint"),),
        ]
    if not model.loaded:
        if model.connection.phase is not Phase.STARTING:
            return [(("  no daemon, no list", "dim"),)]
        return [(("  connecting …" if model.connection.remote else "  starting …", "dim"),)]
    return [(("  no agents yet", "dim"),), (("  n ", "key"), ("starts one", "dim"))]
