"""What is being completed at the cursor: a file after `@`, a command after `/`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sereno.core.protocol.agents import Command

__all__ = ["Token", "completed", "matching_commands", "token_at"]

_FILE = re.compile(r"(?:^|(?<=[\s(\[{\"']))@(?P<query>[^\s@]*)$")
_COMMAND = re.compile(r"^/(?P<query>[^\s/]*)$")


@dataclass(frozen=True, slots=True)
class Token:
    """`start` and `end` are columns of the cursor's line; the sign is inside, the query not."""

    kind: Literal["file", "command"]
    query: str
    start: int
    end: int


def token_at(line: str, row: int, column: int) -> Token | None:
    """The token that ends at the cursor, None where nothing is to be completed."""
    before = line[:column]
    command = _COMMAND.match(before) if row == 0 else None
    if command is not None:
        return Token("command", command["query"], 0, column)
    file = _FILE.search(before)
    if file is not None:
        return Token("file", file["query"], file.start(), column)
    return None


def completed(token: Token, choice: str) -> str:
    """What replaces the token; a folder stays open for more, everything else ends in a blank."""
    if token.kind == "command":
        return f"/{choice} "
    return f"@{choice}" if choice.endswith("/") else f"@{choice} "


def matching_commands(commands: Sequence[Command], query: str) -> list[Command]:
    """Commands for what was typed: those that begin with it first, then those that contain it."""
    wanted = query.casefold()
    begins = [each for each in commands if each.name.casefold().startswith(wanted)]
    contains = [each for each in commands if each not in begins and wanted in each.name.casefold()]
    return [*begins, *contains]
