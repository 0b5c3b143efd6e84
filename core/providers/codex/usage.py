"""Token use, context fill and rate limits as Codex reports them."""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.agents import Usage
from sereno.core.providers.codex.failures import reset_words
from sereno.core.providers.codex.state import Core, Limit
from sereno.core.providers.codex.values import as_dict, as_int, as_number
from sereno.core.providers.common.spending import told
from sereno.core.providers.effects import Changed, Effect

__all__ = ["new_turn", "read_limits", "read_tokens", "usage_now"]

WARN_AT = 90
"""Per cent of a limit from which the person hears of it."""


def new_turn(core: Core) -> None:
    """Tokens are counted from here."""
    tokens = core.state.tokens
    core.state.spent.add(tokens.input, tokens.cached, tokens.output)
    tokens.base_input, tokens.input, tokens.cached, tokens.output = None, None, None, None
    core.touch()


def read_tokens(core: Core, params: dict[str, Any]) -> list[Effect]:
    """`thread/tokenUsage/updated`: totals of the thread, and of the last request to the model."""
    news, tokens = as_dict(params.get("tokenUsage")), core.state.tokens
    total, last = as_dict(news.get("total")), as_dict(news.get("last"))
    if tokens.base_input is None and core.state.prompt_id is None:
        return _context(core, news, last)  # said of a thread that was reopened: counted before
    all_of = {key: as_number(total.get(key)) or 0 for key in _KEYS}
    one = {key: as_number(last.get(key)) or 0 for key in _KEYS}
    if tokens.base_input is None:
        # The first word of this turn: what was there before its first request is the base.
        base = {key: max(0, all_of[key] - one[key]) for key in _KEYS}
        tokens.base_input, tokens.base_cached, tokens.base_output = (base[key] for key in _KEYS)
    bases = (tokens.base_input, tokens.base_cached, tokens.base_output)
    counts = [max(0, all_of[key] - base) for key, base in zip(_KEYS, bases, strict=True)]
    tokens.input, tokens.cached, tokens.output = counts
    return _context(core, news, last)


def _context(core: Core, news: dict[str, Any], last: dict[str, Any]) -> list[Effect]:
    """The fill of the context; with it everything else that is new."""
    tokens = core.state.tokens
    used, size = as_number(last.get("totalTokens")), as_number(news.get("modelContextWindow"))
    tokens.context_used = tokens.context_used if used is None else used
    tokens.context_size = tokens.context_size if size is None else size
    core.touch()
    usage = usage_now(core)
    return [Changed(usage=usage)] if core.new_sum("usage", usage) else []


_KEYS = ("inputTokens", "cachedInputTokens", "outputTokens")


def usage_now(core: Core) -> Usage:
    """The wire's usage: tokens with those of this turn, fill of the context."""
    tokens = core.state.tokens
    running = (tokens.input, tokens.cached, tokens.output)
    return told(core.state.spent, tokens.context_used, tokens.context_size, running)


def read_limits(core: Core, params: dict[str, Any]) -> list[Effect]:
    """`account/rateLimits/updated`: kept for the words of a failure, told when nearly reached.

    An update may name one window only, or none: what it does not name stays.
    """
    snapshot, state = as_dict(params.get("rateLimits")), core.state
    named = [as_dict(snapshot.get(key)) for key in ("primary", "secondary")]
    if not any(named):
        return []
    old = [*state.limits, *[Limit()] * 2][:2]
    state.limits = [_limit(new) if new else before for new, before in zip(named, old, strict=True)]
    core.touch()
    effects: list[Effect] = []
    for limit in state.limits:
        step = int(min(limit.used, 100)) // 5 * 5
        if step >= WARN_AT and core.new_sum(f"limit {limit.minutes}", (step, limit.resets_at)):
            full = Limit(100, limit.minutes, limit.resets_at)
            words = f"{limit.used:g} % of the account's {_window(limit)} are used"
            effects += core.noted("notice", words + reset_words([full]))
    return effects


def _limit(told: dict[str, Any]) -> Limit:
    return Limit(
        as_number(told.get("usedPercent")) or 0,
        as_int(told.get("windowDurationMins")) or 0,
        as_int(told.get("resetsAt")) or 0,
    )


def _window(limit: Limit) -> str:
    hours = limit.minutes / 60
    if not hours:
        return "limit"
    return f"{hours / 24:g}-day limit" if hours >= 48 else f"{hours:g}-hour limit"
