"""The codes of open offers, for people to type: in memory only, so that a daemon that goes takes
them along; the offer's link outlives that.

No socket, no decision about offers: relay_typed.py meets who comes, pairing.py ends what was
guessed at. Source: relay_client/noise/{codes,typed}.py. Cryptography is imported when a code is
made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import anyio.to_thread

if TYPE_CHECKING:
    from sereno.relay_client.noise.codes import Code
    from sereno.relay_client.noise.typed import TypedDaemon, TypedOffer

__all__ = ["Codes"]


class _Waiting:
    """One code. `server_id`: of the offer to which it leads. `busy`: somebody is being met."""

    def __init__(self, server_id: str, offer: TypedOffer) -> None:
        self.server_id = server_id
        self.offer = offer
        self.busy = False


class Codes:
    """Belongs to the daemon's loop. By their places, which are server ids at the relay."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._waiting: dict[str, _Waiting] = {}

    def __contains__(self, server_id: str) -> bool:
        """Whether an offer has a code that counts."""
        return any(one.server_id == server_id for one in self._waiting.values())

    async def make(self, server_id: str, link: str) -> str:
        """A new code for an offer and its link, as it is shown."""
        # The first one of a daemon loads cryptography and the list of words.
        offer = await anyio.to_thread.run_sync(self._draw, link, set(self._waiting))
        self._waiting[offer.code.place] = _Waiting(server_id, offer)
        return offer.code.text

    def _draw(self, link: str, taken: Collection[str]) -> TypedOffer:
        from sereno.relay_client.noise.codes import draw_code
        from sereno.relay_client.noise.typed import TypedOffer

        code: Code = draw_code(self._random)
        while code.place in taken:
            code = draw_code(self._random)
        return TypedOffer(code, link, self._random)

    def keep(self, server_ids: Collection[str]) -> None:
        """Forgets the codes of all other offers."""
        for place, one in list(self._waiting.items()):
            if one.server_id not in server_ids:
                del self._waiting[place]

    def places(self) -> list[str]:
        """Where the daemon must wait."""
        return list(self._waiting)

    def meet(self, place: str, now: float) -> TypedDaemon | None:
        """For somebody who came to a place; None: not now, and `met` follows no less. `now`: of
        the loop's clock. Raises KeyError where nobody is expected any more."""
        one = self._waiting[place]
        if one.busy:
            return None
        end = one.offer.meet(now)
        one.busy = end is not None
        return end

    def met(self, place: str, end: TypedDaemon | None) -> str | None:
        """That is over: what `meet` gave has ended. A code that is spent by it is forgotten. Gives
        the server id of its offer where it was spent for nothing."""
        one = self._waiting.get(place)
        if one is None or (end is None and one.busy):
            return None
        one.busy = False
        if not one.offer.spent:
            return None
        del self._waiting[place]
        handed = end is not None and end.cause is not None and end.cause.clean
        return None if handed else one.server_id
