"""Version 1 of the relay's wire: one daemon and one client face each other (wire reference 2.2).

Nothing is kept for somebody who is not there, and one that leaves does not take the other along.
"""

from __future__ import annotations

from sereno.relay_server.acts import NOTHING, Acts, Close, Code, Frame, Hold, Release, Send

__all__ = ["Pair"]


class Pair:
    """A Room of version 1."""

    def __init__(self) -> None:
        self._of_role: dict[str, int] = {}
        self._role_of: dict[int, str] = {}
        self._behind: set[int] = set()

    def __len__(self) -> int:
        return len(self._role_of)

    def enter(self, peer: int, role: str, connection: str | None, now: float) -> Acts:
        del connection, now
        before = self._of_role.get(role)
        acts: list[Close | Hold | Release] = []
        if before is not None:
            acts.extend(self._forget(before))
            acts.append(Close(before, Code.REPLACED, "Replaced by new connection"))
        self._of_role[role] = peer
        self._role_of[peer] = role
        other = self._facing(peer)
        if other in self._behind:
            acts.append(Hold(peer))
        return acts

    def received(self, peer: int, frame: Frame, now: float) -> Acts:
        del now
        other = self._facing(peer)
        return NOTHING if other is None else (Send(other, frame),)

    def left(self, peer: int, now: float) -> Acts:
        del now
        return self._forget(peer)

    def behind(self, peer: int) -> Acts:
        if peer not in self._role_of:
            return NOTHING
        self._behind.add(peer)
        other = self._facing(peer)
        return NOTHING if other is None else (Hold(other),)

    def caught_up(self, peer: int) -> Acts:
        if peer not in self._behind:
            return NOTHING
        self._behind.discard(peer)
        other = self._facing(peer)
        return NOTHING if other is None else (Release(other),)

    def due(self) -> float | None:
        return None

    def elapsed(self, now: float) -> Acts:
        del now
        return NOTHING

    def hurry(self, now: float) -> None:
        """Nobody waits here."""

    def waiting(self, peer: int) -> int:
        del peer
        return 0

    def is_control(self, peer: int) -> bool:
        del peer
        return False

    def _facing(self, peer: int) -> int | None:
        mine = self._role_of.get(peer)
        if mine is None:
            return None
        return self._of_role.get("client" if mine == "server" else "server")

    def _forget(self, peer: int) -> list[Close | Hold | Release]:
        """Whoever was held because of this one is read again."""
        other = self._facing(peer)
        role = self._role_of.pop(peer, None)
        if role is not None:
            del self._of_role[role]
        if peer not in self._behind:
            return []
        self._behind.discard(peer)
        return [] if other is None else [Release(other)]
