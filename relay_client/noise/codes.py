"""The code that people type where there is no camera: `48291-copper-tulip-anchor`.

Pure. The number says under which id the daemon waits at the relay and is no secret; the three words
are (33 bits, and one wrong guess ends them: typed.py). Four letters of a word are enough.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from sereno.relay_client.noise.words import all_words, words_of

__all__ = ["Code", "NotACode", "draw_code"]

_LEAST, _NUMBERS = 10_000, 90_000
_ENOUGH = 4
_PLACES = ("first", "second", "third")


class NotACode(Exception):
    """`code`, `message` and `next_step`; never holds what was typed."""

    def __init__(self, message: str) -> None:
        self.code = "not_a_code"
        self.message = message
        self.next_step = "Type it as the daemon's screen shows it: a number and three words."
        super().__init__(f"{message} {self.next_step}")


@dataclasses.dataclass(frozen=True)
class Code:
    """`number` has five digits."""

    number: int
    words: tuple[str, str, str] = dataclasses.field(repr=False)

    @property
    def text(self) -> str:
        """As it is shown."""
        return "-".join([str(self.number), *self.words])

    @property
    def place(self) -> str:
        """The server id under which the daemon waits for it."""
        return f"code_{self.number}"

    @classmethod
    def parse(cls, text: str) -> Code:
        """With blanks or hyphens between, capitals or not. Raises NotACode."""
        number, *typed = re.split(r"[\s-]+", text.strip().lower()) or [""]
        if not re.fullmatch(r"[1-9][0-9]{4}", number, re.ASCII):
            raise NotACode("A code begins with a number of five digits.")
        if len(typed) != len(_PLACES):
            raise NotACode("A code has three words behind its number.")
        first, second, third = (
            _word(word, place) for word, place in zip(typed, _PLACES, strict=True)
        )
        return cls(int(number), (first, second, third))


def draw_code(random: Callable[[int], bytes]) -> Code:
    """A new one. `random`: that many random bytes, such as `os.urandom`."""
    number = _LEAST + int.from_bytes(random(8), "big") % _NUMBERS
    return Code(number, words_of(random(5)))


def _word(typed: str, place: str) -> str:
    """The word that begins so, where four letters or the whole word were typed."""
    if typed in all_words():
        return typed
    found = [word for word in all_words() if word.startswith(typed)]
    if len(typed) < _ENOUGH or len(found) != 1:
        raise NotACode(f"The {place} word is none of the list that codes are made of.")
    return found[0]
