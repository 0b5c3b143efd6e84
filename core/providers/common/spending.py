"""What an agent has spent since it began, over all runs of its program, as far as the program says.

Programs count differently: some a turn, some a run, some a session. What clients are told never
falls, whatever the program forgets with its process.
"""

from __future__ import annotations

import msgspec

from sereno.core.protocol.agents import Usage
from sereno.core.protocol.values import UNSET, UnsetType

__all__ = ["Spent", "spent_before", "told"]


class Spent(msgspec.Struct, omit_defaults=True):
    """Tokens and US dollars; None: nobody said. Mutable, part of a driver's memory.

    `cached` are those that came from the cache; whether `input` holds them too is the program's.
    """

    input: float | None = None
    cached: float | None = None
    output: float | None = None
    cost: float | None = None
    """Of what the program's own figure does not hold: its earlier runs."""
    run_cost: float | None = None
    """The program's own figure."""

    def add(self, entered: float | None, cached: float | None, output: float | None) -> None:
        """The tokens of one more turn."""
        self.input = _sum(self.input, entered)
        self.cached = _sum(self.cached, cached)
        self.output = _sum(self.output, output)

    def cost_told(self, cost: float) -> None:
        """The program's own figure is now this. One that falls begins anew."""
        if self.run_cost is not None and cost < self.run_cost:
            self.cost = _sum(self.cost, self.run_cost)
        self.run_cost = cost

    def session_cost_told(self, cost: float) -> None:
        """The same of a program that keeps its figure with the session: it holds the earlier runs
        as soon as it is as high as what was known of them.
        """
        if self.cost is not None and cost >= self.cost:
            self.cost = None
        self.cost_told(cost)


def spent_before(usage: Usage | None) -> Spent:
    """What a new run begins with: what was last told of the runs before it."""
    if usage is None:
        return Spent()
    return Spent(
        _known(usage.input_tokens),
        _known(usage.cached_input_tokens),
        _known(usage.output_tokens),
        _known(usage.total_cost_usd),
    )


def told(
    spent: Spent,
    context_used: float | None,
    context_size: float | None,
    running: tuple[float | None, float | None, float | None] = (None, None, None),
) -> Usage:
    """As the wire has it. `running`: tokens of a turn that is not over: in, cached, out."""
    entered, cached, output = running
    return Usage(
        input_tokens=_given(_sum(spent.input, entered)),
        cached_input_tokens=_given(_sum(spent.cached, cached)),
        output_tokens=_given(_sum(spent.output, output)),
        total_cost_usd=_given(_sum(spent.cost, spent.run_cost)),
        context_window_max_tokens=_given(context_size),
        context_window_used_tokens=_given(context_used),
    )


def _sum(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one + other


def _given(value: float | None) -> float | UnsetType:
    return UNSET if value is None else value


def _known(value: float | UnsetType) -> float | None:
    return None if isinstance(value, UnsetType) else value
