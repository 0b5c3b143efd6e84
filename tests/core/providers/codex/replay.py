"""Plays recorded conversations with `codex app-server` to the driver, line by line.

What the recording's client did, the driver is asked to do. Its requests find their recorded replies
by method, because it asks for more than the recording's client did; what was not recorded gets an
empty reply at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.providers.driver import Driver, Prompt
from sereno.core.providers.effects import Asked, Effect, Send
from tests.core.providers.golden import plain

__all__ = ["CodexReplay"]

UNRECORDED = frozenset(
    {
        "account/read",
        "config/read",
        "skills/list",
        "thread/backgroundTerminals/clean",
        "thread/settings/update",
    }
)
OVER = frozenset({"thread/list", "turn/steer", "initialized"})


class CodexReplay:
    """`make(run, state)` gives a driver; `restarting`: from its snapshot after every line."""

    def __init__(self, make: Callable[[int, bytes | None], Driver], restarting: bool) -> None:
        self._make = make
        self._restarting = restarting
        self._driver: Driver
        self._run = 0
        self._waiting: dict[str, list[int]] = {}
        """Ids of the driver's own requests without a reply, by method."""
        self._recorded: dict[int, str] = {}
        """Method of each of the recording's requests."""
        self._asked: dict[Any, str] = {}
        self._opened: dict[str, Any] = {}
        self.effects: list[Any] = []
        self.methods: set[str] = set()

    def play(self, lines: Iterable[dict[str, Any]]) -> list[Any]:
        recorded = list(lines)
        for index, line in enumerate(recorded):
            if line["dir"] == "out":
                self._out(line["msg"], recorded[index + 1 :])
            elif line["dir"] == "in":
                self._in(line["msg"])
            if self._restarting and self._run:
                self._driver = self._make(self._run, self._driver.snapshot())
        return self.effects

    def _in(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            method = self._recorded.pop(message["id"])
            if method in OVER:
                return
            if method in ("thread/start", "thread/resume"):
                message = self._completed(message)
            message = {**message, "id": self._waiting[method].pop(0)}
        self._feed(message)

    def _completed(self, message: dict[str, Any]) -> dict[str, Any]:
        """The recording of a resumed thread says: the rest is as in thread/start. The recording's
        client opened it with more than reading.
        """
        result = {**self._opened, **message["result"], "sandbox": {"type": "readOnly"}}
        result.pop("_trimmed", None)
        self._opened = self._opened or result
        return {**message, "result": result}

    def _feed(self, message: dict[str, Any]) -> None:
        self._rpc_id = message.get("id")
        self._take(self._driver.receive(json.dumps(message).encode() + b"\n"))

    def _out(self, message: dict[str, Any], rest: list[Any]) -> None:
        method: Any = message.get("method")
        number, params = message.get("id"), message.get("params", {})
        if method is not None and number is not None:
            self._recorded[number] = method
        match method:
            case "initialize":
                self._run += 1
                self._waiting, self._recorded = {}, {message["id"]: method}
                self._driver = self._make(self._run, None)
                self._take(self._driver.start(_resumed(rest)))
            case "turn/start":
                text = params["input"][0]["text"]
                self._take(self._driver.prompt(Prompt(f"prompt-{self._run}-{number}", text)))
            case "turn/interrupt":
                self._take(self._driver.interrupt())
            case None if "decision" in message["result"]:
                request, decision = self._asked.pop(number), message["result"]["decision"]
                kind = Allow if decision.startswith("accept") else Deny
                self._take(self._driver.answer(request, kind(selected_action_id=decision)))
            case None if "answers" in message["result"]:
                given = message["result"]["answers"]
                answers = {name: answer["answers"][0] for name, answer in given.items()}
                allow = Allow(updated_input={"answers": answers})
                self._take(self._driver.answer(self._asked.pop(number), allow))

    def _take(self, effects: list[Effect]) -> None:
        unrecorded = []
        for effect in effects:
            self.effects.append(plain(effect))
            if isinstance(effect, Asked):
                self._asked[self._rpc_id] = effect.request.id
            if isinstance(effect, Send):
                sent = json.loads(effect.data)
                self.methods |= {sent["method"]} if "method" in sent else set()
                if "method" in sent and "id" in sent:
                    self._waiting.setdefault(sent["method"], []).append(sent["id"])
                    if sent["method"] in UNRECORDED or self._model_list_again(sent):
                        unrecorded.append(sent["method"])
        for method in unrecorded:
            self._feed({"id": self._waiting[method].pop(0), "result": {}})

    def _model_list_again(self, sent: dict[str, Any]) -> bool:
        """The second process of the recording was not asked for its models."""
        return bool(sent["method"] == "model/list" and self._run > 1)


def _resumed(rest: list[Any]) -> str | None:
    for line in rest:
        method = line["msg"].get("method") if line["dir"] == "out" else None
        if method == "thread/start":
            return None
        if method == "thread/resume":
            return str(line["msg"]["params"]["threadId"])
    return None
