"""An official app that listens all the time, and tells what it was shown."""

from __future__ import annotations

from typing import Any

import msgspec

from sereno.relay_client.connector import DataSocket, SocketClosed
from sereno.relay_client.nacl import frames
from sereno.relay_client.nacl.client import ClientChannel
from sereno.relay_client.nacl.effects import Close, Deliver, Effect
from tests.relay_client.app import App

__all__ = ["Phone"]


class Phone(App):
    """`said`: texts, as they were sealed; `received`: frames that came; `shown`: texts in them."""

    received = 0
    receiving = over = False

    def __init__(self, socket: DataSocket, public_key: bytes) -> None:
        super().__init__(socket, public_key)
        self.said: list[str] = []
        self.shown: list[str] = []

    async def begin(self, client_id: str, version: str) -> None:
        """Greets; its hello waits until the channel is open."""
        await self._out(self._channel.start(0.0))
        told = {"clientType": "mobile", "protocolVersion": 1, "appVersion": version}
        await self.say({"type": "hello", "clientId": client_id, **told})

    @property
    def channel(self) -> ClientChannel:
        return self._channel

    @property
    def public(self) -> bytes:
        return frames.read(self.recorded[0]).data

    async def say(self, frame: dict[str, Any]) -> None:
        """Nothing where the channel has ended."""
        if not self._channel.ended:
            text = msgspec.json.encode(frame).decode()
            self.said.append(text)
            await self._out(self._channel.send(text))

    async def late(self, now: float) -> None:
        await self._out(self._channel.tick(now))

    async def run(self) -> None:
        """Until the channel or the socket ends."""
        try:
            while not self._channel.ended:
                self.receiving = True
                frame = await self._socket.receive()
                self.receiving = False
                self.received += 1
                await self._out(self._channel.receive(frame))
        except SocketClosed:
            pass
        finally:
            self._channel.close()
            self.over = True

    async def _out(self, effects: list[Effect]) -> None:
        self.shown += [str(one.message) for one in effects if isinstance(one, Deliver)]
        try:
            await super()._out([one for one in effects if not isinstance(one, Deliver)])
            for one in effects:
                if isinstance(one, Close):
                    await self._socket.close(one.code, one.reason)
        except SocketClosed:
            self._channel.close()
