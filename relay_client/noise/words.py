"""Three words that both ends derive from the finished handshake, for people to compare.

Pure. They tell that the device at the other end is the one in one's hand, and not that of somebody
who took the offer: 33 bits, of a secret that only both ends know. The list is BIP-0039's in
English, made so that four letters tell each word from all others (english.LICENSE).
"""

from __future__ import annotations

import functools
import importlib.resources

from sereno.relay_client.noise.handshake import Handshake

__all__ = ["WORDS", "all_words", "to_compare", "words_of"]

WORDS = 2048
_BITS = 11
_LABEL = b"sereno words to compare"


@functools.cache
def all_words() -> tuple[str, ...]:
    """The whole list, sorted."""
    file = importlib.resources.files(__package__).joinpath("english.txt")
    return tuple(file.read_text(encoding="ascii").split())


def words_of(data: bytes) -> tuple[str, str, str]:
    """The words of the first 33 bits of at least five bytes."""
    bits = int.from_bytes(data[:5], "big") >> (40 - 3 * _BITS)
    first, second, third = (
        all_words()[bits >> (_BITS * place) & (WORDS - 1)] for place in (2, 1, 0)
    )
    return first, second, third


def to_compare(handshake: Handshake) -> tuple[str, str, str]:
    """The three words of a finished handshake; the same at both ends."""
    return words_of(handshake.derive(_LABEL))
