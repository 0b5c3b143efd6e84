"""Where the text of a prompt comes from: the words of the command line, or stdin."""

from __future__ import annotations

import sys

from sereno.tui.cli import exits
from sereno.tui.cli.errors import CliError


def prompt_text(words: tuple[str, ...]) -> str:
    """The prompt. A last `-`, or no words where stdin is no terminal, reads stdin; words before
    the `-` come first. Raises CliError for an empty one."""
    piped = words[-1:] == ("-",) or (not words and not sys.stdin.isatty())
    text = " ".join(words[:-1] if piped else words)
    if piped:
        text = "\n\n".join(part for part in (text, sys.stdin.read()) if part)
    if not text.strip():
        raise CliError(
            "usage", "the prompt is empty", "Give it as words, or `-` to read stdin", exits.USAGE
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        # What no UTF-8 says: bytes of another encoding, which Python hands on as lone surrogates.
        raise CliError(
            "usage",
            "the prompt holds bytes that are no UTF-8 text",
            "Convert it first, for example with `iconv -f LATIN1 -t UTF-8`",
            exits.USAGE,
        )
    return text


def fresh_id() -> str:
    """A message id: by it the daemon knows a prompt that was sent twice, and we know our turn."""
    import os

    return "cli-" + os.urandom(12).hex()
