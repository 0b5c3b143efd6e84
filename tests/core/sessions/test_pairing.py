"""Pairing's handlers: for the owner here only, and nothing is done that the audit does not have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from sereno.core.protocol import pairing
from sereno.core.protocol.frames import Request
from sereno.core.protocol.messages import RpcError
from sereno.core.protocol.pairing import (
    AnswerQuestionResult,
    ChangeDeviceResult,
    CloseOfferResult,
    OfferPairingResult,
    PairingState,
    ReadPairingResult,
    RelayStatus,
    RevokeDeviceResult,
    RotatePairingsResult,
    SwitchRelayResult,
)
from sereno.core.protocol.values import Wire
from sereno.core.security.roles import Role
from sereno.core.sessions.channel import Peer
from sereno.core.store.errors import StoreError
from tests.core.sessions.house import Door, FakeSocket, door

CHANGES: dict[str, tuple[str, dict[str, Any], str]] = {
    "sereno.pairing.offer.request": ("offer", {"kind": "app"}, "pairing.offer"),
    "sereno.pairing.close.request": ("close_offer", {"offerId": "off_1"}, "pairing.close"),
    "sereno.pairing.answer.request": (
        "answer",
        {"questionId": "ask_1", "allow": True},
        "pairing.answer",
    ),
    "sereno.pairing.rotate.request": ("rotate", {}, "pairing.rotate"),
    "sereno.pairing.relay.request": ("switch_relay", {"enabled": True}, "pairing.relay"),
    "sereno.device.revoke.request": ("revoke", {"deviceId": "dev_1"}, "device.revoke"),
    "sereno.device.change.request": (
        "change",
        {"deviceId": "dev_1", "name": "x\x1b[2J"},
        "device.change",
    ),
}
READ = "sereno.pairing.read.request"


class StubPairings:
    """Says what it was asked, and what the audit had by then."""

    def __init__(self) -> None:
        self.house: Door | None = None
        self.asked: list[tuple[str, list[str]]] = []
        self.after: list[int | None] = []

    def _ask(self, what: str) -> None:
        assert self.house is not None
        self.asked.append((what, [action for _, action, _ in self.house.notes]))

    async def state(self, after: int | None) -> PairingState:
        self.after.append(after)
        status = RelayStatus(enabled=False, endpoint="r:1", public_endpoint="r:1", state="off")
        return PairingState(revision=7, relay=status, offers=[], questions=[], devices=[])

    async def offer(self, request: pairing.OfferPairing) -> OfferPairingResult:
        self._ask("offer")
        return OfferPairingResult(request_id=request.request_id, code="relay_off")

    async def close_offer(self, request: pairing.CloseOffer) -> CloseOfferResult:
        self._ask("close_offer")
        return CloseOfferResult(request_id=request.request_id)

    async def answer(self, request: pairing.AnswerQuestion) -> AnswerQuestionResult:
        self._ask("answer")
        return AnswerQuestionResult(request_id=request.request_id)

    async def rotate(self, request: pairing.RotatePairings) -> RotatePairingsResult:
        self._ask("rotate")
        return RotatePairingsResult(request_id=request.request_id, devices=1, offers=2)

    async def switch_relay(self, request: pairing.SwitchRelay) -> SwitchRelayResult:
        self._ask("switch_relay")
        return SwitchRelayResult(request_id=request.request_id)

    async def revoke(self, request: pairing.RevokeDevice) -> RevokeDeviceResult:
        self._ask("revoke")
        return RevokeDeviceResult(request_id=request.request_id)

    async def change(self, request: pairing.ChangeDevice) -> ChangeDeviceResult:
        self._ask("change")
        return ChangeDeviceResult(request_id=request.request_id)


@pytest.fixture
def stub() -> StubPairings:
    return StubPairings()


@pytest.fixture
async def house(stub: StubPairings) -> AsyncIterator[Door]:
    async with door(pairing=stub) as made:
        stub.house = made
        yield made


async def reply(socket: FakeSocket, kind: str, fields: dict[str, Any]) -> Wire:
    """What the request itself was answered."""
    socket.say({"type": "session", "message": {"type": kind, "requestId": "r1", **fields}})
    for payload in await socket.until(lambda frames: bool(frames)):
        if getattr(payload, "request_id", None) == "r1":
            return payload
    raise AssertionError("no answer")


def test_every_request_about_pairing_is_looked_at_here() -> None:
    names = {str(kind.__struct_config__.tag) for kind in get_args(Request)}
    ours = {name for name in names if name.startswith(("sereno.pairing.", "sereno.device."))}
    assert ours == {READ, *CHANGES}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("way", ["unix", "memory"])
async def test_c57_the_owner_here_may_and_the_audit_has_it_first(
    house: Door, stub: StubPairings, kind: str, way: str
) -> None:
    what, fields, action = CHANGES[kind]
    socket = house.enter(peer=Peer("x", Role.OWNER, way))
    answer = await reply(socket, kind, fields)
    assert not isinstance(answer, RpcError)
    assert stub.asked == [(what, [action])]
    assert "\x1b" not in repr(house.notes)


OTHERS = [
    Peer("token:owner", Role.OWNER, "tcp"),
    Peer("same-user:owner", Role.OWNER, "tls"),
    Peer("device:dev_1", Role.OWNER, "relay"),
    Peer("device:dev_1", Role.OPERATOR, "relay"),
    Peer("device:dev_1", Role.ADMIN, "unix"),
    Peer("device:dev_1", Role.VIEWER, "unix"),
    Peer("unix:agent", Role.AGENT, "unix"),
]


@pytest.mark.parametrize("kind", [READ, *CHANGES])
@pytest.mark.parametrize("peer", OTHERS, ids=lambda peer: f"{peer.role.value}-{peer.way}")
async def test_t46_nobody_else_lets_anybody_in(
    house: Door, stub: StubPairings, kind: str, peer: Peer
) -> None:
    """Not a phone, not an agent, not the owner's own token from elsewhere."""
    fields = {} if kind == READ else CHANGES[kind][1]
    answer = await reply(house.enter(peer=peer), kind, fields)
    assert isinstance(answer, RpcError)
    assert answer.code == "forbidden"
    assert stub.asked == []
    assert stub.after == []
    assert [one for one in house.notes if one[1] in {act for _, _, act in CHANGES.values()}] == []


@pytest.mark.parametrize("kind", CHANGES)
async def test_what_the_audit_cannot_take_is_not_done(
    house: Door, stub: StubPairings, kind: str
) -> None:
    house.refuse_notes = StoreError("disk_full", "The disk is full.", "Free some space.")
    answer = await reply(house.enter(), kind, CHANGES[kind][1])
    assert isinstance(answer, RpcError)
    assert "disk is full" in answer.error
    assert stub.asked == []


async def test_reading_leaves_no_trace_and_may_wait(house: Door, stub: StubPairings) -> None:
    socket = house.enter()
    first = await reply(socket, READ, {})
    assert isinstance(first, ReadPairingResult)
    assert first.state.revision == 7
    await reply(socket, READ, {"after": 7})
    assert stub.after == [None, 7]
    assert house.notes == []
