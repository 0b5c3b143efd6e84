"""How long the link waits before it calls again, and what it says meanwhile."""

from __future__ import annotations

import pytest

from sereno.core.client.errors import NoDaemon, Refused
from sereno.tui.link_pace import REFUSED_S, Pace, counting, far, near
from sereno.tui.link_words import unconnected
from sereno.tui.model import Connection, Phase

GONE = NoDaemon("host_unreachable", "devbox:1 cannot be reached", "Check the network")


def test_waits_double_up_to_the_longest_and_begin_anew_after_a_connection_that_held() -> None:
    pace = Pace(0.3, 30.0, 0.25)
    assert [pace.failed(GONE) for _ in range(9)] == pytest.approx(
        [0.3, 0.6, 1.2, 2.4, 4.8, 9.6, 19.2, 30.0, 30.0]
    )
    assert pace.lost(60.0) == 0.3


def test_a_connection_that_breaks_at_once_is_no_reason_to_hurry() -> None:
    pace = Pace(0.3, 30.0, 0.25)
    waits = [pace.lost(0.1) for _ in range(5)]
    assert waits == pytest.approx([0.3, 0.6, 1.2, 2.4, 4.8])


def test_screens_do_not_all_call_at_once() -> None:
    pace = Pace(8.0, 30.0, 0.25, lambda: 1.0)
    assert pace.failed(GONE) == pytest.approx(6.0)
    waits = {far().failed(GONE) for _ in range(20)}
    assert len(waits) > 1
    assert all(0.2 < wait <= 0.3 for wait in waits)


def test_t27_a_refusal_is_not_tried_again_soon() -> None:
    pace = far()
    refused = Refused("unauthorized", "devbox:1 does not take this password", "Give it")
    assert all(pace.failed(refused) >= REFUSED_S for _ in range(4))


def test_somebody_who_wants_it_now_starts_anew() -> None:
    pace = near()
    assert not pace.again
    for _ in range(6):
        pace.failed(GONE)
    assert pace.again
    pace.called()
    assert pace.failed(GONE) == 0.2


def test_only_waits_that_are_worth_it_are_counted_down() -> None:
    lost = Connection(Phase.LOST, "gone; trying again")
    assert counting(lost, 0.9) == lost
    assert counting(lost, 2.1).words == "gone; trying again in 3 s"
    stopped = Connection(Phase.STOPPED, "none runs")
    assert counting(stopped, 9.0) == stopped


def test_a_refusal_says_what_a_person_can_do() -> None:
    refused = Refused("unauthorized", "devbox:1 does not take this password", "On the shell: …")
    words = unconnected(refused, again=True).words
    assert words == (
        "devbox:1 does not take this password. Leave with q, and open it again with the right one; "
        "trying again"
    )
    named = Refused("expired", "the certificate of devbox:1 has expired", "Renew it there")
    assert "expired. Renew it there; trying again" in unconnected(named, again=False).words


def test_the_header_names_the_machine() -> None:
    def short(phase: Phase) -> str:
        return Connection(phase, remote="devbox:1").short

    assert short(Phase.READY) == "devbox:1"
    assert short(Phase.STARTING) == "connecting to devbox:1 …"
    assert short(Phase.LOST) == "no link to devbox:1"
    assert Connection(Phase.READY).short == ""
