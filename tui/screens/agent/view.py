"""The agent screen in lines: pure functions from an agent's state to head, queue and hints."""

from __future__ import annotations

from dataclasses import dataclass

from sereno.core.protocol.messages import PermissionResolvedPush
from sereno.core.protocol.permissions import Allow, Deny, PermissionRequest
from sereno.core.protocol.tools import ShellDetail
from sereno.core.protocol.values import given
from sereno.core.security.sanitise import sanitise_line
from sereno.tui.lines import RULE, Line, fit, spread, width_of, wrap
from sereno.tui.model import AgentState, FleetModel, Need, Phase, asked_at
from sereno.tui.widgets.footer import FooterKey
from sereno.tui.widgets.request_panel_reading import Place
from sereno.tui.widgets.request_panel_state import Desk
from sereno.tui.widgets.request_panel_state import Phase as DeskPhase
from sereno.tui.widgets.request_panel_text import flat, reading_of
from sereno.tui.widgets.request_panel_view import Facts
from sereno.tui.words import age, cut, folder, minutes, one_line, tail_cut

__all__ = [
    "Look",
    "closing_words",
    "facts_of",
    "footer_keys",
    "gone_line",
    "head_lines",
    "hint_lines",
    "place_of",
    "queue_lines",
]

_QUEUE_ROWS = 3
_ALSO = "shown on every other screen; the first answer wins and goes into the audit log"
_ALSO_NARROW = "on every screen; the first answer wins"


@dataclass(frozen=True, slots=True)
class Look:
    """What a view needs besides the model."""

    now_ms: int
    home: str
    width: int
    height: int

    @property
    def narrow(self) -> bool:
        return self.width < 80

    @property
    def short(self) -> bool:
        return self.height < 24


def head_lines(model: FleetModel, state: AgentState, desk: Desk, look: Look) -> list[Line]:
    """The head: who and how it stands, the tabs, a rule. No tabs on short screens that ask."""
    lines = [_first_line(model, state, desk, look)]
    if not (look.short and desk.current is not None):
        lines.append(_tabs(model, state, desk, look))
    lines.append(((RULE * look.width, "line"),))
    return lines


def _first_line(model: FleetModel, state: AgentState, desk: Desk, look: Look) -> Line:
    provider = sanitise_line(state.snapshot.provider, 40)
    title = sanitise_line(state.title, 200)
    need = state.need
    dot = "  " if look.narrow else " · "
    words = _state_words(state, look)
    right, style = _right_words(state, look), "dim"
    if look.short and desk.current is not None:
        right = _request_words(model, state, desk) or right
    if model.connection.phase in (Phase.LOST, Phase.STOPPED):
        right, style = (
            _offline_words(model, look.width - len(f"{dot}{provider}{dot}{words}")),
            "failed",
        )
    room = look.width - len(f"{dot}{provider}{dot}{words}   {right} ") - 1
    left: Line = (
        (" ", ""),
        (cut(title, max(10, room)), "strong"),
        (f"{dot}{provider}{dot}", "dim"),
        (words, need.name.lower()),
    )
    return spread(left, ((right, style), (" ", "")), look.width)


def _offline_words(model: FleetModel, room: int) -> str:
    """Why nothing moves: whole where it fits beside a name, else in a word or two."""
    words = model.connection.words
    return words if len(words) + 26 <= room else model.connection.short


def _state_words(state: AgentState, look: Look) -> str:
    need = state.need
    elapsed = look.now_ms - state.since_ms
    running = need in (Need.ASKS, Need.BUSY, Need.STARTING)
    return f"{need.word} {minutes(elapsed) if running else age(elapsed)}"


def _right_words(state: AgentState, look: Look) -> str:
    parts = [mode_label(state)]
    usage = given(state.snapshot.last_usage, None)
    if usage is not None:
        used = given(usage.context_window_used_tokens, 0.0)
        limit = given(usage.context_window_max_tokens, 0.0)
        if used and limit:
            percent = f"{100 * used / limit:.0f} %"
            parts.append(percent if look.narrow else f"context {percent}")
        cost = given(usage.total_cost_usd, 0.0)
        if cost and not look.narrow:
            parts.append(f"${cost:.2f}")
    return ("  " if look.narrow else "   ").join(part for part in parts if part)


