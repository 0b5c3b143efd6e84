"""Ranks paths by how well they fit a few typed letters.

Pure. The order that people know from editors: the letters in their order; together beats apart, at
the beginning of a word beats inside it, in the file's name beats in the folders before it, short
beats long. Capital letters in the query must be met. Our own few lines, because the libraries rank
edit distance (rapidfuzz), are not kept (fzypy), or belong to the screen (textual.fuzzy).
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable

_LONGEST_QUERY = 128
_BOUNDARY = frozenset("/_-. ")

_EXACT_NAME = 400
_PREFIX = 120
_WORD_START = 60
_TOGETHER = 100
_IN_NAME = 80
_LETTER_AT_START = 12
_GAP = 3
_MOST_SCORED = 1500


def rank(query: str, paths: Iterable[str], limit: int) -> list[str]:
    """The best `limit` of `paths`, best first. An empty query keeps the given order.

    Words of the query, separated by blanks, must all fit, in any order.
    """
    words = query[:_LONGEST_QUERY].split()
    if not words:
        return [path for path, _ in zip(paths, range(limit), strict=False)]
    fitting = list(paths)
    for word in words:
        fitting = list(filter(_subsequence(word).search, fitting))
    scored = [
        (-sum(score(word, path) or 0 for word in words), len(path), path)
        for path in _most_likely(words, fitting)
    ]
    scored.sort()
    return [path for _, _, path in scored[:limit]]


def _most_likely(words: list[str], fitting: list[str]) -> list[str]:
    """The paths worth scoring: a letter or two fit everything, and a score costs 10 µs each."""
    if len(fitting) > _MOST_SCORED:
        folded = [word.casefold() for word in words]
        together = [path for path in fitting if all(w in path.casefold() for w in folded)]
        # What has the letters together beats what has not; among those, short names beat long ones.
        pool = together if len(together) >= _MOST_SCORED else fitting
        fitting = heapq.nsmallest(_MOST_SCORED, pool, key=len)
        if pool is not together:
            fitting = list(dict.fromkeys((*together, *fitting)))
    return fitting


def score(word: str, path: str) -> int | None:
    """How well `path` fits `word`, more is better; None when the letters are not there in order."""
    exact_case = any(letter.isupper() for letter in word)
    text = path if exact_case else path.casefold()
    needle = word if exact_case else word.casefold()
    name_at = text.rstrip("/").rfind("/") + 1
    if text[name_at:].rstrip("/") == needle:
        return _EXACT_NAME + _TOGETHER + _PREFIX
    together = max(
        (_together(text, at, name_at) for at in _occurrences(text, needle)), default=None
    )
    if together is not None:
        return together
    apart = [
        value
        for begin in (name_at, 0)
        if (value := _apart(needle, text, begin, name_at)) is not None
    ]
    return max(apart, default=None)


def _subsequence(word: str) -> re.Pattern[str]:
    letters = [re.escape(letter) for letter in word]
    flags = re.NOFLAG if any(letter.isupper() for letter in word) else re.IGNORECASE
    # Each gap excludes the letter it leads to, so that the search never goes back.
    return re.compile(letters[0] + "".join(f"[^{x}]*{x}" for x in letters[1:]), flags | re.DOTALL)


def _occurrences(text: str, needle: str) -> Iterable[int]:
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + 1)


def _together(text: str, at: int, name_at: int) -> int:
    value = _TOGETHER
    if at >= name_at:
        value += _IN_NAME
    if at == name_at:
        value += _PREFIX
    elif at == 0 or text[at - 1] in _BOUNDARY:
        value += _WORD_START
    return value


def _apart(needle: str, text: str, begin: int, name_at: int) -> int | None:
    """Letters with gaps: found forwards from `begin`, then drawn together from the end."""
    at = begin - 1
    for letter in needle:
        at = text.find(letter, at + 1)
        if at < 0:
            return None
    value = _IN_NAME if begin == name_at else 0
    after = at + 1
    for letter in reversed(needle):
        found = text.rfind(letter, begin, after)
        if found == 0 or text[found - 1] in _BOUNDARY:
            value += _LETTER_AT_START
        value -= _GAP * (after - found - 1)
        after = found
    return value
