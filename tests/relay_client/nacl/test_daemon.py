"""The daemon's side: every state with every frame, and the replay that the wire allows (T05)."""

from __future__ import annotations

import pickle

import pytest

from sereno.relay_client import keys
from sereno.relay_client.nacl import frames
from sereno.relay_client.nacl.daemon import HANDSHAKE_S, HELLOS, TABLE, DaemonChannel, State
from sereno.relay_client.nacl.effects import Cause, Claim, Deliver, Effect, Opened, Send
from sereno.relay_client.nacl.frames import READY, Kind
from sereno.relay_client.nacl.held import HELD_FRAMES
from sereno.relay_client.nacl.open_state import Ended, NotOpen
from sereno.relay_client.nacl.records import fingerprint
from tests.relay_client.nacl.links import (
    claims,
    client,
    closes,
    counting,
    daemon,
    delivered,
    opened,
    texts,
    vector_nonce,
)
from tests.relay_client.vectors import (
    CLIENT,
    DAEMON,
    FORGED,
    HELLO,
    LOW_ORDER,
    SEALED,
    SHARED,
    twins,
)

PING = SEALED[0][2]
FAILED = (1011, "E2EE handshake failed")
PLAINTEXT = (1011, "Received plaintext frame on encrypted channel")
SHORT = (1011, "Ciphertext bundle too short")
FORGERY = (1011, "Decryption failed")


def in_state(state: State) -> DaemonChannel:
    channel = daemon()
    if state is State.WAITING:
        return channel
    channel.receive(HELLO)
    if state is State.KEYED:
        return channel
    channel.receive(PING)
    if state is State.OPEN:
        channel.claimed(True)
    if state is State.CLOSED:
        channel.close()
    assert channel.state is state
    return channel


def test_the_table_has_every_state_and_frame() -> None:
    assert {state: set(row) for state, row in TABLE.items()} == {
        state: set(Kind) for state in State
    }


@pytest.mark.parametrize(("message", "first", "wire"), SEALED, ids=["1", "2", "3", "4", "5", "6"])
def test_c19_the_vectors_arrive_as_text_where_they_are_utf8(
    message: bytes, first: int, wire: str
) -> None:
    channel = daemon(vector_nonce(first))
    assert channel.receive(HELLO) == [Send(READY)]
    assert channel.receive(wire) == [Claim(fingerprint(SHARED))]
    expected = message if first == 0x60 else message.decode()
    assert channel.claimed(True) == [Opened(), Deliver(expected)]


@pytest.mark.parametrize(("message", "first", "wire"), SEALED, ids=["1", "2", "3", "4", "5", "6"])
def test_c19_the_vectors_are_sent(message: bytes, first: int, wire: str) -> None:
    channel, _ = opened(daemon(vector_nonce(first)))
    assert channel.send(message) == [Send(wire)]


_KEYED = [
    (HELLO, []),
    (frames.hello(DAEMON.public), [FAILED]),
    ('{"type":"e2ee_hello","key":""}', [FAILED]),
    (READY, []),
    ('{"type":"ping"}', [PLAINTEXT]),
    ("{", [PLAINTEXT]),
    ("AAAA", [SHORT]),
    ("", [SHORT]),
    ("!", [SHORT]),
    (b"\xff", [SHORT]),
    (FORGED, [FORGERY]),
    (SEALED[1][2][:-8], [FORGERY]),
]


@pytest.mark.parametrize("state", [State.KEYED, State.CLAIMING, State.OPEN])
@pytest.mark.parametrize(("frame", "expected"), _KEYED)
def test_t09_what_ends_a_channel_that_has_a_key(
    state: State, frame: str | bytes, expected: list[tuple[int, str]]
) -> None:
    channel = in_state(state)
    effects = channel.receive(frame)
    assert closes(effects) == expected
    assert channel.ended is bool(expected)
    assert delivered(effects) == []


@pytest.mark.parametrize(
    "frame",
    [
        PING,
        READY,
        '{"type":"ping"}',
        '{"type":"hello","clientId":"x"}',
        "",
        "AAAA",
        b"\xff",
        HELLO.replace("=", ""),
        *(frames.hello(point) for point in LOW_ORDER),
    ],
)
def test_c16_t10_nothing_but_a_hello_opens_a_channel(frame: str | bytes) -> None:
    channel = daemon()
    assert closes(channel.receive(frame)) == [FAILED]
    assert channel.state is State.CLOSED
    assert channel.receive(HELLO) == []


def test_the_same_hello_gets_ready_again_and_the_channel_stays() -> None:
    channel = daemon()
    for _ in range(12):  # what a relay kept while the daemon was away
        assert channel.receive(HELLO) == [Send(READY)]
    assert claims(channel.receive(PING))
    assert channel.receive(HELLO) == [Send(READY)]
    assert delivered(channel.claimed(True)) == ['{"type":"ping"}']
    assert channel.receive(HELLO) == [Send(READY)]


def test_it_is_not_answered_for_ever() -> None:
    channel = daemon()
    for _ in range(HELLOS + 1):
        assert channel.receive(HELLO) == [Send(READY)]
    assert closes(channel.receive(HELLO)) == [FAILED]
    assert channel.cause is Cause.HELLOS


