"""The audit's hash chain: what makes a changed, missing or inserted entry visible (T49, T89).

Pure functions on entries; storing them is core/store/audit.py. The chain shows tampering with a
file; it does not stop somebody who can rewrite all of it, head included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

__all__ = ["GENESIS", "Link", "Verdict", "digest", "verify"]

GENESIS = bytes(32)
"""What the first entry names as its predecessor."""


class Link(msgspec.Struct, frozen=True):
    """An entry in its place: `n` counts from 1, `hash` covers everything else here.

    Who (`actor`) did what (`action`, a dotted word) to what (`subject`, an id); `details` is JSON
    text. `at_ms`: epoch milliseconds.
    """

    n: int
    at_ms: int
    actor: str
    action: str
    subject: str
    details: str
    previous: bytes
    hash: bytes


class Verdict(msgspec.Struct, frozen=True):
    """`first_bad`: number of the first entry that does not hold; None when all do.

    When entries are missing at the end, it is the number of the first one missing.
    """

    entries: int
    first_bad: int | None

    @property
    def ok(self) -> bool:
        return self.first_bad is None


def digest(
    n: int, at_ms: int, actor: str, action: str, subject: str, details: str, previous: bytes
) -> bytes:
    """The hash of entry number `n` behind one whose hash is `previous`.

    SHA-256 over the fields, each behind its length, so that none can flow into the next.
    """
    hasher = hashlib.sha256(b"sereno audit 1")
    numbers = (n.to_bytes(8, "big"), at_ms.to_bytes(8, "big", signed=True))
    texts = (text.encode("utf-8", "surrogatepass") for text in (actor, action, subject, details))
    for part in (*numbers, *texts, previous):
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.digest()


def verify(links: Iterable[Link], head: tuple[int, bytes]) -> Verdict:
    """Walks the chain from its beginning to `head`, the number and hash that it must end with.

    An empty chain ends with (0, GENESIS).
    """
    count, previous = 0, GENESIS
    first_bad: int | None = None
    for link in links:
        count += 1
        holds = link.n == count and link.previous == previous and link.hash == _of(link)
        if not holds and first_bad is None:
            first_bad = count
        previous = link.hash
    if first_bad is None and (count, previous) != head:
        first_bad = min(count, head[0]) + (1 if count != head[0] else 0)
    return Verdict(count, first_bad)


def _of(link: Link) -> bytes:
    return digest(
        link.n, link.at_ms, link.actor, link.action, link.subject, link.details, link.previous
    )