def mode_label(state: AgentState) -> str:
    """The mode in the agent program's words; empty where it has none."""
    current = state.snapshot.current_mode_id
    for mode in state.snapshot.available_modes:
        if mode.id == current:
            return sanitise_line(mode.label, 30)
    return sanitise_line(current or "", 30)


def _tabs(model: FleetModel, state: AgentState, desk: Desk, look: Look) -> Line:
    left: Line = ((" ", ""), ("[Talk]", "strong"), ("   Log", "dim"))
    words = _request_words(model, state, desk)
    if not words:
        others = len(model.requests) - len(model.requests_of(state.id))
        if others:
            words = f"! {others} {'waits' if others == 1 else 'wait'}  "
            return spread(left, ((words, "asks"), ("ctrl+g ", "key")), look.width)
        where = tail_cut(flat(folder(state.snapshot.cwd, look.home)), look.width // 2)
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


def place_of(state: AgentState) -> Place:
    """Where the agent works, for what a request reads as."""
    cwd = state.snapshot.cwd
    checkout = state.project.checkout if state.project is not None else None
    root = given(checkout.worktree_root, None) if checkout is not None else None
    return Place(cwd, root or cwd, "worktree" if root else "folder")


def facts_of(
    model: FleetModel, state: AgentState, request: PermissionRequest | None, look: Look
) -> Facts:
    """The daemon's words beside a request: where, what it reads as, why it is asked."""
    if request is None:
        return Facts()
    place = place_of(state)
    detail = given(request.detail, None)
    cwd = given(detail.cwd, "") if isinstance(detail, ShellDetail) else ""
    where = flat(folder(cwd or place.folder, look.home))
    branch = state.project.checkout.current_branch if state.project is not None else None
    if branch:
        where = f"{where}, branch {sanitise_line(branch, 60)}"
    mode = mode_label(state)
    asked = f'the mode is "{mode}"' if mode else "the agent program asks before this"
    since = asked_at(request) or state.since_ms
    rows = (
        ("in", where),
        ("reads as", flat(reading_of(request, place).words)),
        ("asked", asked),
        ("also", _ALSO_NARROW if look.narrow else _ALSO),
    )
    place_in_all = request_place(model, state, request)
    return Facts(f"since {minutes(look.now_ms - since)}", place_in_all, rows)


def queue_lines(state: AgentState, look: Look) -> list[Line]:
    """Prompts that wait for the turn to end, newest last, each on a line."""
    queued = state.queued
    lines: list[Line] = []
    for prompt in queued[-_QUEUE_ROWS:]:
        text = cut(one_line(sanitise_line(prompt.text, 400)), look.width - 14)
        lines.append(fit(((" queued   ", "busy"), (text, "dim")), look.width))
    if len(queued) > _QUEUE_ROWS:
        more = len(queued) - _QUEUE_ROWS
        lines.insert(0, fit(((f" and {more} queued before these", "dim"),), look.width))
    return lines


def gone_line(why: str) -> Line:
    """The head of an agent that is not in the fleet any more."""
    words = "was deleted; nothing of it is left." if why == "deleted" else "is archived."
    return ((f" This agent {words}", "dim"),)


def hint_lines(
    state: AgentState, look: Look, *, typed: bool, notice: Line, behind: bool
) -> list[Line]:
    """Under the composer: news first, whole in up to three lines, then what enter would do."""
    if width_of(notice) + 1 > look.width:
        style = notice[0][1]
        parts = wrap("".join(text for text, _ in notice), look.width - 2)
        return [((" ", ""), (part, style)) for part in parts[: 2 if look.short else 3]]
    if notice:
        return [spread(((" ", ""), *notice), (), look.width)]
    return [_hint_line(state, look, typed=typed, behind=behind)]


def _hint_line(state: AgentState, look: Look, *, typed: bool, behind: bool) -> Line:
    left: Line = ((" new below: ", "asks"), ("G", "key")) if behind else ()
    words = ""
    if state.need in (Need.BUSY, Need.ASKS, Need.STARTING):
        if typed:
            now = "" if look.narrow else "; ctrl+x i sends it now"
            words = f"sent after this turn{now}"
        elif state.queued:
            words = "up takes the last one back"
    elif state.need is Need.STOPPED and typed:
        words = "starts the agent again"
    return spread(left, ((words, "dim"), (" ", "")), look.width)


def closing_words(request_id: str, answer: PermissionResolvedPush | None) -> Line:
    """How a request ended that was not answered here: why or by whom, where that is known."""
    name = cut(flat(request_id), 12)
    why = "the agent does not ask any more"
    if answer is not None:
        why = sanitise_line(given(answer.withdrawn, ""), 120).rstrip(".")
    if answer is None or why:
        return ((f"Request {name} was withdrawn: {why}.", "dim"),)
    word = "allowed" if isinstance(answer.resolution, Allow) else "denied"
    by = sanitise_line(given(answer.answered_by, "") or "another client", 60)
    said = ""
    if isinstance(answer.resolution, Deny):
        said = sanitise_line(given(answer.resolution.message, ""), 120)
    end = f": {said}" if said else "."
    return ((f"Request {name} was {word} by ", "dim"), (by, "strong"), (end, "dim"))


def footer_keys(
    where: str, state: AgentState | None, desk: Desk, look: Look, waiting: int
) -> tuple[FooterKey, ...]:
    """The keys of the part that has the keyboard: "panel", "composer" or "talk".

    `waiting`: the open requests of all agents.
    """
    busy = state is not None and state.need in (Need.BUSY, Need.ASKS, Need.STARTING)
    stop: tuple[FooterKey, ...] = (("ctrl+c", "stop turn"),) if busy else ()
    match where, desk.phase:
        case "panel", DeskPhase.CONFIRMING:
            return (("enter", "send exactly this"), ("esc", "back to the request"))
        case "panel", DeskPhase.CHOOSING:
            return (("1-9", "choose"), ("esc", "back to the request"))
        case "panel", _:
            return _panel_keys(desk, look, waiting)
        case "words", _:
            return (("enter", "send these words"), ("esc", "back to the request"))
        case "talk", _:
            return (
                ("i", "write"),
                ("j k", "move"),
                ("alt+up down", "block"),
                ("enter", "open"),
                ("g G", "oldest newest"),
                *stop,
                ("esc", "fleet"),
                ("q", "detach"),
                ("F1", "all keys"),
            )
        case _ if look.narrow:
            return (
                ("enter", "queue" if busy else "send"),
                ("ctrl+j", "line"),
                ("esc", "view"),
                *((("ctrl+c", "stop"),) if busy else (("@", "file"), ("/", "command"))),
                ("F1", "keys"),
            )
        case _:
            return (
                ("enter", "queue" if busy else "send"),
                ("ctrl+j", "new line"),
                ("@", "file"),
                ("/", "command"),
                ("esc", "to the view"),
                *stop,
                ("ctrl+x", "leader"),
                ("tab", "next part"),
                ("F1", "all keys"),
            )


def _panel_keys(desk: Desk, look: Look, waiting: int) -> tuple[FooterKey, ...]:
    """Only what works now; on narrow screens in words that leave room for the last of them."""
    narrow = look.narrow
    keys: list[FooterKey] = []
    if not desk.end_seen:
        keys.append(("space", "more" if narrow else "to the end"))
    elif desk.may_allow:
        keys.append(("y", "allow" if narrow else "allow once"))
    keys.append(("n", "deny"))
    if desk.end_seen and desk.answers.standing:
        keys.append(("s", "rule" if narrow else "session rule"))
    keys.append(("r", "reply"))
    keys.append(("tab", "draft" if narrow else "to the draft"))
    if waiting > 1:
        keys.append(("ctrl+g", "next" if narrow else "next request"))
    return (*keys, ("v", "whole text"), ("esc", "later"))
