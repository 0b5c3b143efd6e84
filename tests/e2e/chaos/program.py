"""The agent program of the chaos test: the demo agent, which also writes down what it said.

`said` is logged after the bytes have left for the runner: what it names was said for certain. Run
as a script with the demo agent's options.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from sereno.core.providers.demo.__main__ import settings
from sereno.core.providers.demo.agent import DemoAgent, Settings
from sereno.core.providers.demo.session import Session

NUMBERED = re.compile(r"(?:event )?(\d{6})\b")


class ChaosAgent(DemoAgent):
    """`upto`: the highest number of the running turn's stream that was written out."""

    def __init__(self, chosen: Settings) -> None:
        super().__init__(chosen)
        self._token = ""
        self._number = self._told = 0
        self._flush = self._loop.flush
        self._loop.flush = self._flush_and_tell  # type: ignore[method-assign]

    def _prompt(self, request_id: Any, params: dict[str, Any]) -> None:
        words = str(params["prompt"][0].get("text", "")).split()
        self._token, self._number, self._told = words[1] if len(words) > 1 else "", 0, 0
        super()._prompt(request_id, params)

    def _update(self, session: Session, update: dict[str, Any]) -> None:
        if self._running is not None:
            kind = update["sessionUpdate"]
            text = ""
            if kind == "tool_call":
                text = update["title"]
            elif kind == "agent_message_chunk":
                text = update["content"]["text"]
            if found := NUMBERED.match(text):
                self._number = int(found.group(1))
        super()._update(session, update)

    def _flush_and_tell(self) -> None:
        number = self._number
        self._flush()
        if number > self._told:
            self._told = number
            self._log.write("said", token=self._token, upto=number)


def main() -> int:
    try:
        ChaosAgent(settings(sys.argv[1:], dict(os.environ))).run()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
