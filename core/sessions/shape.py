"""The shape of a message before it is decoded: no key twice, not too many values, none endless.

Pure, and no judge of JSON: that is msgspec, which also refuses NaN, lone surrogates and numbers out
of range (T32), and of two equal keys silently takes the last.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Final

import msgspec

__all__ = ["LONGEST_SCALAR", "MOST_MARKS", "misshapen"]

MOST_MARKS: Final = 20_000
"""Brackets, commas and strings of one message: what clients ask has a few dozen."""
LONGEST_SCALAR: Final = 4_096
"""Bytes of a number, or of blanks: the time to read a number grows with the square of it."""

_SMALL: Final = 16 * 1024
_MARK: Final = re.compile(rb'[{}\[\],"]')
_COLON: Final = re.compile(rb"[ \t\r\n]*:")
_QUOTE, _COMMA, _BACKSLASH, _OPEN, _LIST = b'",\\{['
_TWICE: Final = "a key that stands twice in one object"
_NO_TEXT: Final = "bytes that are no UTF-8"


def misshapen(data: bytes) -> str | None:
    """What is wrong, in words; None for what may be decoded."""
    return _of_small(data) if len(data) <= _SMALL else _of_large(data)


class _Twice(Exception):
    pass


def _distinct(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise _Twice


_decoder: Final = json.JSONDecoder(object_pairs_hook=_distinct)


def _of_small(data: bytes) -> str | None:
    """Nearly all messages. They cannot be many values; the standard library reads their keys."""
    try:
        _decoder.decode(data.decode())
    except _Twice:
        return _TWICE
    except UnicodeDecodeError:
        return _NO_TEXT  # The decoder does not look at what it skips, and would take the message.
    except (ValueError, RecursionError):
        return None  # The decoder will refuse it, with its reason.
    return None


def _of_large(data: bytes) -> str | None:
    """Walks, so that nothing is built from what will be refused."""
    # Without escaped quotes the next one ends a string, and a picture of MiB is passed in one jump.
    plain = data.replace(rb"\\", b"__").replace(rb"\"", b"__") if _BACKSLASH in data else data
    objects: list[set[bytes] | None] = []  # The keys of each open object; None for a list.
    at, marks, size = 0, 0, len(data)
    while at < size:
        found = _MARK.search(plain, at, at + LONGEST_SCALAR)
        if found is None:
            return "a number or a blank that does not end" if size - at > LONGEST_SCALAR else None
        marks += 1
        if marks > MOST_MARKS:
            return f"more than {MOST_MARKS} values"
        start = found.start()
        at = start + 1
        mark = plain[start]
        if mark == _QUOTE:
            at = plain.find(b'"', at) + 1
            if at == 0:
                return None
            keys = objects[-1] if objects else None
            if keys is not None and _COLON.match(plain, at):
                key = _unescaped(data[start:at])
                if key in keys:
                    return _TWICE
                keys.add(key)
        elif mark == _OPEN:
            objects.append(set())
        elif mark == _LIST:
            objects.append(None)
        elif mark != _COMMA:
            if not objects:
                return None
            objects.pop()
    return None


def _unescaped(key: bytes) -> bytes:
    """One key may be written in several ways, by escapes."""
    if _BACKSLASH in key:
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):  # it will be refused
            return msgspec.json.encode(msgspec.json.decode(key))
    return key
