"""How a server id appears in the log: a short hash under a key that this process alone knows.

Lines of one run can be put together; nobody can tell from a log which id was meant, nor test a
guess.
"""

from __future__ import annotations

from hashlib import blake2s

__all__ = ["Names"]


class Names:
    """`key`: random bytes, drawn at the start and never stored."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, server_id: str) -> str:
        text = server_id.encode("utf-8", "surrogatepass")
        return blake2s(text, digest_size=5, key=self._key).hexdigest()
