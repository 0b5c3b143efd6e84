"""The script in a prompt: `@@fake {"steps": [{"text": …, "tool": {…}}, …]}`, and which step is due.

Pure. A step may hold `thinking`, `text`, `tool` (or `tools`: several); tools are abstract
(`{"kind": "shell", "command": …}`, `{"kind": "write", "path": …, "content": …}`) and get the
agent's own names in `tools.py`, where the kinds stand. `delay_ms` sleeps before each chunk,
`first_delay_ms` before all.
`error`: {"kind": "429" | "500" | "400" | "401" | "drop", "times": n, "after": frames}; give each
such directive an `id` of its own, because `times` is counted by the directive's text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

__all__ = ["Directive", "Fault", "Step", "find_directive", "prompt_with"]

MARK = "@@fake"


class Fault(msgspec.Struct, frozen=True):
    """An answer that fails. `times`: how often before it works; 0 for always. `after`: frames of
    the answer before the connection is cut, for `drop`. `retry_after` (seconds) and `headers` go
    out with a failure by number; `message` replaces its words."""

    kind: str
    times: int = 0
    after: int = 3
    retry_after: float | None = None
    headers: dict[str, str] = {}
    message: str = ""


class Step(msgspec.Struct, frozen=True):
    """What one answer of the model is made of."""

    thinking: str = ""
    text: str = ""
    tool: dict[str, Any] | None = None
    tools: tuple[dict[str, Any], ...] = ()

    @property
    def calls(self) -> tuple[dict[str, Any], ...]:
        return (*(() if self.tool is None else (self.tool,)), *self.tools)


class Directive(msgspec.Struct, frozen=True):
    """The whole script of a turn."""

    steps: tuple[Step, ...]
    id: str = ""
    delay_ms: float = 0
    first_delay_ms: float = 0
    error: Fault | None = None


def prompt_with(words: str, *steps: dict[str, Any], **fields: Any) -> str:
    """A prompt that carries a script."""
    return f"{words} {MARK} {json.dumps({'steps': list(steps), **fields})}"


def find_directive(text: str) -> Directive | None:
    """The last script in a text; quoted ones (`\\"`) are understood too."""
    start = text.rfind(MARK)
    if start < 0:
        return None
    rest = text[start + len(MARK) :].lstrip()
    for candidate in (rest, rest.replace('\\"', '"')):
        try:
            raw, _ = json.JSONDecoder().raw_decode(candidate)
            return msgspec.convert(raw, Directive)
        except (ValueError, msgspec.ValidationError):
            continue
    return None


def due(texts: Sequence[tuple[str, str]]) -> tuple[Directive, int] | None:
    """The script of a conversation and the number of the step that is due.

    `texts`: (role, text) of each message, roles `user` and `assistant` counting.
    """
    for index in range(len(texts) - 1, -1, -1):
        role, text = texts[index]
        found = find_directive(text) if role == "user" else None
        if found is not None:
            return found, sum(1 for later, _ in texts[index + 1 :] if later == "assistant")
    return None
