"""What runs for an agent, in lines: its processes as a tree, their memory, or why none runs.

Pure. Memory is given as the system counts it for one process alone (what is shared counts in parts)
where it says so, else with everything that the process shares.
"""

from __future__ import annotations

from collections.abc import Sequence

from sereno.core.protocol.additions import InspectAgentResult, ProcessRow
from sereno.core.protocol.values import given
from sereno.core.security.sanitise import reveal
from sereno.tui.lines import Line, fit, wrap
from sereno.tui.model import AgentState, Need
from sereno.tui.timeline import milliseconds
from sereno.tui.wall import harmless
from sereno.tui.words import age, count, cut, one_line

__all__ = ["copied", "fact_lines", "memory_of", "mib", "summary", "tree", "tree_lines"]

_DEEPEST = 12
"""Levels that are drawn further in each; deeper ones stand under one another."""
_PID, _MEMORY = 9, 12
_UNKNOWN = "Unknown request schema"
"""How a daemon that does not know the question answers it (wire 6.1)."""
OLDER = "This daemon cannot tell what runs: its version is older than this screen."


def mib(kib: int) -> str:
    """`0.4 MiB`, `142 MiB`, `1.3 GiB`: three digits at most."""
    size = kib / 1024
    if size >= 1000:
        return f"{size / 1024:.1f} GiB"
    return f"{size:.0f} MiB" if size >= 10 else f"{size:.1f} MiB"


def memory_of(found: InspectAgentResult) -> int:
    """KiB that would be free without it, where that is known, else what its processes hold."""
    return given(found.pss_kib, found.memory_kib)


def summary(found: InspectAgentResult) -> str:
    """`142 MiB`; empty where nothing runs."""
    return mib(memory_of(found)) if found.processes else ""


def tree(rows: Sequence[ProcessRow]) -> list[tuple[int, ProcessRow]]:
    """Children under their parents, each with its depth, in the order of their numbers.

    Rows whose parent is not among them are roots; no row is lost, also where parents go round.
    """
    known = {row.pid: row for row in rows}
    children: dict[int, list[ProcessRow]] = {}
    roots = []
    for row in sorted(known.values(), key=lambda row: row.pid):
        if row.ppid in known and row.ppid != row.pid:
            children.setdefault(row.ppid, []).append(row)
        else:
            roots.append(row)
    found: list[tuple[int, ProcessRow]] = []
    seen: set[int] = set()
    for first in [*roots, *known.values()]:
        waiting = [(0, first)]
        while waiting:
            depth, row = waiting.pop()
            if row.pid not in seen:
                seen.add(row.pid)
                found.append((depth, row))
                below = reversed(children.get(row.pid, []))
                waiting += [(depth + 1, child) for child in below]
    return found


def tree_lines(found: InspectAgentResult, width: int, *, wrapped: bool) -> list[Line]:
    """A head and a line for each process; `wrapped`: commands whole, over as many as they need."""
    if not found.processes:
        return []
    lines = [fit(((f"{'pid':>{_PID}}{'memory':>{_MEMORY}}   command", "dim"),), width)]
    for depth, row in tree(found.processes):
        lines += _row(found, depth, row, width, wrapped=wrapped)
    return lines


def _row(
    found: InspectAgentResult, depth: int, row: ProcessRow, width: int, *, wrapped: bool
) -> list[Line]:
    inside = min(depth, _DEEPEST if width >= 80 else _DEEPEST // 3)
    branch = "  " * (inside - 1) + "└ " if inside else ""
    note, style = _note(found, row)
    words = _command(row)
    indent = _PID + _MEMORY + 3 + len(branch)
    lead = f"{note}  " if note else ""
    room = max(10, width - indent - 1)
    parts = wrap(lead + words, room) if wrapped else [cut(lead + words, room)]
    memory = mib(given(row.pss_kib, row.rss_kib))
    head: Line = ((f"{row.pid:>{_PID}}", "dim"), (f"{memory:>{_MEMORY}}   ", ""))
    first: Line = (*head, (branch, "faint"), (lead, style), (parts[0][len(lead) :], ""))
    return [first, *[((" " * indent, ""), (part, "")) for part in parts[1:]]]


def _note(found: InspectAgentResult, row: ProcessRow) -> tuple[str, str]:
    if given(row.background, False):
        return "in the background", "asks"
    if row.pid == found.agent_pid:
        return "the agent", "accent"
    if row.pid == found.runner_pid:
        return "its runner", "dim"
    return "", ""


def _command(row: ProcessRow) -> str:
    return one_line(harmless(reveal(row.command))) or "(no name)"


def fact_lines(
    found: InspectAgentResult | None,
    state: AgentState | None,
    trouble: str,
    *,
    now_ms: int,
    width: int,
) -> list[Line]:
    """Under the tree, whole: what is wrong, why nothing runs, or since when it does."""
    told: list[tuple[str, str]] = []
    if trouble:
        words = OLDER if trouble.startswith(_UNKNOWN) else one_line(harmless(trouble))
        told.append((words, "failed"))
    if found is not None and not (trouble and not found.processes):
        told += [(words, "dim") for words in _facts(found, state, now_ms)]
    return [
        ((" ", ""), (part, style))
        for words, style in told
        for part in wrap(words, max(10, width - 2))
    ]


def _facts(found: InspectAgentResult, state: AgentState | None, now_ms: int) -> list[str]:
    if not found.processes:
        return _nothing_runs(found, state)
    parts = []
    if found.started_at:
        parts.append(f"Run {found.run}, for {_elapsed(found.started_at, now_ms)}.")
    counted = isinstance(found.pss_kib, int)
    parts.append(
        "What processes share is divided between them."
        if counted
        else "What processes share counts for each of them."
    )
    if any(given(row.background, False) for row in found.processes):
        parts.append("What a tool left in the background keeps the agent from being parked.")
    return [" ".join(parts)]


def _elapsed(started_at: str, now_ms: int) -> str:
    words = age(now_ms - milliseconds(started_at))
    return "under a minute" if words == "now" else words


def _nothing_runs(found: InspectAgentResult, state: AgentState | None) -> list[str]:
    if state is None:
        return ["No process runs for it."]
    if state.need is Need.STARTING:
        return ["Its program is being started ..."]
    if given(state.extra.parked, False):
        return ["Parked: no process runs, because it had nothing to do. A prompt starts it again."]
    ended = one_line(harmless(found.exit or ""))
    why = [f"Its program has ended: {ended}."] if ended else ["No process runs for it."]
    return [*why, "The next prompt starts it."]


def heading(found: InspectAgentResult | None) -> str:
    """The right end of the head: how many, and how much they hold."""
    if found is None:
        return "reading ..."
    if not found.processes:
        return "none runs"
    return f"{count(len(found.processes), 'process', 'processes')}   {summary(found)}"


def copied(found: InspectAgentResult) -> str:
    """The tree as text, whole."""
    return "\n".join(
        f"{'  ' * depth}{row.pid}  {mib(given(row.pss_kib, row.rss_kib))}  {_command(row)}"
        for depth, row in tree(found.processes)
    )
