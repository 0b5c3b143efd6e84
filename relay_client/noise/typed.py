"""Two ends that know the same few words agree upon a key (SPAKE2), and the daemon hands its offer
over under it; what follows is a pairing like any other (daemon.py, client.py).

Pure: frames, time and randomness in, effects out. Four messages over a data socket of the place
that the code's number names: SPAKE2 of the client and of the daemon, the client's proof that it
has the right words, the link. The client proves first and a wrong proof ends the code, so that
nobody, the relay included, has more than one guess; what was seen helps nobody to guess later.
The library's arithmetic is slow (run it in a thread) and not of constant time.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from spake2 import SPAKE2_A, SPAKE2_B, SPAKEError  # type: ignore[import-untyped]
from spake2.ed25519_basic import NotOnCurve  # type: ignore[import-untyped]

from sereno.relay_client.noise.codes import Code
from sereno.relay_client.noise.effects import Cause, Close, Send
from sereno.relay_client.noise.handshake import NoiseFailed
from sereno.relay_client.noise.padding import padded, unpadded
from sereno.relay_client.noise.talk import HANDSHAKE_S, Random

__all__ = ["MEETINGS", "Handed", "TypedClient", "TypedDaemon", "TypedOffer"]

MEETINGS = 8
"""How often a client may come by one code and not get to its proof."""
_TAG_BYTES = 16
_MESSAGE_BYTES = 33
_NONCE = bytes(12)
"""Each key seals one message only."""
_CLIENT, _DAEMON = b"sereno typed code: client", b"sereno typed code: daemon"


@dataclasses.dataclass(frozen=True)
class Handed:
    """The link has gone over: of the client, what to parse; of the daemon, that the code is spent.

    It may be lost on its way to the client; then another code must be made.
    """

    link: str = dataclasses.field(repr=False)


Effect = Send | Handed | Close


class _State(enum.Enum):
    NEW = enum.auto()
    MESSAGE = enum.auto()
    """The other side's part of the exchange is next."""
    SEALED = enum.auto()
    """What it seals under the key is next."""
    CLOSED = enum.auto()


class _Meeting:
    """What both ends do alike."""

    def __init__(self, spake: Any, state: _State) -> None:
        self._spake = spake
        self._state = state
        self._deadline: float | None = None
        self._key = b""
        self.cause: Cause | None = None

    @property
    def wakes_at(self) -> float | None:
        """When `tick` is to be called next; None for never."""
        return self._deadline

    def tick(self, now: float) -> list[Effect]:
        """Ten seconds for the whole."""
        if self._deadline is None or now < self._deadline:
            return []
        return self._end(Cause.LATE)

    def receive(self, frame: str | bytes) -> list[Effect]:
        """A WebSocket message of the other side, or of the relay in its name. Raises nothing."""
        if self._state is _State.CLOSED:
            return []
        if isinstance(frame, str):
            return self._end(Cause.PLAINTEXT)
        if self._state is _State.MESSAGE:
            return self._message(frame)
        return self._sealed(frame) if self._state is _State.SEALED else self._end(Cause.UNTIMELY)

    def gone(self) -> list[Effect]:
        """The socket is gone."""
        return [] if self._state is _State.CLOSED else self._end(self._cut())

    def _cut(self) -> Cause:
        return Cause.INTERRUPTED

    def _message(self, frame: bytes) -> list[Effect]:
        raise NotImplementedError

    def _sealed(self, frame: bytes) -> list[Effect]:
        raise NotImplementedError

    def _agree(self, frame: bytes) -> bool:
        """Whether that was a part of an exchange; whether of ours, shows what is sealed."""
        if len(frame) != _MESSAGE_BYTES:
            return False
        try:
            self._key = self._spake.finish(frame)
        except (SPAKEError, NotOnCurve, ValueError):
            return False
        self._spake = None
        self._state = _State.SEALED
        return True

    def _seal(self, label: bytes, text: str) -> Send:
        plain = padded(text.encode(), _TAG_BYTES)
        return Send(AESGCM(self._key_of(label)).encrypt(_NONCE, plain, None))

    def _open(self, label: bytes, frame: bytes) -> str | None:
        """None for what was not sealed under the same key."""
        try:
            plain = AESGCM(self._key_of(label)).decrypt(_NONCE, frame, None)
            return unpadded(plain).decode()
        except (InvalidTag, NoiseFailed, ValueError):
            return None

    def _key_of(self, label: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=label).derive(self._key)

    def _end(self, cause: Cause) -> list[Effect]:
        self.cause = cause
        self._state = _State.CLOSED
        self._key, self._spake, self._deadline = b"", None, None
        return [Close(cause)]

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys of a channel are never written anywhere (T18)")


