"""The client's end of our own channel.

Pure: frames and time in, effects out. Source: C.3.1 of the systems reference. The daemon is known
by its key from the offer before anything is sent; that it holds the offer's or the device's secret
too, and has let us in, shows with Opened.
"""

from __future__ import annotations

import os

from sereno.relay_client.noise.effects import Cause, Effect, Greeted, Send
from sereno.relay_client.noise.handshake import KEY_BYTES, Handshake, NoiseFailed
from sereno.relay_client.noise.padding import padded
from sereno.relay_client.noise.proofs import DeviceSecret, Proof, device_secret, prologue
from sereno.relay_client.noise.records import LARGEST
from sereno.relay_client.noise.states import CLIENT_TABLE, State
from sereno.relay_client.noise.talk import (
    ASK_S,
    HANDSHAKE_S,
    INTRODUCTION_BYTES,
    Process,
    Random,
    Talk,
)
from sereno.relay_client.noise.words import to_compare

__all__ = ["ClientChannel"]

_LONGER_S = 10.0
_AROUND_THIRD = KEY_BYTES + 16 + 16
"""Bytes of the third message that are no introduction: our key and its tag, and the last tag."""


class ClientChannel(Talk):
    """One connection's channel.

    `secret`: this device's own secret key, 32 bytes, the same for every connection to this daemon.
    `daemon_key`: from the offer. `proof`: the offer's secret at first, the device's from Opened on.
    `introduction`: what is said of this device where the daemon asks somebody, at most 1 KiB.
    """

    def __init__(
        self,
        secret: bytes,
        daemon_key: bytes,
        proof: Proof,
        server_id: str,
        random: Random,
        *,
        introduction: bytes = b"",
        connection_id: str = "",
        largest: int = LARGEST,
        process: Process = os.getpid,
    ) -> None:
        """Raises ValueError for an introduction that is too long."""
        super().__init__(State.NEW, CLIENT_TABLE, largest, process)
        if len(introduction) > INTRODUCTION_BYTES:
            raise ValueError(f"an introduction has at most {INTRODUCTION_BYTES} bytes")
        self._introduction = introduction
        self._is_new = not isinstance(proof, DeviceSecret)
        self._handshake = Handshake(
            static=secret,
            psk=proof.mixed(),
            prologue=prologue(server_id, connection_id),
            ephemeral=random(32),
            daemon_key=daemon_key,
        )

    def start(self, now: float) -> list[Effect]:
        """The socket is open."""
        self._must_be_ours()
        if self._state is not State.NEW or self._handshake is None:
            raise RuntimeError("a channel is started once")
        try:
            first = self._handshake.write()
        except NoiseFailed:
            return self._end(Cause.BAD_KEY)
        self._state, self._deadline = State.SECOND, now + HANDSHAKE_S
        return [Send(first)]

    def _greeted(self, message: bytes, now: float) -> list[Effect]:
        assert self._handshake is not None  # let go with the states that lead here
        handshake = self._handshake
        try:
            said = handshake.read(message)
        except NoiseFailed:
            return self._end(Cause.WRONG_DAEMON)
        if said:
            return self._end(Cause.UNTIMELY)
        third = handshake.write(padded(self._introduction, _AROUND_THIRD))
        secret = device_secret(handshake) if self._is_new else None
        greeted = Greeted(handshake.peer, to_compare(handshake), b"", secret)
        self._finished(handshake, now, ASK_S + _LONGER_S)
        # In this order: what is derived must be kept before the daemon may know of it.
        return [greeted, Send(third)]

    def _cut(self) -> Cause:
        """A daemon that does not know us closes without a word: it has none for strangers."""
        return Cause.NOT_LET_IN if self._state is State.ASKING else Cause.INTERRUPTED

    def _let_go(self) -> None:
        self._introduction = b""
