"""Tokens, the fill of the context and the cost, as far as the program says them.

While a turn runs the context is what the last answer of the model was made from; after it the
program's own count (get_context_usage) replaces that. Tokens are said of a
turn, the cost of a run.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.agents import Usage
from sereno.core.providers.claude.state import Core
from sereno.core.providers.claude.values import number, record
from sereno.core.providers.common.spending import told
from sereno.core.providers.effects import Changed, Effect

__all__ = ["context_counted", "context_seen", "result_seen", "usage_now"]

_PARTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def context_seen(core: Core, tokens: dict[str, Any], grown: bool = False) -> list[Effect]:
    """The usage of one answer of the model; `grown`: only what it added to the context."""
    known = core.state.usage
    if grown:
        added = number(tokens.get("output_tokens"))
        if known.context_used is not None and added:
            known.context_used += added
            core.touch()
        return []
    parts = [found for key in _PARTS if (found := number(tokens.get(key))) is not None]
    used = sum(parts)
    if not parts or used == known.context_used:
        return []
    known.context_used = used
    core.touch()
    # Without the size it is no fill, and the end of the turn will say it.
    return [Changed(usage=usage_now(core))] if known.context_size is not None else []


def context_counted(core: Core, answer: dict[str, Any]) -> list[Effect]:
    """The program's own count: the answer to get_context_usage."""
    known = core.state.usage
    used, size = number(answer.get("totalTokens")), number(answer.get("maxTokens"))
    size = number(answer.get("rawMaxTokens")) if size is None else size
    before = (known.context_used, known.context_size)
    known.context_used = known.context_used if used is None else used
    known.context_size = size if size else known.context_size
    if before == (known.context_used, known.context_size):
        return []
    core.touch()
    return [Changed(usage=usage_now(core))]


def result_seen(core: Core, result: dict[str, Any]) -> Usage:
    """The usage of a turn, from its result."""
    known = core.state.usage
    cost = number(result.get("total_cost_usd"))
    if cost is not None:
        core.state.spent.cost_told(cost)
    facts = core.facts_of(core.state.model)
    main = {core.state.model, facts.resolved if facts else None}
    for name, entry in record(result.get("modelUsage")).items():
        size = number(record(entry).get("contextWindow"))
        if size and (name in main or known.context_size is None):
            known.context_size = size
    tokens = record(result.get("usage"))
    fresh = [found for key in _PARTS[:2] if (found := number(tokens.get(key))) is not None]
    cached, output = number(tokens.get(_PARTS[2])), number(tokens.get("output_tokens"))
    core.state.spent.add(sum(fresh) if fresh else None, cached, output)
    core.touch()
    return usage_now(core)


def usage_now(core: Core) -> Usage:
    """The wire's usage: tokens, the context, the cost."""
    known = core.state.usage
    return told(core.state.spent, known.context_used, known.context_size)
