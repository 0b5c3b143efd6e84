"""The agent screen in lines: pure functions from an agent's state to facts, queue, hints, keys.

Its head is in head.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from sereno.core.protocol.messages import PermissionResolvedPush
from sereno.core.protocol.permissions import Allow, Deny, PermissionRequest
from sereno.core.protocol.tools import ShellDetail
from sereno.core.protocol.values import given
from sereno.core.security.sanitise import sanitise_line
from sereno.tui.agent_state import is_dangerous
from sereno.tui.denial import takes_words
from sereno.tui.lines import RULE, Line, fit, spread, width_of, wrap
from sereno.tui.model import AgentState, FleetModel, Need, asked_at
from sereno.tui.screens.agent.head import Look, mode_label, request_place
from sereno.tui.widgets.footer import FooterKey
from sereno.tui.widgets.request_panel_effects import Purpose
from sereno.tui.widgets.request_panel_questions import questions_of
from sereno.tui.widgets.request_panel_reading import Place
from sereno.tui.widgets.request_panel_state import Desk
from sereno.tui.widgets.request_panel_state import Phase as DeskPhase
from sereno.tui.widgets.request_panel_text import flat, reading_of
from sereno.tui.widgets.request_panel_view import Facts
from sereno.tui.words import count, cut, folder, minutes, one_line

__all__ = [
    "Written",
    "closing_words",
    "facts_of",
    "footer_keys",
    "gone_hint",
    "gone_lines",
    "hint_lines",
    "mode_not_taken",
    "mode_words",
    "place_of",
    "queue_lines",
]

_QUEUE_ROWS = 3
_WRITES: dict[Purpose, str] = {
    "answer": "take these words",
    "deny": "deny with these words",
    "edit": "run this instead",
}
_HELD = "held: enter sends it, up edits it"
_HELD_ALL = "held: enter sends them, up edits the last"
_HELD_TYPED = "what is held is sent first"
_ALSO = "shown on every other screen; the first answer wins and goes into the audit log"
_ALSO_NARROW = "on every screen; the first answer wins"


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
    """Prompts that wait for the turn to end, or for the person, newest last, each on a line."""
    queued = state.queued
    word = " held     " if state.holds else " queued   "
    lines: list[Line] = []
    for prompt in queued[-_QUEUE_ROWS:]:
        text = cut(one_line(sanitise_line(prompt.text, 400)), look.width - 14)
        lines.append(fit(((word, "busy"), (text, "dim")), look.width))
    if len(queued) > _QUEUE_ROWS:
        more = len(queued) - _QUEUE_ROWS
        lines.insert(0, fit(((f" and {more} queued before these", "dim"),), look.width))
    return lines


def gone_lines(why: str, look: Look) -> list[Line]:
    """The head of an agent that is not in the fleet any more."""
    words = "was deleted; nothing of it is left." if why == "deleted" else "is archived."
    return [((f" This agent {words}", "dim"),), ((RULE * look.width, "line"),)]


def gone_hint(why: str, look: Look, typed: bool, notice: Line) -> list[Line]:
    """Under its composer: that a prompt brings it back, before one does."""
    if notice:
        return _notice_lines(notice, look)
    if why == "deleted":
        words = "deleted: nothing can be sent to it"
    elif typed:
        words = "enter brings it back from the archive, and sends this"
    else:
        words = "archived: a prompt brings it back"
    return [spread((), ((words, "asks"), (" ", "")), look.width)]


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the composer: whether anything does, and the images that go with it."""

    typed: bool = False
    images: tuple[str, ...] = ()


def hint_lines(
    state: AgentState, look: Look, written: Written, *, notice: Line, behind: bool
) -> list[Line]:
    """Under the composer: news first, whole in up to three lines, then what enter would do."""
    if notice:
        return _notice_lines(notice, look)
    return [_hint_line(state, look, written, behind=behind)]


def _notice_lines(notice: Line, look: Look) -> list[Line]:
    if width_of(notice) + 1 > look.width:
        style = notice[0][1]
        parts = wrap("".join(text for text, _ in notice), look.width - 2)
        return [((" ", ""), (part, style)) for part in parts[: 2 if look.short else 3]]
    return [spread(((" ", ""), *notice), (), look.width)]


def _hint_line(state: AgentState, look: Look, written: Written, *, behind: bool) -> Line:
    left: Line = ((" new below: ", "asks"), ("G", "key")) if behind else ()
    words, typed = "", written.typed
    if written.images:
        goes = "goes" if len(written.images) == 1 else "go"
        names = sanitise_line(", ".join(written.images), 200)
        told = f" {count(len(written.images), 'image')} {goes} with it: {names}"
        left = (*left, (told, ""))
    if state.need in (Need.BUSY, Need.ASKS, Need.STARTING):
        if typed:
            now = "" if look.narrow else f"; {look.leader} i sends it now"
            words = f"sent after this turn{now}"
        elif state.queued:
            words = "up takes the last one back"
    elif state.holds:
        words = _HELD_TYPED if typed else _HELD if len(state.queued) == 1 else _HELD_ALL
    elif state.need is Need.STOPPED and typed:
        words = "starts the agent again"
    return spread(left, ((words, "dim"), (" ", "")), look.width)


def mode_words(state: AgentState) -> Line:
    """The mode that the agent is in now."""
    loud = is_dangerous(state.mode)
    words = f"The mode is {mode_label(state)} now"
    return ((f"{words}: nothing is asked.", "failed") if loud else (f"{words}.", "dim"),)


def mode_not_taken(state: AgentState, mode_id: str) -> Line:
    """What became of a mode that the program did not take, and where its words are."""
    modes = state.snapshot.available_modes
    wanted = next((mode.label for mode in modes if mode.id == mode_id), mode_id)
    name = sanitise_line(wanted, 40)
    if state.need is Need.STOPPED:
        return ((f"No program runs: its next start is in {name}.", "dim"),)
    here = mode_label(state)
    words = f"Not in {name}: its program did not take it, and goes on in {here}. The talk says why."
    return ((words, "failed"),)


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
        case "panel", DeskPhase.ANSWERING if desk.asking is not None and not desk.asking.question:
            return (("enter", "send exactly this"), ("esc", "back"))
        case "panel", DeskPhase.ANSWERING:
            return (("1-9", "choose"), ("w", "own words"), ("enter", "on"), ("esc", "back"))
        case "panel", DeskPhase.CHOOSING:
            return (("1-9", "choose"), ("esc", "back to the request"))
        case "panel", _:
            return _panel_keys(desk, look, waiting)
        case "words", _:
            return (("enter", _WRITES[desk.writing]), ("esc", "back to the request"))
        case "talk", _:
            return (
                ("i", "write"),
                ("j k", "move"),
                ("alt+up down", "block"),
                ("enter", "open"),
                ("m", "mode, model"),
                ("g G", "oldest newest"),
                *stop,
                ("esc", "fleet"),
                ("q", "detach"),
                ("P", "processes"),
                ("c", "copy"),
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
        asks = desk.current is not None and bool(questions_of(desk.current))
        keys.append(("y", "answer" if asks else "allow" if narrow else "allow once"))
    keys.append(("n", "deny"))
    if desk.end_seen and desk.answers.standing:
        keys.append(("s", "longer" if narrow else "allow for longer"))
    if desk.current is None or takes_words(desk.current):
        keys.append(("r", "reply"))
    keys.append(("tab", "draft" if narrow else "to the draft"))
    if waiting > 1:
        keys.append(("ctrl+g", "next" if narrow else "next request"))
    return (*keys, ("v", "whole text"), ("esc", "later"))
