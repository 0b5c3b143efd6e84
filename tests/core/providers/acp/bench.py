"""A driver on the bench: opened and prompted with scripted frames, for tests of single messages."""

from __future__ import annotations

import json
from typing import Any

from sereno.core.providers.acp.driver import AcpDriver
from sereno.core.providers.driver import Identity, Prompt, Setup
from sereno.core.providers.effects import Effect, Send

__all__ = ["ABLE", "Bench", "methods", "only"]

ABLE: dict[str, Any] = {"loadSession": True, "sessionCapabilities": {"resume": {}}}


class Bench:
    """Speaks as the program would."""

    def __init__(self, setup: Setup | None = None, login_hint: str = "") -> None:
        self._identity = Identity("some", "Agent", login_hint)
        self._setup = setup or Setup("/repo")
        self.driver = AcpDriver(self._identity, self._setup)
        self._waiting: dict[str, int] = {}

    @classmethod
    def opened(cls, setup: Setup | None = None, **session: Any) -> Bench:
        bench = cls(setup)
        bench.take(bench.driver.start(None))
        bench.introduce()
        bench.reply_to("session/new", {"sessionId": "s", **session})
        return bench

    @classmethod
    def in_turn(cls) -> Bench:
        bench = cls.opened()
        bench.take(bench.driver.prompt(Prompt("p", "go")))
        return bench

    def introduce(self, version: int = 1, **fields: Any) -> list[Effect]:
        able = fields.pop("agentCapabilities", ABLE)
        result = {"protocolVersion": version, "agentCapabilities": able, **fields}
        return self.reply_to("initialize", result)

    def take(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            if isinstance(effect, Send):
                message = json.loads(effect.data)
                if "method" in message and "id" in message:
                    self._waiting[message["method"]] = message["id"]
        return effects

    def restart(self) -> None:
        self.driver = AcpDriver(self._identity, self._setup, self.driver.snapshot())

    def say(self, message: dict[str, Any]) -> list[Effect]:
        line = json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
        return self.take(self.driver.receive(line))

    def notify(self, method: str, /, **params: Any) -> list[Effect]:
        return self.say({"method": method, "params": params})

    def request(self, number: Any, method: str, /, **params: Any) -> list[Effect]:
        return self.say({"id": number, "method": method, "params": {"sessionId": "s", **params}})

    def update(self, kind: str, /, **fields: Any) -> list[Effect]:
        return self.notify(
            "session/update", sessionId="s", update={"sessionUpdate": kind, **fields}
        )

    def text(self, text: str, kind: str = "agent_message_chunk", /, **fields: Any) -> list[Effect]:
        return self.update(kind, content={"type": "text", "text": text}, **fields)

    def reply_to(self, method: str, result: Any) -> list[Effect]:
        return self.say({"id": self._waiting.pop(method), "result": result})

    def fail(self, method: str, code: int, message: str, data: Any = None) -> list[Effect]:
        error = {"code": code, "message": message, "data": data}
        return self.say({"id": self._waiting.pop(method), "error": error})

    def asked_for(self) -> set[str]:
        """The methods that wait for a reply."""
        return set(self._waiting)


def only(effects: list[Effect], kind: type[Any]) -> Any:
    """The one effect of this kind."""
    (found,) = [effect for effect in effects if isinstance(effect, kind)]
    return found


def methods(effects: list[Effect]) -> list[str]:
    """The methods of what is sent."""
    sent = [json.loads(effect.data) for effect in effects if isinstance(effect, Send)]
    return [message["method"] for message in sent if "method" in message]
