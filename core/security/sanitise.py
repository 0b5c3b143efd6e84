"""The one wall between what an agent program says and every screen (threats T40, T42).

`Sanitiser` is for text that comes in chunks, `sanitise` for a whole text, `reveal` for the views in
which a person decides. Pure functions on `str`; what a screen does with the rest (markup, links,
width of characters) is not here. Clean text, nearly all of it, costs one regular expression.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Any

__all__ = [
    "LINE_LIMIT",
    "Sanitiser",
    "mixed_scripts",
    "reveal",
    "reveal_value",
    "sanitise",
    "sanitise_line",
    "sanitise_value",
]

LINE_LIMIT = 16_384
"""Characters after which a line is broken in two: terminals and layout engines choke on more."""

MARK_LIMIT = 8
"""Combining marks that one character may carry; real writing needs four."""

SEQUENCE_LIMIT = 4_096
"""Characters of a control string (OSC, DCS, …) after which it is text again, without its head."""

_BIDI = "\u202a-\u202e\u2066-\u2069"
# All of Unicode's Default_Ignorable_Code_Point that is not in _BIDI or _TAGS, and annotations.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0080-\U000e0fff"
)
_TAGS = "\U000e0000-\U000e007f"
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_SURROGATES = "\ud800-\udfff"
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u2800"


@functools.cache
def _suspect() -> re.Pattern[str]:
    """What no clean text holds. Compiled with the first text, not at a daemon's start."""
    return re.compile(
        rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{_BIDI}{_TAGS}{_MARKS}{_SURROGATES}]"
    )


class _Patterns:
    """Compiled when a text is not clean, or first revealed: it takes 10 ms of a daemon's start."""

    # 8-bit controls are rewritten as ESC and a letter first. Then one alternative each for: CSI (or
    # what is left of one), control strings (ended, or cut by a newline, an ESC or the limit), and
    # every other escape sequence (or what is left of one).
    def __init__(self) -> None:
        self.c1 = re.compile(r"[\x80-\x9f]")
        self.sequence = re.compile(
            r"\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]?"
            rf"|[\]PX^_][^\x07\x18\x1a\x1b\n]{{0,{SEQUENCE_LIMIT}}}(?:\x07|\x1b\\|[\x18\x1a])?"
            r"|[\x20-\x2f]*[\x30-\x7e]?)"
        )
        # A sequence that reaches the end of the chunk and may go on in the next one.
        self.unfinished = re.compile(
            r"\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*|[\]PX^_][^\x07\x18\x1a\x1b\n]*\x1b?"
            r"|[\x20-\x2f]*)\Z"
        )
        self.breaks = re.compile(r"[\u2028\u2029]")
        self.unwanted = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f{_BIDI}{_TAGS}{_SURROGATES}]")
        self.mark_run = re.compile(rf"([{_MARKS}]{{{MARK_LIMIT}}})[{_MARKS}]+")
        self.trailing_marks = re.compile(rf"[{_MARKS}]+\Z")
        self.leading_marks = re.compile(rf"\A[{_MARKS}]+")
        self.hidden = re.compile(
            rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{_BIDI}{_INVISIBLE}{_TAGS}{_SURROGATES}"
            rf"{_SPACES}]"
        )


_patterns = functools.cache(_Patterns)


def _escape(match: re.Match[str]) -> str:
    return _code(ord(match.group()))


