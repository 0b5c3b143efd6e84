"""What an agent has spent never falls, whatever its program forgets with its process."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.protocol.agents import Usage
from sereno.core.providers.common.spending import Spent, spent_before, told

BEFORE = Usage(input_tokens=100, output_tokens=50, total_cost_usd=0.5)


def cost_of(spent: Spent) -> Any:
    return told(spent, None, None).total_cost_usd


def test_a_new_run_counts_on_from_the_last() -> None:
    spent = spent_before(BEFORE)
    assert told(spent, None, None) == BEFORE
    spent.add(10, 3, 5)
    spent.cost_told(0.25)
    usage = told(spent, 7, 9)
    assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens) == (110, 3, 55)
    assert usage.total_cost_usd == 0.75
    assert (usage.context_window_used_tokens, usage.context_window_max_tokens) == (7, 9)
    assert told(spent, None, None, (1, None, 2)).input_tokens == 111


def test_what_nobody_said_is_not_said() -> None:
    assert json.loads(msgspec.json.encode(told(spent_before(None), None, None))) == {}


def test_a_figure_of_the_session_holds_the_earlier_runs() -> None:
    spent = spent_before(BEFORE)
    spent.session_cost_told(0.1)  # a session that began anew
    assert cost_of(spent) == pytest.approx(0.6)
    spent = spent_before(BEFORE)
    spent.session_cost_told(0.7)  # one that goes on
    spent.session_cost_told(0.8)
    assert cost_of(spent) == 0.8


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_nothing_ever_falls(steps: list[tuple[bool, int, int]]) -> None:
    spent, last = Spent(), (0.0, 0.0)
    for new_run, tokens, cost in steps:
        if new_run:
            spent = spent_before(told(spent, None, None))
        spent.add(tokens, None, None)
        spent.cost_told(cost)
        usage = told(spent, None, None)
        assert isinstance(usage.input_tokens, int | float)
        assert isinstance(usage.total_cost_usd, int | float)
        now = (usage.input_tokens, usage.total_cost_usd)
        assert now[0] >= last[0]
        assert now[1] >= last[1]
        last = now
