"""The stages of an end: in order, each in its time, and always over at last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.core.runners.process.ending import KILL_LIMIT, LEFTOVER_GRACE, Ending, Stage


def test_half_of_the_grace_for_the_end_of_input_half_for_term() -> None:
    ending = Ending()
    assert ending.ask(100.0, 4.0)
    assert ending.stage is Stage.INPUT_CLOSED
    assert ending.due(101.9) is None
    assert ending.due(102.0) is Stage.TERMINATED
    assert ending.due(103.9) is None
    assert ending.due(104.0) is Stage.KILLED
    assert ending.due(104.0 + KILL_LIMIT) is Stage.REPORTED
    assert ending.due(1e9) is None


def test_leftovers_of_an_agent_that_exited_get_term_and_a_second() -> None:
    ending = Ending()
    assert ending.agent_gone(10.0)
    assert not ending.agent_gone(10.5)
    assert ending.due(10.0 + LEFTOVER_GRACE) is Stage.KILLED


def test_the_agents_exit_within_an_end_hastens_it() -> None:
    ending = Ending()
    ending.ask(0.0, 60.0)
    assert ending.agent_gone(1.0)
    assert ending.due(1.0 + LEFTOVER_GRACE) is Stage.KILLED


def test_what_remains_is_tried_again_when_asked_again() -> None:
    ending = Ending()
    ending.ask(0.0, 0.0)
    for _ in range(3):
        ending.due(100.0)
    assert ending.due(200.0) is Stage.REPORTED
    assert not ending.ask(300.0, 1.0)
    assert ending.stage is Stage.KILLED


ACTS = st.lists(
    st.tuples(st.sampled_from(["ask", "gone", "due"]), st.floats(0, 10), st.floats(0, 10))
)


@given(ACTS)
def test_stages_only_grow_and_nothing_puts_the_end_off(
    acts: list[tuple[str, float, float]],
) -> None:
    ending, now = Ending(), 0.0
    latest: float | None = None
    for act, passed, grace in acts:
        now += passed
        before = ending.stage
        match act:
            case "ask":
                ending.ask(now, grace)
                promised = now + grace + KILL_LIMIT
                latest = promised if latest is None else min(latest, promised)
            case "gone":
                ending.agent_gone(now)
            case "due":
                if ending.due(now) is Stage.TERMINATED and ending.deadline is not None:
                    latest = ending.deadline + KILL_LIMIT  # late, but TERM gets its time
        again = act == "ask" and before is Stage.REPORTED
        assert ending.stage >= before or again
        if again:
            latest = now + KILL_LIMIT
        if latest is not None and ending.stage < Stage.KILLED and act != "due":
            assert ending.deadline is not None
            assert ending.deadline <= max(now, latest - KILL_LIMIT) + 1e-6
    if ending.stage is not Stage.RUNNING:
        for _ in range(4):
            ending.due(now := now + 100)
        assert ending.stage is Stage.REPORTED