@pytest.mark.parametrize("key", [DAEMON.public, *twins(CLIENT.public)])
@pytest.mark.parametrize("state", [State.KEYED, State.CLAIMING, State.OPEN])
def test_t08_another_key_ends_the_channel(state: State, key: bytes) -> None:
    channel = in_state(state)
    assert closes(channel.receive(frames.hello(key))) == [FAILED]
    assert channel.cause is Cause.OTHER_KEY


def test_c16_nothing_is_delivered_before_the_key_is_claimed() -> None:
    channel, ours = daemon(), client()
    [hello] = texts(ours.start(0))
    ours.receive(READY)
    channel.receive(hello)
    sent = [text for word in ("a", "b", "c") for text in texts(ours.send(word))]
    before: list[Effect] = [effect for text in sent for effect in channel.receive(text)]
    assert before == [Claim(fingerprint(SHARED))]
    assert channel.claimed(True) == [Opened(), Deliver("a"), Deliver("b"), Deliver("c")]
    with pytest.raises(RuntimeError):
        channel.claimed(True)


def test_t05_a_used_key_ends_the_channel_and_nothing_is_delivered() -> None:
    channel = in_state(State.CLAIMING)
    effects = channel.claimed(False)
    assert closes(effects) == [FAILED]
    assert delivered(effects) == []
    assert channel.cause is Cause.USED_KEY
    assert channel.claimed(True) == []


def test_t05_a_key_written_otherwise_is_the_same_key() -> None:
    """A relay can write a recorded greeting in three other ways, without knowing any secret."""
    for key in twins(CLIENT.public):
        assert key != CLIENT.public
        assert keys.shared_key(key, DAEMON.secret) == SHARED
        channel = daemon()
        channel.receive(frames.hello(key))
        assert channel.receive(PING) == [Claim(fingerprint(SHARED))]


def test_t05_a_recorded_session_on_the_same_and_on_another_connection() -> None:
    used: set[bytes] = set()
    recording: list[str] = []
    channel, ours = daemon(), client()
    recording += texts(ours.start(0))
    ours.receive(READY)
    recording += [text for word in ("a", "b") for text in texts(ours.send(word))]
    assert played(channel, recording, used) == ["a", "b"]
    assert played(channel, recording, used) == []
    assert channel.cause is Cause.REPLAYED
    assert played(daemon(), recording, used) == []
    for key in twins(CLIENT.public):
        assert played(daemon(), [frames.hello(key), *recording[1:]], used) == []


def played(channel: DaemonChannel, recording: list[str], used: set[bytes]) -> list[str | bytes]:
    """What a daemon with these used keys takes of a recording."""
    taken: list[str | bytes] = []
    for text in recording:
        effects = channel.receive(text)
        for key in claims(effects):
            effects += channel.claimed(key not in used)
            used.add(key)
        taken += delivered(effects)
    return taken


def test_t07_what_the_daemon_sent_is_not_taken_back() -> None:
    channel, _ = opened()
    [answer] = texts(channel.send("answer"))
    assert closes(channel.receive(answer)) == [FORGERY]
    assert channel.cause is Cause.REFLECTED


@pytest.mark.parametrize("state", [State.WAITING, State.KEYED, State.CLAIMING])
def test_t07_nothing_is_sealed_before_the_key_is_ours(state: State) -> None:
    with pytest.raises(NotOpen):
        in_state(state).send("too early")


def test_it_ends_worn_out() -> None:
    channel, ours = opened(daemon(frames=3))
    assert texts(channel.send("1"))
    assert texts(channel.send("2"))
    assert closes(channel.send("3")) == [(1012, "Channel worn out")]
    with pytest.raises(Ended, match="2\\^20"):
        channel.send("4")
    assert channel.receive(texts(ours.send("5"))[0]) == []


def test_what_comes_while_claiming_is_bounded() -> None:
    channel, ours = daemon(), client(counting())
    [hello] = texts(ours.start(0))
    ours.receive(READY)
    channel.receive(hello)
    for _ in range(HELD_FRAMES):
        assert not closes(channel.receive(texts(ours.send(""))[0]))
    assert [code for code, _ in closes(channel.receive(texts(ours.send(""))[0]))] == [1013]
    assert channel.claimed(True) == []


@pytest.mark.parametrize("state", [State.WAITING, State.KEYED])
def test_a_client_that_says_nothing_is_not_waited_for(state: State) -> None:
    channel = in_state(state)
    assert channel.wakes_at == HANDSHAKE_S
    assert channel.tick(HANDSHAKE_S - 0.01) == []
    assert closes(channel.tick(HANDSHAKE_S)) == [(4001, "Hello timeout")]
    assert channel.wakes_at is None


@pytest.mark.parametrize("state", [State.CLAIMING, State.OPEN, State.CLOSED])
def test_one_that_spoke_has_all_the_time(state: State) -> None:
    channel = in_state(state)
    assert channel.wakes_at is None
    assert channel.tick(1e9) == []


def test_after_our_own_close_there_is_silence() -> None:
    channel = in_state(State.OPEN)
    channel.close()
    assert channel.receive(PING) == []
    assert channel.cause is None
    with pytest.raises(Ended, match="was closed"):
        channel.send("x")


def test_t18_a_channel_is_never_written() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(daemon())