class TypedClient(_Meeting):
    """Of who typed the code, for one connection to its place."""

    def __init__(self, code: Code, random: Random) -> None:
        names = {"idA": _CLIENT, "idB": code.place.encode()}
        super().__init__(SPAKE2_A(code.text.encode(), entropy_f=random, **names), _State.NEW)

    def start(self, now: float) -> list[Effect]:
        """The socket is open."""
        if self._state is not _State.NEW:
            raise RuntimeError("a meeting is started once")
        self._state, self._deadline = _State.MESSAGE, now + HANDSHAKE_S
        return [Send(self._spake.start())]

    def _message(self, frame: bytes) -> list[Effect]:
        if not self._agree(frame):
            return self._end(Cause.UNTIMELY)
        return [self._seal(_CLIENT, "")]

    def _sealed(self, frame: bytes) -> list[Effect]:
        link = self._open(_DAEMON, frame)
        if link is None:
            return self._end(Cause.WRONG_CODE)
        return [Handed(link), *self._end(Cause.DONE)]

    def _cut(self) -> Cause:
        """A daemon that got a wrong proof goes without a word."""
        return Cause.WRONG_CODE if self._state is _State.SEALED else Cause.INTERRUPTED


class TypedDaemon(_Meeting):
    """Of the daemon, for one data socket; made by TypedOffer.meet."""

    def __init__(self, offer: TypedOffer, spake: Any, now: float) -> None:
        super().__init__(spake, _State.MESSAGE)
        self._offer = offer
        self._deadline = now + HANDSHAKE_S

    def _message(self, frame: bytes) -> list[Effect]:
        ours = self._spake.start()
        if not self._agree(frame):
            return self._end(Cause.UNTIMELY)
        return [Send(ours)]

    def _sealed(self, frame: bytes) -> list[Effect]:
        right = self._open(_CLIENT, frame) == ""
        link = self._offer.judged(right)
        if link is None:
            return self._end(Cause.WRONG_CODE)
        return [self._seal(_DAEMON, link), Handed(link), *self._end(Cause.DONE)]


class TypedOffer:
    """One offer's code, at the daemon. Clients are met one after the other; the first proof, right
    or wrong, spends it. When it is spent without Handed, end the offer.
    """

    def __init__(self, code: Code, link: str, random: Random) -> None:
        self.code = code
        self._link: str | None = link
        self._random = random
        self._meetings = 0
        self._now_met: TypedDaemon | None = None

    @property
    def spent(self) -> bool:
        return self._link is None

    def meet(self, now: float) -> TypedDaemon | None:
        """For a new data socket; None while another is met, and once it is spent: close it."""
        if self._now_met is not None and self._now_met.cause is None:
            return None
        if self._meetings >= MEETINGS:
            self._link = None
        if self.spent:
            return None
        self._meetings += 1
        names = {"idA": _CLIENT, "idB": self.code.place.encode()}
        spake = SPAKE2_B(self.code.text.encode(), entropy_f=self._random, **names)
        self._now_met = TypedDaemon(self, spake, now)
        return self._now_met

    def judged(self, right: bool) -> str | None:
        """The link, once, for a right proof."""
        link, self._link = self._link, None
        return link if right else None
