"""Refused requests are written down, and not without an end."""

from __future__ import annotations

import anyio

from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from sereno.core.sessions.refusals import BURST, Refusals
from tests.core.sessions.house import door


def test_one_too_many_is_counted_and_told_later() -> None:
    refusals = Refusals()
    assert [refusals.take("device:a", 0.0) for _ in range(BURST + 7)] == [0] * BURST + [None] * 7
    assert refusals.take("device:b", 0.0) == 0, "another's are not hidden by that"
    assert refusals.take("device:a", 1.0) is None
    assert refusals.take("device:a", 11.0) == 8
    assert refusals.take("device:a", 22.0) == 0


def test_who_is_remembered_has_a_bound() -> None:
    refusals = Refusals()
    for number in range(2_000):
        refusals.take(f"device:{number}", 0.0)
    assert len(refusals._counts) == 256


async def test_t46_a_device_that_asks_on_and_on_does_not_fill_the_audit() -> None:
    viewer = Peer("device:dev_1", Role.VIEWER, "relay")
    async with door() as house:
        socket = house.enter(peer=viewer)
        for number in range(BURST + 50):
            socket.ask("sereno.pairing.answer.request", f"r{number}", questionId="q", allow=True)
        assert len(socket.taken()) == BURST + 50, "each is refused all the same"
        with anyio.fail_after(5):
            while len(house.notes) < BURST:
                await anyio.sleep(0.001)
        await anyio.wait_all_tasks_blocked()
        asked = ("viewer (cli)", "request.refused", "sereno.pairing.answer.request")
        assert house.notes == [asked] * BURST
