"""The demo agent's acts for tests and benchmarks: streams by number, and every way to misbehave."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator
from typing import Any

from sereno.core.providers.demo.language import Simple, Stream
from sereno.core.providers.demo.loop import Sleeping, Turning
from sereno.core.providers.demo.stage import Stage, TurnFailed, text_content

__all__ = ["event_text", "misbehave", "stream"]

HOSTILE = (
    "Colours \x1b[31mred\x1b[0m, a title \x1b]0;owned\x07, the clipboard \x1b]52;c;ZXZpbA==\x07, "
    "8-bit \x9b2J, markup [@click=app.quit]click[/], bidi \u202etxt.exe, null \x00, a bell \x07, "
    "an overwritten line\rhidden, and an open string \x1b]2;never closed\nThe end.\n"
)
YIELD_EVERY = 64


def event_text(number: int, size: int) -> str:
    """Event `number` (from 1) of a stream: its number, padding, a newline; `size` bytes."""
    head = f"{number:06d}"
    return head + " " + "x" * (size - len(head) - 2) + "\n" if size > len(head) + 2 else head + "\n"


def stream(stage: Stage, act: Stream) -> Generator[Turning, Any, None]:
    """Numbered events, each an update of its own, as fast or as slow as told."""
    one = _one(stage, act)
    begin = time.monotonic()
    for number in range(1, act.count + 1):
        one(number)
        if act.every_s:
            # Absolute times: a late wake-up is made good, so that the rate holds.
            yield Sleeping(begin + number * act.every_s)
        elif number % YIELD_EVERY == 0:
            yield Sleeping(0)


def _one(stage: Stage, act: Stream) -> Callable[[int], None]:
    if act.kind == "tools":
        return lambda number: _tool(stage, number, act.size)
    kind = "agent_thought_chunk" if act.kind == "thoughts" else "agent_message_chunk"
    return lambda number: stage.chunk(kind, event_text(number, act.size))


def _tool(stage: Stage, number: int, size: int) -> None:
    stage.update(
        {
            "sessionUpdate": "tool_call",
            "toolCallId": stage.next_call(),
            "title": f"event {number:06d}",
            "kind": "other",
            "status": "completed",
            "content": text_content(event_text(number, size)),
        }
    )


def misbehave(stage: Stage, act: Simple) -> Generator[Turning, Any, None]:
    """fail, crash, garbage, half, cut, flood, hostile."""
    yield Sleeping(0)  # what was said before gets out first
    match act.verb:
        case "fail":
            raise _failure(act.argument)
        case "crash":
            sys.stderr.write("demo agent: crashed, as it was told to\n")
            sys.stderr.flush()
            os._exit(int(act.argument) if act.argument.isdecimal() else 3)
        case "garbage":
            count = int(act.argument) if act.argument.isdecimal() else 3
            for number in range(count):
                _raw(b'this is no JSON \x1b[31m{"number": %d\n' % number)
        case "half":
            line = b'{"jsonrpc":"2.0","method":"_demo/half","params":{"text":"two halves"}}\n'
            _raw(line[:30])
            yield Sleeping(time.monotonic() + 0.3)
            _raw(line[30:])
        case "cut":
            _raw(b'{"jsonrpc":"2.0","method":"session/upd')
            os._exit(0)
        case "flood":
            count = int(act.argument) if act.argument.isdecimal() else 1000
            for number in range(count):
                os.write(2, b"demo agent: flood, line %06d %s\n" % (number, b"#" * 60))
        case "hostile":
            stage.chunk("agent_message_chunk", HOSTILE)


def _failure(argument: str) -> TurnFailed:
    match argument:
        case "rate":
            return TurnFailed("API Error: 429 rate_limit_error: Number of requests exceeded", 429)
        case "auth":
            return TurnFailed("Authentication required", -32000)
        case "":
            return TurnFailed("Internal error: the demo agent failed, as it was told to")
        case text:
            return TurnFailed(text)


def _raw(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]
