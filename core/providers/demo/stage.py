"""What a turn of the demo agent can do to the outside: say, think, plan, show a tool, ask.

Turns (acts.py, load.py, looking.py) are generators that use one `Stage`; it speaks ACP through the
loop. Not here: what is said.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from sereno.core.providers.demo.journal import Log
from sereno.core.providers.demo.loop import Asking, Sleeping, Turning

__all__ = ["Denied", "Stage", "TurnFailed"]

ONCE, ALWAYS, REJECT = "allow-once", "allow-always", "reject"


class TurnFailed(Exception):
    """Ends the turn with a JSON-RPC error."""

    def __init__(self, message: str, code: int = -32603, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class Denied(Exception):
    """The person said no; the turn goes on without it."""


class Stage:
    """One session's means of expression."""

    def __init__(
        self,
        cwd: Path,
        mode: str,
        log: Log,
        pace_s: float,
        update: Callable[[dict[str, Any]], None],
        ask: Callable[[dict[str, Any], list[dict[str, str]]], None],
        always: set[str],
        next_call: Callable[[], str],
    ) -> None:
        self.cwd = cwd
        self.mode = mode
        self.log = log
        self.pace_s = pace_s
        self.update = update
        self._ask = ask
        self._always = always
        self.next_call = next_call

    def path(self, name: str) -> Path:
        return (self.cwd / Path(name).expanduser()).resolve()

    def say(self, text: str) -> Generator[Turning, Any, None]:
        """Streams text in small pieces, at the agent's pace."""
        yield from self._stream("agent_message_chunk", text)

    def think(self, text: str) -> Generator[Turning, Any, None]:
        yield from self._stream("agent_thought_chunk", text)

    def chunk(self, kind: str, text: str) -> None:
        """One piece of text, at once."""
        self.update({"sessionUpdate": kind, "content": {"type": "text", "text": text}})

    def _stream(self, kind: str, text: str) -> Generator[Turning, Any, None]:
        at = time.monotonic()
        for start in range(0, len(text), 24):
            self.chunk(kind, text[start : start + 24])
            if self.pace_s:
                at += self.pace_s
                yield Sleeping(at)
        if not self.pace_s:
            yield Sleeping(0)

    def tool(self, title: str, kind: str, **fields: Any) -> str:
        """Begins a tool call; its id."""
        call_id = self.next_call()
        self.update(
            {
                "sessionUpdate": "tool_call",
                "toolCallId": call_id,
                "title": title,
                "kind": kind,
                "status": "pending",
                **fields,
            }
        )
        return call_id

    def tool_update(self, call_id: str, status: str, **fields: Any) -> None:
        self.update(
            {
                "sessionUpdate": "tool_call_update",
                "toolCallId": call_id,
                "status": status,
                **fields,
            }
        )

    def permit(
        self, call_id: str, title: str, kind: str, scope: str, **fields: Any
    ) -> Generator[Turning, Any, None]:
        """Asks before a tool runs. `scope` is what "for this session" would cover.

        Raises:
            Denied: the call is already closed as failed.
        """
        if scope in self._always:
            return
        call = {"toolCallId": call_id, "title": title, "kind": kind, "status": "pending", **fields}
        self._ask(
            call,
            [
                {"optionId": ONCE, "kind": "allow_once", "name": "Allow once"},
                {"optionId": ALWAYS, "kind": "allow_always", "name": "Allow for this session"},
                {"optionId": REJECT, "kind": "reject_once", "name": "Reject"},
            ],
        )
        option = yield Asking(call_id)
        if option == ALWAYS:
            self._always.add(scope)
        elif option != ONCE:
            self.tool_update(call_id, "failed", content=text_content("Not allowed."))
            raise Denied
        self.tool_update(call_id, "in_progress")


def text_content(text: str) -> list[dict[str, Any]]:
    """Tool call content of plain text."""
    return [{"type": "content", "content": {"type": "text", "text": text}}]
