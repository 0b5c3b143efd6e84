"""Plays recorded conversations with Claude Code to the driver, line by line.

What the recording's client did, the driver is asked to do; its control requests find their replies
by subtype, because it asks for more than that client did. The ids of our messages stand for those
of the recording.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.providers.driver import Driver, Prompt
from sereno.core.providers.effects import Asked, Effect, Send
from tests.core.providers.golden import plain

__all__ = ["ClaudeReplay"]


class ClaudeReplay:
    """`make(run, state)` gives a driver; `restarting`: from its snapshot after every line."""

    def __init__(self, make: Callable[[int, bytes | None], Driver], restarting: bool) -> None:
        self._make = make
        self._restarting = restarting
        self._driver: Driver
        self._run = 0
        self._prompts = 0
        self._waiting: dict[str, list[str]] = {}
        """Ids of the driver's own requests without a reply, by subtype."""
        self._recorded: dict[str, str] = {}
        self._uuids: dict[str, str] = {}
        self._asked: dict[str, str] = {}
        self._answering = ""
        self.effects: list[Any] = []

    def play(self, lines: Iterable[str]) -> list[Any]:
        for line in map(json.loads, lines):
            if line["dir"] == "out":
                self._out(line["msg"])
            elif line["dir"] == "in":
                self._in(line["msg"])
            if self._restarting and self._run:
                self._driver = self._make(self._run, self._driver.snapshot())
        return self.effects

    def _in(self, message: dict[str, Any]) -> None:
        if message["type"] == "control_response":
            subtype = self._recorded[message["response"]["request_id"]]
            number = self._waiting[subtype].pop(0)
            message["response"]["request_id"] = number
        if message["type"] == "control_request":
            self._answering = message["request_id"]
        text = json.dumps(message)
        for recorded, ours in self._uuids.items():
            text = text.replace(recorded, ours)
        self._take(self._driver.receive(text.encode() + b"\n"))

    def _out(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "user":
                self._prompts += 1
                prompt = Prompt(f"prompt-{self._prompts}", message["message"]["content"])
                effects = self._driver.prompt(prompt)
                if "uuid" in message:
                    ours = next(json.loads(e.data) for e in effects if isinstance(e, Send))["uuid"]
                    self._uuids[message["uuid"]] = ours
                self._take(effects)
            case "control_response":
                self._answer(message["response"])
            case "control_request":
                self._recorded[message["request_id"]] = message["request"]["subtype"]
                self._wish(message["request"])

    def _wish(self, request: dict[str, Any]) -> None:
        match request["subtype"]:
            case "initialize":
                self._run += 1
                self._driver = self._make(self._run, None)
                self._waiting.clear()
                session = "00000000-0000-4000-8000-000000000002"
                self._take(self._driver.start(session if self._run > 1 else None))
            case "set_permission_mode":
                self._take(self._driver.set_mode(request["mode"]))
            case "set_model":
                self._take(self._driver.set_model(request["model"]))
            case "interrupt":
                self._take(self._driver.interrupt())

    def _answer(self, response: dict[str, Any]) -> None:
        request_id = self._asked.pop(response["request_id"])
        inner = response["response"]
        if inner["behavior"] == "deny":
            self._take(self._driver.answer(request_id, Deny(message=inner["message"])))
            return
        answer = Allow(updated_input=inner["updatedInput"])
        if "updatedPermissions" in inner:
            answer = Allow(updated_permissions=inner["updatedPermissions"])
        self._take(self._driver.answer(request_id, answer))

    def _take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Asked):
                self._asked[self._answering] = effect.request.id
            if isinstance(effect, Send):
                sent = json.loads(effect.data)
                if sent["type"] == "control_request":
                    subtype = sent["request"]["subtype"]
                    self._waiting.setdefault(subtype, []).append(sent["request_id"])
            self.effects.append(plain(effect))
