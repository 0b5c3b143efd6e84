"""History in lines: what was archived, and what agent programs have of this folder. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.importing import ProviderSession, SessionsProblem
from sereno.core.protocol.values import given
from sereno.tui.lines import Line, beside, wrap
from sereno.tui.timeline import milliseconds
from sereno.tui.wall import harmless
from sereno.tui.widgets.rows import Row
from sereno.tui.words import age, cut, folder, one_line, tail_cut

__all__ = ["Past", "empty_lines", "pasts", "problem_lines", "rows"]


@dataclass(frozen=True, slots=True)
class Past:
    """One row: an archived agent, or a session that is not here yet. `key` tells which."""

    key: str
    title: str
    provider: str
    folder: str
    at_ms: int
    agent: AgentSnapshot | None = None
    session: ProviderSession | None = None


def pasts(
    archived: Sequence[AgentSnapshot], sessions: Sequence[ProviderSession], words: str
) -> list[Past]:
    """What can be imported first, then what was archived; `words` filters both."""
    found = [
        Past(
            f"session {each.provider} {each.session_id}",
            one_line(harmless(each.title or "")) or "no title",
            one_line(harmless(each.provider)),
            each.cwd,
            milliseconds(each.updated_at) if each.updated_at else 0,
            session=each,
        )
        for each in sessions
        if given(each.agent_id, None) is None
    ]
    found += [
        Past(
            f"agent {each.id}",
            one_line(harmless(each.title or "")) or each.id[:8],
            each.provider,
            each.cwd,
            milliseconds(each.updated_at),
            agent=each,
        )
        for each in archived
    ]
    wanted = words.casefold().split()
    return [past for past in found if all(word in _text(past) for word in wanted)]


def _text(past: Past) -> str:
    kind = "import" if past.session is not None else "archived"
    return f"{past.title} {past.provider} {past.folder} {kind}".casefold()


def rows(found: Sequence[Past], *, now_ms: int, home: str, width: int) -> list[Row]:
    """One line each; the folder only where there is room for it."""
    wide = width >= 90
    place = 30 if wide else 0
    room = max(12, width - 12 - 10 - place - 8 - 2)
    made = []
    for past in found:
        kind, style = ("to import", "accent") if past.session is not None else ("archived", "dim")
        since = age(now_ms - past.at_ms) if past.at_ms else "-"
        where = tail_cut(folder(harmless(past.folder), home), place - 2) if wide else ""
        line = beside(
            [
                (((kind, style),), 12),
                (((cut(past.title, room - 1), ""),), room),
                (((cut(past.provider, 9), "dim"),), 10),
                (((where, "faint"),), place),
                (((f"{since:>7}", "dim"),), 8),
            ]
        )
        made.append(Row(past.key, (line,)))
    return made


def empty_lines(words: str, *, asking: bool) -> list[Line]:
    """Why nothing is here."""
    if words:
        return [(("  nothing matches ", "dim"), (words, ""))]
    if asking:
        return [(("  asking the agent programs ...", "dim"),)]
    return [(("  nothing was archived, and no program has a session of this folder", "dim"),)]


def problem_lines(problems: Sequence[SessionsProblem], width: int) -> list[Line]:
    """Who could not tell, and what to do, whole."""
    lines: list[Line] = []
    for each in problems:
        words = f"{each.provider}: {each.error.rstrip('.')}. {given(each.next_step, '')}"
        shown = wrap(one_line(harmless(words)), max(10, width - 2))
        lines += [((" ", ""), (line, "failed")) for line in shown]
    return lines
