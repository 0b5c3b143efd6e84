"""The daemon's end of our own clients' channel.

Pure: frames and time in, effects out. Source: C.3.1 of the systems reference. One channel a data
socket; one handshake a channel. Until somebody said yes, nothing of a new client is taken.
"""

from __future__ import annotations

import os

from sereno.relay_client.noise.effects import Cause, Effect, Greeted, Send
from sereno.relay_client.noise.handshake import Handshake, NoiseFailed
from sereno.relay_client.noise.padding import unpadded
from sereno.relay_client.noise.proofs import DeviceSecret, Proof, device_secret, prologue
from sereno.relay_client.noise.records import LARGEST, Sign
from sereno.relay_client.noise.states import DAEMON_TABLE, State
from sereno.relay_client.noise.talk import (
    ASK_S,
    HANDSHAKE_S,
    INTRODUCTION_BYTES,
    Process,
    Random,
    Talk,
)
from sereno.relay_client.noise.words import to_compare

__all__ = ["DaemonChannel"]


class DaemonChannel(Talk):
    """One data socket's channel.

    `secret`: the pairing's secret key, 32 bytes. `proof`: what the client must hold: the secret of
    the pairing's offer while that is open, the secret of its device from the first Greeted on;
    `device` is then that device's public key. `asks`: whether somebody must say yes (`confirm`,
    `refuse`) before Opened; a device that was confirmed before is let in at once. `now`: seconds
    of a clock that does not go back.
    """

    def __init__(
        self,
        secret: bytes,
        proof: Proof,
        server_id: str,
        random: Random,
        now: float,
        *,
        device: bytes | None = None,
        asks: bool = True,
        connection_id: str = "",
        largest: int = LARGEST,
        process: Process = os.getpid,
    ) -> None:
        """Raises ValueError for a device's secret without its key."""
        super().__init__(State.FIRST, DAEMON_TABLE, largest, process)
        if isinstance(proof, DeviceSecret) and device is None:
            raise ValueError("the secret of a device is of worth with the key of that device only")
        self._is_new = not isinstance(proof, DeviceSecret)
        self._device = device
        self._asks = asks
        self._deadline = now + HANDSHAKE_S
        self._handshake = Handshake(
            static=secret,
            psk=proof.mixed(),
            prologue=prologue(server_id, connection_id),
            ephemeral=random(32),
        )

    def confirm(self, now: float) -> list[Effect]:
        """Somebody said yes. Nothing, where that was said before or the client is gone; it may
        come again.
        """
        self._must_be_ours()
        if not self._is_asked():
            return []
        frame = self._open_records().sign(Sign.WELCOME)
        return [Send(frame), *self._opened(now)]

    def refuse(self) -> list[Effect]:
        """Somebody said no; the client is told so, encrypted."""
        self._must_be_ours()
        if not self._is_asked():
            return []
        return [Send(self._open_records().sign(Sign.REFUSED)), *self._end(Cause.REFUSED)]

    def _is_asked(self) -> bool:
        if self._state in (State.FIRST, State.THIRD):
            raise RuntimeError("nobody was asked yet")
        return self._state is State.ASKING

    def _greeted(self, message: bytes, now: float) -> list[Effect]:
        assert self._handshake is not None  # let go with the states that lead here
        try:
            said = self._handshake.read(message)
            if self._state is State.THIRD:
                return self._third(self._handshake, unpadded(said), now)
            if said:
                return self._end(Cause.UNTIMELY)
            self._state = State.THIRD
            return [Send(self._handshake.write())]
        except NoiseFailed:
            first = self._state is State.FIRST
            return self._end(Cause.NOT_FOR_US if first else Cause.WRONG_PROOF)

    def _third(self, handshake: Handshake, introduction: bytes, now: float) -> list[Effect]:
        peer = handshake.peer
        if self._device is not None and peer != self._device:
            return self._end(Cause.OTHER_DEVICE)
        if len(introduction) > INTRODUCTION_BYTES:
            return self._end(Cause.FLOOD)
        secret = device_secret(handshake) if self._is_new else None
        greeted = Greeted(peer, to_compare(handshake), introduction, secret)
        self._finished(handshake, now, ASK_S)
        return [greeted] if self._asks else [greeted, *self.confirm(now)]

    def _let_go(self) -> None:
        self._device = None
