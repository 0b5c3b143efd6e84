"""The outbox: what is dropped, what never, and that it is bounded whatever comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.core.protocol.outgoing import Kind, Outgoing
from sereno.core.sessions.outbox import Outbox

LIMIT = 1_000


def row(agent: str, number: int, size: int = 100) -> Outgoing:
    return Outgoing(Kind.TIMELINE, agent, f"{number}".encode().ljust(size), agent_id=agent)


def state(agent: str, number: int, size: int = 100) -> Outgoing:
    return Outgoing(Kind.STATE, agent, f"s{number}".encode().ljust(size), agent_id=agent)


def control(number: int, size: int = 100) -> Outgoing:
    return Outgoing(Kind.CONTROL, "", f"c{number}".encode().ljust(size))


def words(messages: list[Outgoing]) -> list[str]:
    return [one.data.decode().strip() for one in messages]


def test_what_fits_comes_out_in_order() -> None:
    box = Outbox(limit=LIMIT)
    for number in range(5):
        assert box.push(row("a", number))
    assert words(box.take(10**9)) == ["0", "1", "2", "3", "4"]
    assert not box
    assert box.pushed == 0


def test_rows_that_do_not_fit_are_dropped_and_the_newest_of_each_agent_comes_last() -> None:
    box = Outbox(limit=LIMIT)
    for number in range(30):
        assert box.push(row("a" if number % 2 else "b", number))
    taken = words(box.take(10**9))
    assert taken[:10] == [str(number) for number in range(10)]
    assert sorted(taken[10:]) == ["28", "29"]
    assert box.dropped == 20
    assert (box.pushed, bool(box)) == (0, False)


def test_once_a_row_was_dropped_no_later_one_of_that_agent_goes_before_the_drain() -> None:
    box = Outbox(limit=LIMIT)
    for number in range(11):
        box.push(row("a", number))
    assert words(box.take(500)) == ["0", "1", "2", "3", "4"]
    box.push(row("a", 11))
    assert words(box.take(10**9)) == ["5", "6", "7", "8", "9", "11"]


def test_the_latest_state_wins_and_stands_where_it_was_said() -> None:
    box = Outbox(limit=LIMIT)
    box.push(state("a", 1))
    box.push(row("a", 1))
    box.push(state("b", 1))
    box.push(state("a", 2))
    assert words(box.take(10**9)) == ["1", "s1", "s2"]


def test_control_makes_room_by_dropping_the_youngest_rows() -> None:
    box = Outbox(limit=LIMIT)
    for number in range(10):
        box.push(row("a", number))
    assert box.push(control(1))
    taken = words(box.take(10**9))
    assert taken == ["0", "1", "2", "3", "4", "5", "c1", "9"]


def test_more_control_than_the_bound_is_the_end_of_the_client() -> None:
    box = Outbox(limit=LIMIT)
    results = [box.push(control(number)) for number in range(11)]
    assert results == [True] * 10 + [False]


def test_a_follower_that_cannot_jump_is_let_go_instead_of_losing_rows() -> None:
    box = Outbox(limit=LIMIT, drops=False)
    results = [box.push(row("a", number)) for number in range(11)]
    assert results == [True] * 10 + [False]


def test_one_message_larger_than_the_box_is_still_deliverable() -> None:
    box = Outbox(limit=LIMIT)
    assert box.push(control(1, size=10 * LIMIT))
    assert len(box.take(1)) == 1


def test_replies_do_not_count_against_the_pushes() -> None:
    box = Outbox(limit=LIMIT)
    box.reply(control(1, size=10 * LIMIT))
    assert box.push(row("a", 1))
    assert (box.replies, box.pushed) == (10 * LIMIT, 100)
    assert words(box.take(10**9)) == ["c1", "1"]
    assert (box.replies, box.pushed) == (0, 0)


MESSAGES = st.one_of(
    st.builds(row, st.sampled_from("abc"), st.integers(0, 999), st.integers(3, 400)),
    st.builds(state, st.sampled_from("abc"), st.integers(0, 999), st.integers(4, 400)),
    st.builds(control, st.integers(0, 999), st.integers(4, 400)),
)


@given(st.lists(st.one_of(MESSAGES, st.integers(1, 600)), max_size=200))
def test_any_mix_is_bounded_and_nothing_but_rows_and_old_states_is_lost(
    script: list[Outgoing | int],
) -> None:
    """Integers take; messages are pushed. Per agent, rows come out in the order they went in."""
    box = Outbox(limit=LIMIT)
    pushed: list[Outgoing] = []
    taken: list[Outgoing] = []
    for one in script:
        if isinstance(one, int):
            taken += box.take(one)
        elif box.push(one):
            pushed.append(one)
        else:
            break
        assert box.pushed <= 2 * LIMIT + 400
    taken += box.take(10**9)
    assert not box
    assert box.pushed == 0
    controls = [one for one in pushed if one.kind is Kind.CONTROL]
    assert [one for one in taken if one.kind is Kind.CONTROL] == controls
    for agent in "abc":
        sent = [one for one in pushed if one.kind is Kind.TIMELINE and one.key == agent]
        got = [one for one in taken if one.kind is Kind.TIMELINE and one.key == agent]
        positions = [next(i for i, one in enumerate(sent) if one is mine) for mine in got]
        assert positions == sorted(positions)
        assert not sent or got[-1] is sent[-1]
        states = [one for one in pushed if one.kind is Kind.STATE and one.key == agent]
        seen = [one for one in taken if one.kind is Kind.STATE and one.key == agent]
        assert not states or seen[-1] is states[-1]


def test_a_state_that_finds_no_room_leaves_the_older_one_in_its_place() -> None:
    box = Outbox(limit=LIMIT)
    for one in (control(1, 160), control(2, 400), row("a", 1, 128), state("a", 1, 4)):
        assert box.push(one)
    assert not box.push(state("a", 2, 313))
    assert words(box.take(10**9)) == ["c1", "c2", "s1", "1"]
