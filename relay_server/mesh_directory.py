"""Which node owns which id: what this one claims, and what the others told.

An id belongs to the node where its first socket came, until its last one is gone. Where two nodes
claimed one at the same time, both judge alike: a daemon's control socket beats none, the newer
control socket the older, then the older claim the newer.
"""

from __future__ import annotations

from sereno.relay_server.mesh_words import Standing
from sereno.relay_server.switchboard import Key

__all__ = ["Directory", "beats"]


def beats(one: Standing, other: Standing) -> bool:
    """Whether `one` keeps the id. Never true both ways; nodes differ, so true one way."""
    return _rank(one) < _rank(other)


def _rank(standing: Standing) -> tuple[int, int, str]:
    return (-standing.control, standing.begun, standing.node)


class Directory:
    """`me` is this node."""

    def __init__(self, me: str) -> None:
        self._me = me
        self.own: dict[Key, Standing] = {}
        self._others: dict[Key, dict[str, Standing]] = {}
        self._of_node: dict[str, set[Key]] = {}

    def __len__(self) -> int:
        """Ids that other nodes own."""
        return len(self._others)

    def owner(self, key: Key) -> str | None:
        """The node other than this one that should be asked."""
        claims = self._others.get(key)
        return None if not claims else min(claims.values(), key=_rank).node

    def claim(self, key: Key, control: int, now_ms: int) -> Standing:
        """This node's claim from now on, to be told to all."""
        before = self.own.get(key)
        begun = now_ms if before is None else before.begun
        standing = self.own[key] = Standing(control, begun, self._me)
        return standing

    def give_up(self, key: Key) -> bool:
        """Whether there was a claim that all must be told the end of."""
        return self.own.pop(key, None) is not None

    def heard(self, node: str, key: Key, standing: Standing) -> None:
        self._others.setdefault(key, {})[node] = standing
        self._of_node.setdefault(node, set()).add(key)

    def heard_end(self, node: str, key: Key) -> None:
        claims = self._others.get(key)
        if claims is None or claims.pop(node, None) is None:
            return
        self._of_node[node].discard(key)
        if not claims:
            del self._others[key]

    def forget(self, node: str) -> None:
        for key in list(self._of_node.get(node, ())):
            self.heard_end(node, key)
        self._of_node.pop(node, None)

    def lost(self, key: Key) -> Standing | None:
        """The claim that beats this node's own."""
        mine = self.own.get(key)
        if mine is None:
            return None
        claims = self._others.get(key, {}).values()
        return next((claim for claim in claims if beats(claim, mine)), None)
