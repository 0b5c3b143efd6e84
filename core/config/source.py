"""config.toml as text and as tables, and on which line a key stands.

Reads the file and says what is wrong with it as a file: not readable, not text, not TOML. What
the keys mean is not known here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sereno.core.config.errors import ConfigError

if TYPE_CHECKING:
    from sereno.core.config.checks import Check

# Above this size no line is looked for: each try parses the file's beginning once more.
_LONGEST_TO_SEARCH = 128 * 1024
_BARE = r"[A-Za-z0-9_-]+"


class Source(msgspec.Struct, frozen=True):
    """One version of config.toml; `tables` is what tomllib makes of `text`."""

    path: Path
    text: str = ""
    tables: dict[str, Any] = msgspec.field(default_factory=dict)

    def line_of(self, key: tuple[str, ...]) -> int | None:
        """The line, from 1, on which the key or table begins.

        The parser itself is asked: the key begins on the line after the longest beginning of the
        file that is valid and does not hold it. Only for messages, so it may take a while.
        """
        import tomllib

        if len(self.text) > _LONGEST_TO_SEARCH:
            return None
        lines = [line + "\n" for line in self.text.split("\n")]
        begin = 0
        for count in range(1, len(lines) + 1):
            try:
                tables = tomllib.loads("".join(lines[:count]))
            except tomllib.TOMLDecodeError:
                continue
            if _holds(tables, key):
                return begin + 1
            begin = count
        return None

    def where(self, key: tuple[str, ...]) -> tuple[str, int | None]:
        """The place of a key, or of the table around it, to begin a sentence with; and its line."""
        line = next((n for end in range(len(key), 0, -1) if (n := self.line_of(key[:end]))), None)
        return (f"{self.path}, line {line}" if line else str(self.path)), line

    def accept(self, key: tuple[str, ...], check: Check, value: object) -> object:
        """The value as the program uses it, or ConfigError (wrong_value) with place and reason."""
        try:
            return check.accept(value)
        except ValueError as error:
            shown = "" if check.secret else f" is {show(value)}, but"
            raise self.wrong(key, f"`{dotted(key)}`{shown} must be {error}.") from None

    def wrong(self, key: tuple[str, ...], problem: str, next_step: str = "") -> ConfigError:
        place, line = self.where(key)
        return ConfigError(
            "wrong_value",
            f"{place}: {problem}",
            next_step or "Correct that line and start Sereno again.",
            key=dotted(key),
            line=line,
        )

    def unknown(
        self, key: tuple[str, ...], near: str | None, valid: tuple[str, ...]
    ) -> ConfigError:
        """The refusal of a key that does not exist; `near` is what was probably meant."""
        place, line = self.where(key)
        hint = f"Did you mean `{near}`?" if near else f"Valid here: {', '.join(sorted(valid))}."
        return ConfigError(
            "unknown_key",
            f"{place}: there is no setting `{dotted(key)}`.",
            f"{hint} Correct that line, or remove it.",
            key=dotted(key),
            line=line,
        )


def read_source(path: Path) -> Source:
    """Read config.toml; a missing file is an empty one. Raises ConfigError."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Source(path)
    except OSError as error:
        raise ConfigError(
            "unreadable",
            f"{path} cannot be read: {error.strerror or error}.",
            f"Check it with `ls -l {path}`; it must be a file of yours with mode 0600.",
        ) from error
    return parse_source(path, raw)


def parse_source(path: Path, raw: bytes) -> Source:
    """Make tables of the file's bytes. Raises ConfigError (not_text, syntax) with the line."""
    import tomllib  # Most homes have no file, and the parser takes a while to load.

    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            "not_text",
            f"{path}, line {line}: the file is not UTF-8 text.",
            "Save it as UTF-8, or restore it from a copy; Sereno has not changed it.",
            line=line,
        ) from error
    try:
        return Source(path, text, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = _syntax_line(text)
        raise ConfigError(
            "syntax",
            f"{path}, line {line}: this is not valid TOML: {_reason(error)}.",
            "Correct that line (https://toml.io), or move the file away to start with defaults; "
            "Sereno has not changed it.",
            line=line,
        ) from error


def _syntax_line(text: str) -> int:
    """The first line at which no valid beginning of the file continues to the end.

    tomllib tells the place only inside its sentence, so it is taken from there.
    """
    import tomllib

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        if "(at line " in words:
            return int(words.rpartition("(at line ")[2].partition(",")[0])
    except RecursionError:
        return 1
    return text.count("\n", 0, len(text.rstrip())) + 1


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    words = str(error).rpartition(" (at ")[0] or str(error)
    return words[:1].lower() + words[1:]


def _holds(tables: object, key: tuple[str, ...]) -> bool:
    for name in key:
        if not isinstance(tables, dict) or name not in tables:
            return False
        tables = tables[name]
    return True


def dotted(key: tuple[str, ...]) -> str:
    """A key as messages show it, and as it would be written in one line of TOML."""
    return printable(".".join(name if re.fullmatch(_BARE, name) else f'"{name}"' for name in key))


def printable(text: str) -> str:
    """The text without characters that would do something to a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def show(value: object) -> str:
    """A value as a person wrote it, cut to a length that fits a message."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = f'"{printable(value)}"'
        case dict():
            text = "a table"
        case _:
            text = printable(str(value))
    return text if len(text) <= 60 else text[:59] + "…"