def _code(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _seven_bit(match: re.Match[str]) -> str:
    return "\x1b" + chr(ord(match.group()) - 0x40)


def _replace_unwanted(match: re.Match[str]) -> str:
    character = match.group()
    if character <= "\x7f":
        return ""
    return "\ufffd" if "\ud800" <= character <= "\udfff" else _escape(match)


class Sanitiser:
    """Cleans one stream of text that arrives in chunks.

    Escape sequences are dropped whole, also when a chunk ends inside one; bidirectional overrides
    and invisible tags become visible escapes; the kinds of line end become one. Chunks may be cut
    anywhere: the sum of what comes out is the same (but for breaks in lines over LINE_LIMIT).
    """

    __slots__ = ("_after_return", "_carry", "_column", "_marks")

    def __init__(self, state: tuple[str, bool] = ("", False)) -> None:
        self._carry, self._after_return = state
        self._column = 0
        self._marks = 0

    @property
    def state(self) -> tuple[str, bool]:
        """What must survive a restart: the unfinished sequence, and whether a CR came last."""
        return self._carry, self._after_return

    def reset(self) -> None:
        """The stream has ended; what comes next is another text. An unfinished sequence is lost."""
        self._carry, self._after_return = "", False
        self._column = self._marks = 0

    def feed(self, chunk: str, known_clean: bool = False) -> str:
        """The part of the clean text that is certain now. `known_clean`: the caller has seen that
        the chunk holds nothing but printable ASCII, newlines and tabs.
        """
        waiting = self._carry or self._after_return or self._marks
        if waiting or not (known_clean or _suspect().search(chunk) is None):
            chunk = self._clean(chunk)
        return self._break_lines(chunk)

    def _clean(self, chunk: str) -> str:
        text = self._drop_sequences(self._carry + _patterns().c1.sub(_seven_bit, chunk))
        if self._after_return or "\r" in text:
            text = self._unify_newlines(text)
        if self._marks or _suspect().search(text):
            text = _patterns().breaks.sub("\n", text)
            text = _patterns().unwanted.sub(_replace_unwanted, text)
            text = self._cap_marks(text)
        return text

    def _drop_sequences(self, text: str) -> str:
        self._carry = ""
        # Only the tail is searched: a longer sequence is not waited for, and a hostile text must
        # not cost more than one look at each character.
        unfinished = _patterns().unfinished.search(text, max(0, len(text) - SEQUENCE_LIMIT))
        if unfinished:
            self._carry = unfinished.group()
            text = text[: unfinished.start()]
        return _patterns().sequence.sub("", text)

    def _unify_newlines(self, text: str) -> str:
        if not text:
            return text
        if self._after_return and text[0] == "\n":
            text = text[1:]
        # A CR at the very end has become a newline already when its LF arrives.
        self._after_return = text.endswith("\r")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _cap_marks(self, text: str) -> str:
        if not text:
            return text
        if self._marks:
            leading = _patterns().leading_marks.match(text)
            if leading:
                run = leading.group()
                kept = run[: max(0, MARK_LIMIT - self._marks)]
                if len(run) == len(text):
                    self._marks += len(run)
                    return kept
                text = kept + text[len(run) :]
        text = _patterns().mark_run.sub(r"\1", text)
        trailing = _patterns().trailing_marks.search(text, max(0, len(text) - MARK_LIMIT))
        self._marks = len(trailing.group()) if trailing else 0
        return text

    def _break_lines(self, text: str) -> str:
        last = text.rfind("\n")
        length = self._column + len(text) if last < 0 else len(text) - last - 1
        if length <= LINE_LIMIT and len(text) <= LINE_LIMIT:
            self._column = length
            return text
        room = LINE_LIMIT - self._column
        first = text.find("\n")
        if (first if first >= 0 else len(text)) > room:
            text = text[:room] + "\n" + text[room:]
        text = "\n".join(map(_broken, text.split("\n")))
        self._column = len(text) - text.rfind("\n") - 1
        return text


def _broken(line: str) -> str:
    """A line in pieces of LINE_LIMIT. By a pattern, each character of a line that is just short
    enough would be looked at from each before it."""
    pieces = range(0, len(line), LINE_LIMIT)
    return line if len(pieces) < 2 else "\n".join(line[at : at + LINE_LIMIT] for at in pieces)


def sanitise(text: str) -> str:
    """A whole text, cleaned; an unterminated sequence at its end is dropped."""
    if len(text) <= LINE_LIMIT and not _suspect().search(text):
        return text
    return Sanitiser().feed(text)


def sanitise_line(text: str, limit: int = 500) -> str:
    """A text for one line (title, label): newlines and tabs are spaces, the rest is cut."""
    line = " ".join(sanitise(text[: limit * 8]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def reveal(text: str) -> str:
    """The text with nothing hidden, for views in which a person decides (T42).

    Controls, bidirectional and zero-width characters and unusual spaces appear as escapes
    (`\\u202e`); nothing is dropped, so what is shown is what will be used. Newline and tab stay.
    """
    return _spell_marks(_patterns().hidden.sub(_escape, text))


def _spell_marks(text: str) -> str:
    """Marks beyond MARK_LIMIT on one character as escapes; of any script, unlike the stream's."""
    if text.isascii():
        return text
    shown: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        shown.append(character if run <= MARK_LIMIT else _code(ord(character)))
    return "".join(shown)


def sanitise_value(value: Any, depth: int = 16) -> Any:
    """JSON-like data with every string in it sanitised; too deep parts become `…`."""
    return _deep(value, sanitise, depth)


def reveal_value(value: Any, depth: int = 16) -> Any:
    """JSON-like data with every string in it revealed."""
    return _deep(value, reveal, depth)


def _deep(value: Any, clean: Any, depth: int) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        if depth == 0:
            return "…"
        return {clean(str(key)): _deep(item, clean, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return "…" if depth == 0 else [_deep(item, clean, depth - 1) for item in value]
    return value


_WORD = r"\w+"
_LOOKALIKE = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
_DISGUISED = frozenset({"FULLWIDTH", "MATHEMATICAL"})


def mixed_scripts(text: str) -> tuple[str, ...]:
    """The words that mix Latin letters with look-alikes of another script, such as a Cyrillic `а`.

    For a warning beside a command or a file name. Words wholly in one real script are not named.
    """
    if text.isascii():
        return ()
    found: list[str] = []
    for word in re.findall(_WORD, text):
        if word.isascii() or word in found:
            continue
        scripts = {unicodedata.name(c, "?").split(" ", 1)[0] for c in word if c.isalpha()}
        if scripts & _DISGUISED or (scripts & _LOOKALIKE and "LATIN" in scripts):
            found.append(word)
    return tuple(found)
