"""The security page in lines of a width: facts under headings, their notes under them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sereno.core.protocol.pairing import PairingState
from sereno.core.protocol.security import SecurityState
from sereno.tui.lines import Line, beside, fit, spread, wrap
from sereno.tui.screens.security import facts as facts_of
from sereno.tui.screens.security.facts import LEVELS, Fact
from sereno.tui.screens.security.page import MORE, OVER
from sereno.tui.screens.security.remote import device_facts, relay_facts
from sereno.tui.widgets.rows import Row
from sereno.tui.words import count

__all__ = ["OLDER", "copied", "enter_words", "page_rows", "standing", "trouble_lines"]

NARROW = 80
_UNKNOWN = "Unknown request schema"
"""How a daemon that does not know the question answers it (wire 6.1)."""
OLDER = (
    "This daemon cannot show its security: its version is older than this screen. "
    "Restart it with `sereno daemon restart`; agents live on."
)
ELSEWHERE = (
    "The security of a daemon is seen and changed on its own machine only. "
    "Open sereno there, in a terminal or through SSH."
)


def standing(state: SecurityState) -> Line:
    """How it stands in a few words, for the header."""
    levels = [check.level for check in state.checks]
    bad = [
        (count(levels.count("danger"), "danger"), "failed", "danger"),
        (count(levels.count("warning"), "warning"), "asks", "warning"),
    ]
    told = [(f"! {words}", style) for words, style, level in bad if level in levels]
    if not told:
        return ((f"{count(len(levels), 'check')}, all well", LEVELS["ok"][1]),)
    return tuple(span for each in told for span in (("  ", ""), each))[1:]


def page_rows(
    state: SecurityState, pairing: PairingState | None, *, width: int, now_ms: int, home: str
) -> list[Row]:
    """Everything, in lines of `width` cells; the checks stand first where one is not well.
    `pairing`: None where nothing is known of it."""
    short = width < NARROW
    groups = [
        ("Who can reach this daemon", [*facts_of.reach(state, home), *relay_facts(pairing)]),
        ("What they must show", facts_of.proof(state, now_ms)),
        ("Who was paired", device_facts(pairing, now_ms)),
    ]
    check = ("Check", facts_of.checks(state.checks, short=short))
    groups.insert(0 if any(one.level != "ok" for one in state.checks) else len(groups), check)
    groups = [group for group in groups if group[1]]
    rows: list[Row] = []
    for place, (title, found) in enumerate(groups):
        if place and not short:
            rows.append(Row(f"{OVER}gap-{place}", ((),)))
        rows.append(Row(f"{OVER}{title}", (((f"{'' if short else '  '}{title}", "strong"),),)))
        for fact in found:
            lines = list(_lines(fact, width, short=short))
            rows.append(Row(fact.key, (lines[0],)))
            rows += [Row(f"{MORE}{fact.key}-{n}", (line,)) for n, line in enumerate(lines[1:])]
    return rows


def _lines(fact: Fact, width: int, *, short: bool) -> Iterator[Line]:
    indent, label = (1, 19) if short else (4, 21)
    edge = indent + label
    right: Line = ((fact.right, fact.right_style), (" ", "")) if fact.right else ()
    room = max(10, width - edge - (len(fact.right) + 4 if fact.right else 1))
    for place, words in enumerate(wrap(fact.value, room)):
        name: Line = ((fact.label if place == 0 else "", fact.label_style or "dim"),)
        left = beside([((), indent), (name, label), (((words, fact.value_style),), room)])
        yield spread(left, right, width - 1) if right and place == 0 else fit(left, width - 1)
    for words, style in fact.notes:
        for line in wrap(words, max(10, width - edge - 2)):
            yield ((" " * edge, ""), (line, style))


def enter_words(fact: str, pairing: PairingState) -> str:
    """What `enter` does on a fact of pairing."""
    if fact == "relay":
        return "switch off ..." if pairing.relay.enabled else "switch on ..."
    return {"devices": "devices", "asks": "answer"}.get(fact, "end this offer ...")


def trouble_lines(words: str, *, width: int, remote: str) -> list[Line]:
    """Why nothing is shown, or why what is shown may be old; whole."""
    if not words:
        return []
    if words.startswith(_UNKNOWN):
        words = OLDER
    elif remote and "own machine" not in words and "not reachable" not in words:
        words = ELSEWHERE if "may not do this" in words else f"{ELSEWHERE} ({words})"
    return [((" ", ""), (line, "failed")) for line in wrap(facts_of.said(words), width - 2)]


def copied(state: SecurityState) -> str:
    """The checks as text, whole."""
    lines = []
    for check in state.checks:
        step = f"  {facts_of.said(check.next_step)}" if check.next_step else ""
        lines.append(f"{LEVELS[check.level][0]}: {facts_of.said(check.text)}{step}")
    return "\n".join(lines)
