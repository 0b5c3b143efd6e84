"""Plays a recorded conversation with an agent program to the driver, line by line.

What the recording's client did, the driver is asked to do; replies find their requests through a
map of ids, so that the driver may number its own. Used by the golden tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.providers.driver import Driver, Prompt
from sereno.core.providers.effects import Asked, Effect, Send
from tests.core.providers.golden import plain

__all__ = ["Replay"]


class Replay:
    """`make(run, state)` gives a driver; `restarting`: from its snapshot after every line."""

    def __init__(self, make: Callable[[int, bytes | None], Driver], restarting: bool) -> None:
        self._make = make
        self._restarting = restarting
        self._driver: Driver
        self._run = 0
        self._ids: dict[int, int] = {}
        self._asked: dict[Any, str] = {}
        self._session = ""
        self.effects: list[Any] = []

    def play(self, path: Path) -> list[Any]:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for index, line in enumerate(lines):
            if line["dir"] == "out":
                self._out(line["msg"], lines[index + 1 :])
            elif line["dir"] == "in":
                self._in(line["msg"])
            if self._restarting and self._run:
                self._driver = self._make(self._run, self._driver.snapshot())
        return self.effects

    def _in(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            if message["id"] not in self._ids:
                return  # an answer to something that our driver never asks
            message = {**message, "id": self._ids.pop(message["id"])}
        elif message["method"] == "session/request_permission":
            self._rpc_id = message["id"]
        self._take(self._driver.receive(json.dumps(message).encode() + b"\n"))

    def _out(self, message: dict[str, Any], rest: list[Any]) -> None:
        params, number = message.get("params", {}), message.get("id")
        match message.get("method"):
            case "initialize":
                self._run += 1
                self._ids.clear()
                self._driver = self._make(self._run, None)
                self._take(self._driver.start(_resumed(rest)), number)
            case "session/new" | "session/load":
                self._ids[message["id"]] = self._last_id  # asked by the driver itself
            case "session/prompt":
                text = params["prompt"][0]["text"]
                self._take(self._driver.prompt(Prompt(f"prompt-{number}", text)), number)
            case "session/cancel":
                self._take(self._driver.interrupt())
            case "session/set_mode":
                self._take(self._driver.set_mode(params["modeId"]), number)
            case "session/set_config_option" if params["configId"] == "mode":
                self._take(self._driver.set_mode(params["value"]), number)
            case "session/set_config_option" if params["configId"] == "model":
                self._take(self._driver.set_model(params["value"]), number)
            case None if "outcome" in message.get("result", {}):
                self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        option = message["result"]["outcome"]["optionId"]
        request = self._asked.pop(message["id"])
        asked = [e["request"] for e in self.effects if e["effect"] == "Asked"]
        (shown,) = [each for each in asked if each["id"] == request]
        actions = {action["id"]: action["behavior"] for action in shown["actions"]}
        kind = Allow if actions[option] == "allow" else Deny
        self._take(self._driver.answer(request, kind(selected_action_id=option)))

    def _take(self, effects: list[Effect], number: int | None = None) -> None:
        for effect in effects:
            if isinstance(effect, Asked):
                self._asked[self._rpc_id] = effect.request.id
            if isinstance(effect, Send):
                sent = json.loads(effect.data)
                if "method" in sent and "id" in sent:
                    self._last_id = sent["id"]
                    if number is not None:
                        self._ids[number] = sent["id"]
            self.effects.append(plain(effect))


def _resumed(rest: list[Any]) -> str | None:
    for line in rest:
        method = line["msg"].get("method") if line["dir"] == "out" else None
        if method == "session/new":
            return None
        if method == "session/load":
            return str(line["msg"]["params"]["sessionId"])
    return None
