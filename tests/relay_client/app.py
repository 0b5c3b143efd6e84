"""What an official app does behind a relay, on the real channel and a real socket."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self

import anyio
import msgspec

from sereno.core.protocol.frames import decode_daemon_frame
from sereno.core.protocol.values import Wire
from sereno.relay_client.connector import DataSocket, dial_client
from sereno.relay_client.endpoints import Endpoint
from sereno.relay_client.nacl.client import ClientChannel, State
from sereno.relay_client.nacl.effects import Deliver, Effect, Send
from sereno.relay_client.offer import Offer

__all__ = ["App", "Apps"]


class App:
    """One connection of it. `recorded`: every frame that went out, as a relay sees it. `pieces`:
    the frames of files that came."""

    def __init__(self, socket: DataSocket, public_key: bytes) -> None:
        self.recorded: list[str] = []
        self.pieces: list[bytes] = []
        self._socket = socket
        self._channel = ClientChannel(public_key, os.urandom(32), os.urandom)
        self._heard: list[Wire] = []

    async def _out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(text=text):
                    self.recorded.append(text)
                    await self._socket.send(text)
                case Deliver(message=message):
                    data = message.encode() if isinstance(message, str) else message
                    if data[0] in (0x10, 0x11, 0x12):  # by the first byte (wire reference 3.6)
                        self.pieces.append(data)
                    else:
                        assert isinstance(message, str)
                        self._heard.append(decode_daemon_frame(data))
                case _:
                    pass

    async def knock(self, client_id: str = "cid_1") -> None:
        """Greets and says hello; what comes of it `hear` tells."""
        await self._out(self._channel.start(0.0))
        hello = {"type": "hello", "clientId": client_id, "clientType": "mobile"}
        more = {"protocolVersion": 1, "appVersion": "0.1.65"}
        await self._out(self._channel.send(msgspec.json.encode(hello | more).decode()))
        with anyio.fail_after(15):
            while self._channel.state is not State.OPEN:
                await self._out(self._channel.receive(await self._socket.receive()))

    async def greet(self, client_id: str = "cid_1") -> Wire:
        await self.knock(client_id)
        return await self.hear()

    async def ask(self, kind: str, **fields: Any) -> Wire:
        told = {"type": "session", "message": {"type": kind, "requestId": "r", **fields}}
        await self._out(self._channel.send(msgspec.json.encode(told).decode()))
        while getattr(reply := await self.hear(), "request_id", None) != "r":
            pass
        return reply

    async def file(self, **fields: Any) -> bytes:
        """Looks at a file in binary frames; what is in it."""
        self.pieces.clear()
        self._socket.widen()
        told = {"type": "file_explorer_request", "requestId": "r", "mode": "file", **fields}
        told["acceptBinary"] = True
        message = {"type": "session", "message": told}
        await self._out(self._channel.send(msgspec.json.encode(message).decode()))
        with anyio.fail_after(15):
            while not self.pieces or self.pieces[-1][0] != 0x12:
                await self._out(self._channel.receive(await self._socket.receive()))
        return b"".join(piece[3:] for piece in self.pieces if piece[0] == 0x11)

    async def hear(self) -> Wire:
        """The next message. Raises SocketClosed."""
        with anyio.fail_after(15):
            while not self._heard:
                await self._out(self._channel.receive(await self._socket.receive()))
        return self._heard.pop(0)

    async def replay(self, frames: list[str]) -> None:
        """What a relay kept of another connection, as if it came now. Ends by SocketClosed."""
        for frame in frames:
            await self._socket.send(frame)
        with anyio.fail_after(20):
            while True:
                await self._socket.receive()

    async def hang_up(self) -> None:
        await self._socket.close(1000, "Client closed")


class Apps:
    """Those of one test; they hang up at its end."""

    def __init__(self) -> None:
        self._made: list[App] = []

    async def dial(self, endpoint: Endpoint, server_id: str, public_key: bytes) -> App:
        app = App(await dial_client(endpoint, server_id), public_key)
        self._made.append(app)
        return app

    async def scan(self, url: str) -> App:
        """By the link that `sereno pair` shows."""
        offer = Offer.parse(url)
        return await self.dial(offer.endpoint, offer.server_id, offer.public_key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for app in self._made:
            await app.hang_up()
