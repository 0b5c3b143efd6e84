"""The head of the agent screen: who works, in which state and mode, how full, what waits. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sereno.core.protocol.agents import Usage
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.values import given
from sereno.core.security.sanitise import sanitise_line
from sereno.tui.agent_state import is_dangerous
from sereno.tui.keys import LEADER_KEY
from sereno.tui.lines import RULE, Line, spread, width_of
from sereno.tui.model import AgentState, FleetModel, Need, Phase
from sereno.tui.widgets.request_panel_state import Desk
from sereno.tui.widgets.request_panel_state import Phase as DeskPhase
from sereno.tui.widgets.request_panel_text import flat
from sereno.tui.words import age, cut, folder, minutes, tail_cut

__all__ = ["Look", "head_lines", "mode_label", "request_place"]


@dataclass(frozen=True, slots=True)
class Look:
    """What a view needs besides the model."""

    now_ms: int
    home: str
    width: int
    height: int
    leader: str = LEADER_KEY
    """As the person has it."""

    @property
    def narrow(self) -> bool:
        return self.width < 80

    @property
    def short(self) -> bool:
        return self.height < 24


def head_lines(
    model: FleetModel, state: AgentState, desk: Desk, look: Look, memory: str = ""
) -> list[Line]:
    """The head: who and how it stands, the tabs, a rule. No tabs on short screens that ask.

    `memory`: what its processes hold, in words; empty where that is not known.
    """
    lines = [_first_line(model, state, desk, look)]
    if not (look.short and desk.current is not None):
        lines.append(_tabs(model, state, desk, look, memory))
    lines.append(((RULE * look.width, "line"),))
    return lines


def _first_line(model: FleetModel, state: AgentState, desk: Desk, look: Look) -> Line:
    provider = sanitise_line(state.snapshot.provider, 40)
    title = sanitise_line(state.title, 200)
    need = state.need
    dot = "  " if look.narrow else " · "
    words = _state_words(state, look)
    right = _right_words(state, look)
    if look.short and desk.current is not None:
        asked = _request_words(model, state, desk)
        right = (*_loud_mode(state, look), (asked, "dim")) if asked else right
    if model.connection.phase in (Phase.LOST, Phase.STOPPED):
        room = look.width - len(f"{dot}{provider}{dot}{words}")
        right = (*_loud_mode(state, look), (_offline_words(model, room), "failed"))
    room = look.width - len(f"{dot}{provider}{dot}{words}    ") - width_of(right) - 1
    left: Line = (
        (" ", ""),
        (cut(title, max(10, room)), "strong"),
        (f"{dot}{provider}{dot}", "dim"),
        (words, need.name.lower()),
    )
    return spread(left, (*right, (" ", "")), look.width)


def _offline_words(model: FleetModel, room: int) -> str:
    """Why nothing moves: whole where it fits beside a name, else in a word or two."""
    words = model.connection.words
    return words if len(words) + 26 <= room else model.connection.short


def _state_words(state: AgentState, look: Look) -> str:
    need = state.need
    elapsed = look.now_ms - state.since_ms
    running = need in (Need.ASKS, Need.BUSY, Need.STARTING)
    word = "parked" if need is Need.STOPPED and given(state.extra.parked, False) else need.word
    return f"{word} {minutes(elapsed) if running else age(elapsed)}"


def _loud_mode(state: AgentState, look: Look) -> Line:
    """A mode in which nothing is asked, so that nobody overlooks it; else nothing."""
    if not is_dangerous(state.mode):
        return ()
    words = "" if look.narrow else ": asks nothing"
    return ((f"! {mode_label(state)}{words}", "failed"), ("  " if look.narrow else "   ", ""))


def _right_words(state: AgentState, look: Look) -> Line:
    loud = _loud_mode(state, look)
    parts = [] if loud else [mode_label(state)]
    usage = given(state.snapshot.last_usage, None)
    if usage is not None:
        used = given(usage.context_window_used_tokens, 0.0)
        limit = given(usage.context_window_max_tokens, 0.0)
        if used and limit:
            percent = f"{100 * used / limit:.0f} %"
            parts.append(percent if look.narrow else f"context {percent}")
        elif not look.narrow:
            parts.append(_tokens(usage))
        cost = given(usage.total_cost_usd, 0.0)
        if cost and not look.narrow:
            parts.append(f"${cost:.2f}")
    words = ("  " if look.narrow else "   ").join(part for part in parts if part)
    return (*(loud if words else loud[:1]), (words, "dim"))


def _tokens(usage: Usage) -> str:
    """What was spent, where the program does not say how full the context is."""
    spent = given(usage.input_tokens, 0.0) + given(usage.output_tokens, 0.0)
    if not spent:
        return ""
    return f"{spent / 1000:.0f}k tokens" if spent >= 1000 else f"{spent:.0f} tokens"


def mode_label(state: AgentState) -> str:
    """The mode in the agent program's words; empty where it has none."""
    mode = state.mode
    return sanitise_line((state.snapshot.current_mode_id or "") if mode is None else mode.label, 30)


def _tabs(model: FleetModel, state: AgentState, desk: Desk, look: Look, memory: str) -> Line:
    figure = f" {memory}" if memory else ""
    left: Line = ((" ", ""), ("[Talk]", "strong"), (f"   Log   Processes{figure}", "dim"))
    words = _request_words(model, state, desk)
    if not words:
        others = len(model.requests) - len(model.requests_of(state.id))
        if others:
            words = f"! {others} {'waits' if others == 1 else 'wait'}  "
            return spread(left, ((words, "asks"), ("ctrl+g ", "key")), look.width)
        room = min(look.width // 2, look.width - width_of(left) - 4)
        where = tail_cut(flat(folder(state.snapshot.cwd, look.home)), room)
        return spread(left, ((where, "faint"), (" ", "")), look.width)
    return spread(left, ((words, "asks"), (" ", "")), look.width)


def _request_words(model: FleetModel, state: AgentState, desk: Desk) -> str:
    if desk.current is None or desk.phase is DeskPhase.PUT_OFF:
        return ""
    number, size = request_place(model, state, desk.current)
    return f"request {number} of {size}" if number else ""


def request_place(
    model: FleetModel, state: AgentState, request: PermissionRequest
) -> tuple[int, int]:
    """`request 1 of 2`: its place among the open requests of all agents, oldest first."""
    mine = (state.id, request.id)
    ids = [(open_.agent_id, open_.request.id) for open_ in model.requests]
    return (ids.index(mine) + 1 if mine in ids else 0), len(ids)
