"""What waits is bounded, by number and by bytes."""

from __future__ import annotations

from sereno.relay_client.nacl.held import HELD_BYTES, HELD_FRAMES, Held


def test_in_order_and_no_more_than_so_many() -> None:
    held: Held[bytes] = Held()
    messages = [b"%d" % number for number in range(HELD_FRAMES)]
    assert all(held.put(message) for message in messages)
    assert not held.put(b"more")
    assert held.take_all() == messages
    assert len(held) == 0
    assert held.put(b"again")


def test_bytes_are_bounded_beyond_the_first() -> None:
    held: Held[bytes] = Held()
    assert held.put(bytes(HELD_BYTES * 2))
    assert held.put(bytes(HELD_BYTES))
    assert not held.put(b"1")
    assert len(held) == 2
