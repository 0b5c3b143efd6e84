"""A code that somebody typed, exchanged for the pairing link behind it, at the relay where its
daemon waits.

The code is proved, never shown: a relay in between, or in the daemon's place, has one guess
(relay_client/noise/typed.py). What follows is a pairing by link, paired.py's business.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection

from sereno.core.client.errors import ClientError, NoDaemon, Refused
from sereno.relay_client.dialling import dial_client
from sereno.relay_client.endpoints import BadEndpoint, Endpoint, parse_endpoint
from sereno.relay_client.noise.codes import Code, NotACode
from sereno.relay_client.noise.effects import Cause, Close, Send
from sereno.relay_client.noise.typed import Effect, Handed, TypedClient
from sereno.relay_client.reasons import RelayError
from sereno.relay_client.sockets import DataSocket, SocketClosed

__all__ = ["exchanged"]

_GOODBYE_S = 2.0
_AGAIN = "Make another one on the daemon's machine: sereno pair --for sereno"


async def exchanged(text: str, relay: str, pins: Collection[bytes] = ()) -> str:
    """The link, after one attempt. `relay`: as in the configuration. Raises:
    Refused: the code is not the daemon's, and dead by now.
    NoDaemon: the relay is not there, or nobody waits there for this code.
    ClientError: it is no code, or `relay` names no relay.
    """
    try:
        code, endpoint = Code.parse(text), parse_endpoint(relay)
    except NotACode as error:
        raise ClientError(error.code, _unstopped(error.message), error.next_step) from None
    except BadEndpoint as error:
        step = "Correct daemon.relay.endpoint in config.toml, or SERENO_RELAY_ENDPOINT"
        raise ClientError("endpoint_invalid", _unstopped(str(error)), step) from None
    try:
        socket = await dial_client(endpoint, code.place, pins=pins)
    except RelayError as error:
        raise NoDaemon(error.code, _unstopped(error.message), error.next_step) from error
    try:
        return await _met(TypedClient(code, os.urandom), socket, endpoint)
    finally:
        try:
            async with asyncio.timeout(_GOODBYE_S):
                await socket.close(1000, "Done")
        except TimeoutError:
            pass  # It is cut by that; nothing was left to say.


async def _met(client: TypedClient, socket: DataSocket, endpoint: Endpoint) -> str:
    effects = await asyncio.to_thread(client.start, _now())
    while True:
        for effect in effects:
            match effect:
                case Send(frame=frame):
                    try:
                        await socket.send(frame)
                    except SocketClosed:
                        break  # Read next, and told there.
                case Handed(link=link):
                    return link
                case Close(cause=cause):
                    raise _of_cause(cause, endpoint)
        effects = await _next(client, socket)


async def _next(client: TypedClient, socket: DataSocket) -> list[Effect]:
    """What the next frame, the time that went by, or the end of the socket leads to."""
    wakes_at = client.wakes_at
    assert wakes_at is not None  # from the start to the end
    try:
        async with asyncio.timeout(max(0.0, wakes_at - _now())):
            frame = await socket.receive()
    except TimeoutError:
        return client.tick(_now())
    except SocketClosed:
        return client.gone()
    return await asyncio.to_thread(client.receive, frame)


def _of_cause(cause: Cause, endpoint: Endpoint) -> ClientError:
    relay = endpoint.authority
    match cause:
        case Cause.WRONG_CODE:
            return Refused(
                "wrong_code",
                "this is not the code that the daemon shows, or somebody in between does not know "
                "it; a code counts for one try, so it is dead now",
                _AGAIN,
            )
        case Cause.LATE | Cause.INTERRUPTED:
            return NoDaemon(
                "nobody_there",
                f"nobody waits for this code at the relay {relay}",
                f"Is {relay} the daemon's relay too? Here daemon.relay.endpoint names it, or "
                "SERENO_RELAY_ENDPOINT; there `sereno pair` does. A code counts once, and for ten "
                f"minutes. {_AGAIN}",
            )
        case _:
            return NoDaemon(
                "connection_lost", f"who answers to this code at {relay}: {cause.words}", _AGAIN
            )


def _unstopped(message: str) -> str:
    return message.rstrip(".")


def _now() -> float:
    return asyncio.get_running_loop().time()
