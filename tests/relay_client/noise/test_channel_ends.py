"""The open channel of our own clients: its order, its keys, its end (C-20, C-25; T06, T07, T12,
T17, T18).
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from sereno.relay_client.noise.effects import (
    Cause,
    Close,
    Deliver,
    Finished,
    Send,
)
from sereno.relay_client.noise.talk import (
    AGE_S,
    FAREWELL_S,
    REKEY_S,
    Ended,
    Forked,
)
from tests.relay_client.noise.links import (
    DAEMON,
    DEVICE,
    OFFERED,
    asked,
    causes,
    client,
    counting,
    daemon,
    delivered,
    frames,
    opened,
)


def test_t06_t07_repeated_skipped_and_reflected_frames_end_it() -> None:
    for wrong in ("again", "skip", "back"):
        theirs, ours = opened()
        [first], [second] = frames(ours.send("1")), frames(ours.send("2"))
        if wrong == "again":
            assert delivered(theirs.receive(first, 0.0)) == ["1"]
        untimely = {"again": first, "skip": second, "back": frames(theirs.send("x"))[0]}[wrong]
        assert theirs.receive(untimely, 0.0) == [Close(Cause.BROKEN)]
        assert theirs.receive(second, 0.0) == []
        assert not Cause.BROKEN.clean


def test_t12_both_ends_say_their_end() -> None:
    theirs, ours = opened()
    [last] = frames(theirs.send("the last answer"))
    [end] = frames(ours.close(0.0))
    assert ours.close(0.0) == []
    with pytest.raises(Ended):
        ours.send("after the end")
    assert theirs.receive(end, 0.0) == [Finished()]
    assert ours.receive(last, 0.0) == [Deliver("the last answer")]
    [rest] = frames(theirs.send("one more"))
    [ending, close] = theirs.close(1.0)
    assert close == Close(Cause.DONE)
    assert isinstance(ending, Send)
    assert delivered(ours.receive(rest, 1.0)) == ["one more"]
    assert ours.receive(ending.frame, 1.0) == [Close(Cause.DONE)]
    assert ours.cause is not None
    assert ours.cause.clean
    assert theirs.gone() == ours.gone() == []


def test_t12_both_at_once() -> None:
    theirs, ours = opened()
    [one], [other] = frames(theirs.close(0.0)), frames(ours.close(0.0))
    assert ours.receive(one, 0.0) == theirs.receive(other, 0.0) == [Close(Cause.DONE)]


def test_t12_a_cut_is_told_from_an_end() -> None:
    theirs, ours = opened()
    assert theirs.gone() == [Close(Cause.INTERRUPTED)]
    ours.close(0.0)
    assert ours.gone() == [Close(Cause.INTERRUPTED)]
    theirs, ours = opened()
    [end] = frames(ours.close(0.0))
    theirs.receive(end, 0.0)
    assert theirs.gone() == [Close(Cause.LEFT)]
    assert Cause.LEFT.clean
    assert not Cause.INTERRUPTED.clean


def test_t12_an_end_that_is_not_answered() -> None:
    _, ours = opened()
    ours.close(5.0)
    assert ours.wakes_at == 5.0 + FAREWELL_S
    assert ours.tick(5.0 + FAREWELL_S) == [Close(Cause.UNANSWERED)]
    assert not Cause.UNANSWERED.clean


def test_closing_before_it_is_open() -> None:
    assert client().close(0.0) == daemon().close(0.0) == [Close(Cause.OURS)]
    theirs, ours = asked()
    [end, close] = ours.close(0.0)
    assert close == Close(Cause.OURS)
    assert isinstance(end, Send)
    assert theirs.receive(end.frame, 0.0) == [Close(Cause.LEFT)]
    theirs, ours = asked()
    [end, close] = theirs.close(0.0)
    assert isinstance(end, Send)
    assert ours.receive(end.frame, 0.0) == [Close(Cause.NOT_CONFIRMED)]


def test_a_daemon_that_does_not_know_us_just_goes() -> None:
    _, ours = asked()
    assert ours.gone() == [Close(Cause.NOT_LET_IN)]
    assert "used before" in Cause.NOT_LET_IN.words
    ours = client()
    ours.start(0.0)
    assert ours.gone() == [Close(Cause.INTERRUPTED)]


def test_new_keys_each_quarter_of_an_hour_where_something_was_said() -> None:
    theirs, ours = opened(now=10.0)
    assert ours.wakes_at == AGE_S
    [frame] = frames(ours.send("a"))
    theirs.receive(frame, 10.0)
    assert ours.wakes_at == 10.0 + REKEY_S
    assert ours.tick(10.0 + REKEY_S - 1) == []
    [renewed] = frames(ours.tick(10.0 + REKEY_S))
    assert theirs.receive(renewed, 0.0) == []
    assert ours.wakes_at == AGE_S
    [frame] = frames(ours.send("b"))
    assert delivered(theirs.receive(frame, 0.0)) == ["b"]
    [frame] = frames(theirs.send("c"))
    assert delivered(ours.receive(frame, 0.0)) == ["c"]


def test_a_day_at_most_and_the_end_is_said() -> None:
    theirs, ours = opened()
    [end, close] = theirs.tick(AGE_S)
    assert close == Close(Cause.AGED)
    assert isinstance(end, Send)
    assert ours.receive(end.frame, 0.0) == [Finished()]
    assert causes(ours.tick(AGE_S)) == [Cause.AGED]


def test_t18_a_copy_of_the_process_cannot_use_the_channel() -> None:
    process = [1]
    theirs, _ = opened(process=lambda: process[0])
    theirs.send("before")
    process[0] = 2
    with pytest.raises(Forked):
        theirs.send("after")
    assert theirs._records is None
    with pytest.raises(Forked):
        theirs.receive(b"", 0.0)
    for act in (theirs.tick, theirs.close, theirs.confirm):
        with pytest.raises(Forked):
            act(0.0)
    with pytest.raises(Forked):
        theirs.refuse()


def test_t18_keys_are_never_written() -> None:
    for one in (daemon(), client()):
        with pytest.raises(TypeError):
            pickle.dumps(one)


def test_messages_have_a_largest_size() -> None:
    theirs, _ = opened(largest=100)
    with pytest.raises(ValueError):
        theirs.send(bytes(101))
    assert theirs.send(bytes(100))


def test_c25_t17_all_keys_that_are_kept_do_not_open_what_was_said_before() -> None:
    """Whoever recorded all and takes later both ends' own keys and secrets lacks the ephemerals."""
    theirs, ours = daemon(), client()
    wire = [*frames(ours.start(0.0))]
    wire += frames(theirs.receive(wire[0], 0.0))
    wire += frames(ours.receive(wire[1], 0.0))
    theirs.receive(wire[2], 0.0)
    wire += frames(theirs.confirm(0.0))
    as_daemon = daemon(random=counting("thief"))
    as_daemon.receive(wire[0], 0.0)
    assert as_daemon.receive(wire[2], 0.0) == [Close(Cause.WRONG_PROOF)]
    as_client = client(random=counting("thief"))
    as_client.start(0.0)
    assert as_client.receive(wire[1], 0.0) == [Close(Cause.WRONG_DAEMON)]
    for end in (theirs, ours):
        assert end._handshake is None
        end.gone()
        assert end._records is None


def test_c20_what_a_relay_sees_names_nobody() -> None:
    theirs, ours = daemon(), client(introduction=b"laptop of Ada")
    wire = [*frames(ours.start(0.0))]
    wire += frames(theirs.receive(wire[0], 0.0))
    wire += frames(ours.receive(wire[1], 0.0))
    theirs.receive(wire[2], 0.0)
    wire += frames(theirs.confirm(0.0))
    ours.receive(wire[3], 0.0)
    for end in (theirs, ours):
        wire += frames(end.send('{"type":"session","message":"secret"}'))
        wire += frames(end.close(0.0))
    seen = b"".join(wire)
    for marker in (b"laptop", b"type", b"secret", DEVICE.public, DAEMON.public, OFFERED.secret):
        assert marker not in seen


FORK = """
import os
from tests.relay_client.noise.links import frames, opened
from sereno.relay_client.noise.talk import Forked
theirs, ours = opened()
if (child := os.fork()) == 0:
    try:
        ours.send("from the copy")
    except Forked:
        os._exit(7)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert theirs.receive(frames(ours.send("from the owner"))[0], 0.0)
"""


def test_t18_a_forked_child_cannot_send() -> None:
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=50, cwd=root)
