"""A typed code through a real relay to real pairings: the right one, a wrong one, and relays that
guess for themselves."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from sereno.core.client.aio import Client
from sereno.core.client.bridge import RelayedClient
from sereno.core.client.errors import ClientError, NoDaemon, Refused
from sereno.core.client.paired import PairedHost
from sereno.core.daemon.relay_typed import serve
from sereno.core.home import Home
from sereno.core.protocol.messages import Pong
from sereno.core.protocol.requests import Ping
from sereno.relay_client.connector import Connector, RelayState
from sereno.relay_client.dialling import dial_client
from sereno.relay_client.endpoints import parse_endpoint
from sereno.relay_client.noise.codes import Code
from sereno.relay_client.noise.effects import Cause
from sereno.relay_client.noise.typed import TypedDaemon, TypedOffer
from sereno.relay_client.sockets import SocketClosed
from tests.core.daemon.pairing_house import NOW
from tests.core.daemon.relayed_house import Relayed, relayed
from tests.relay_server.running import relay as running

pytestmark = pytest.mark.timeout(60)

CODE = "48291-copper-tuition-anchor"
ANOTHER = "48291-copper-tuition-anger"


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Relayed]:
    async with relayed(tmp_path / "daemon") as made:
        yield made


@pytest.fixture
def here(tmp_path: Path) -> Home:
    return Home(tmp_path / "laptop")


async def code_of(there: Relayed, *, confirm: bool = False) -> str:
    """Of a new offer that can be reached."""
    made = await there.pairing.offer(kind="sereno", confirm=confirm)
    assert made.typed is not None, made.error
    await there.until_state("ready")
    return made.typed


def wrong(code: str) -> str:
    words = "anchor-anchor-anchor"
    return f"{code[:5]}-{words if words not in code else 'abandon-abandon-abandon'}"


async def exchange(home: Home, code: str, relay: str) -> PairedHost:
    host = await anyio.to_thread.run_sync(
        partial(PairedHost.of_code, home, code, relay, NOW / 1000)
    )
    host.clock = lambda: NOW / 1000
    return host


async def until_ended(there: Relayed, wanted: str) -> None:
    with anyio.fail_after(10):
        while True:
            state = await there.pairing.state()
            if [one.ended for one in state.offers] == [wanted]:
                return
            await there.pairing.pairings.state(state.revision)


async def test_a_code_leads_to_a_pairing_like_any_other(there: Relayed, here: Home) -> None:
    code = await code_of(there, confirm=True)
    host = await exchange(here, code.upper().replace("-", " "), there.relay.url)
    assert [one.kind for one in there.pairing.pairings.live()] == ["sereno"], "it is spent"
    heard: list[tuple[str, ...]] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(there.say, True)
        client = await Client.connect_paired(host, words=heard.append)
    async with client:
        assert isinstance(await client.request(Ping(request_id="")), Pong)
    assert len(heard) == 1
    (device,) = (await there.pairing.state()).devices
    assert device.kind == "sereno"


async def test_the_blocking_client_comes_by_it_too(there: Relayed, here: Home) -> None:
    host = await exchange(here, await code_of(there), there.relay.url)
    client = await anyio.to_thread.run_sync(RelayedClient.through, host)
    try:
        ask = partial(client.request, Ping(request_id=""))
        assert isinstance(await anyio.to_thread.run_sync(ask), Pong)
    finally:
        await anyio.to_thread.run_sync(client.close)


async def test_t28_a_wrong_guess_ends_the_offer_and_there_is_no_second(
    there: Relayed, here: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await code_of(there)
    with pytest.raises(Refused) as refused:
        await exchange(here, wrong(code), there.relay.url)
    assert refused.value.code == "wrong_code"
    assert "make another" in refused.value.next_step.lower()
    await until_ended(there, "guessed")
    assert "pairing.guessed" in there.pairing.acts
    await there.until_state("idle")
    monkeypatch.setattr("sereno.relay_client.noise.typed.HANDSHAKE_S", 0.3)
    with pytest.raises(NoDaemon) as away:
        await exchange(here, code, there.relay.url)
    assert away.value.code == "nobody_there"
    assert there.relay.url.removeprefix("ws://") in away.value.message
    assert "SERENO_RELAY_ENDPOINT" in away.value.next_step
    assert not (here.root / "hosts").exists(), "nothing was learnt"


async def test_t28_guesses_beside_each_other_are_turned_away(there: Relayed, here: Home) -> None:
    code = await code_of(there)
    place, endpoint = Code.parse(code).place, parse_endpoint(there.relay.url)
    first = await dial_client(endpoint, place)
    await first.send(b"A" * 33)  # Of no use, and ends it; but it was there.
    with pytest.raises(SocketClosed):
        await first.receive()
    held = await dial_client(endpoint, place)
    second = await dial_client(endpoint, place)
    # One of both is met, and waited for; whichever comes beside it is closed at once.
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:

            async def closed(socket: object) -> None:
                with pytest.raises(SocketClosed):
                    await socket.receive()  # type: ignore[attr-defined]
                tasks.cancel_scope.cancel()

            tasks.start_soon(closed, held)
            tasks.start_soon(closed, second)
    for socket in (held, second):
        await socket.close()
    await exchange_at_last(here, code, there)


async def exchange_at_last(here: Home, code: str, there: Relayed) -> None:
    """Once the daemon has seen that whoever was there has left."""
    with anyio.fail_after(15):
        while True:
            try:
                await exchange(here, code, there.relay.url)
                return
            except NoDaemon as error:
                if error.code != "nobody_there":
                    raise


class Guess:
    """A relay that puts itself in the daemon's place, with a code of its own."""

    def __init__(self, code: str) -> None:
        self.offer = TypedOffer(Code.parse(code), "sereno://pair#1", os.urandom)
        self.causes: list[Cause | None] = []

    def meet(self, _place: str, now: float) -> TypedDaemon | None:
        return self.offer.meet(now)

    async def met(self, _place: str, end: TypedDaemon | None) -> None:
        assert end is not None
        self.causes.append(end.cause)


async def test_t28_a_relay_in_between_that_guesses_gets_nowhere(here: Home) -> None:
    guess, ready = Guess(ANOTHER), anyio.Event()
    place = Code.parse(CODE).place

    def told(state: RelayState) -> None:
        if state.phase == "ready":
            ready.set()

    async with running() as relay, anyio.create_task_group() as tasks:
        answers = partial(serve, guess, place)
        endpoint = parse_endpoint(relay.url)
        tasks.start_soon(Connector(endpoint, place, answers, state=told, random=lambda: 0.5).run)
        with anyio.fail_after(10):
            await ready.wait()
        with pytest.raises(Refused) as refused:
            await exchange(here, CODE, relay.url)
        tasks.cancel_scope.cancel()
    assert refused.value.code == "wrong_code"
    assert guess.causes == [Cause.WRONG_CODE]
    assert not (here.root / "hosts").exists()


@pytest.mark.parametrize(
    ("code", "relay", "refusal"),
    [
        ("48291-copper-tulip", "ws://127.0.0.1:1", "not_a_code"),
        (CODE, "wrong relay", "endpoint_invalid"),
        (CODE, "ws://127.0.0.1:1", "relay_"),
    ],
)
async def test_what_cannot_be_tried_is_told_in_words(
    here: Home, code: str, relay: str, refusal: str
) -> None:
    with pytest.raises(ClientError) as refused:
        await exchange(here, code, relay)
    assert refused.value.code.startswith(refusal)
    assert refused.value.next_step
    assert "tuition" not in str(refused.value)
