"""Comparing secrets that are long and random, by a digest of fixed length (T26).

Pure. The file that holds the daemon's own token is core/home/token.py. Random secrets of 128 bits
and more need no slow hash: nobody guesses them.
"""

from __future__ import annotations

import hashlib
import hmac

__all__ = ["digest", "same"]


def digest(token: str) -> bytes:
    """SHA-256 of a token: what is kept in memory and compared."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def same(presented: str, kept: bytes) -> bool:
    """Whether a presented token has the digest, in a time that tells nothing about either."""
    return hmac.compare_digest(digest(presented), kept)
