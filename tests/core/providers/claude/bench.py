"""The Claude driver on the bench: opened and prompted with scripted lines, for single messages."""

from __future__ import annotations

import json
from typing import Any

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.timeline import TimelineItem, ToolCall
from sereno.core.providers.claude.driver import ClaudeDriver
from sereno.core.providers.driver import Identity, Prompt, Setup
from sereno.core.providers.effects import Asked, Effect, Item, Send

__all__ = ["MODELS", "Bench", "calls", "items", "only", "sent"]

IDENTITY = Identity("claude", "Claude", "Run `claude` in a terminal and log in there.", ("claude",))
MODELS = [
    {
        "value": "default",
        "resolvedModel": "opus-5",
        "displayName": "Default",
        "supportsEffort": True,
        "supportedEffortLevels": ["low", "high"],
    },
    {"value": "haiku", "resolvedModel": "haiku-5", "displayName": "Haiku"},
]
COMMANDS = [
    {"name": "compact", "description": "Free up context", "argumentHint": "[words]"},
    {"name": "__internal", "description": "not for people"},
]


class Bench:
    """Speaks as the program would."""

    def __init__(self, setup: Setup | None = None) -> None:
        self.setup = setup or Setup("/repo", session_id="s-1")
        self.driver = ClaudeDriver(IDENTITY, self.setup)
        self._waiting: dict[str, str] = {}
        self.uuid = ""
        self.open: list[str] = []
        """Ids of the requests that were asked."""

    @classmethod
    def opened(cls, setup: Setup | None = None, resume: str | None = None, **answer: Any) -> Bench:
        bench = cls(setup)
        bench.take(bench.driver.start(resume))
        bench.introduce(**answer)
        return bench

    @classmethod
    def in_turn(cls, setup: Setup | None = None) -> Bench:
        bench = cls.opened(setup)
        bench.prompt()
        return bench

    def introduce(self, **answer: Any) -> list[Effect]:
        facts = {
            "models": MODELS,
            "commands": COMMANDS,
            "current_permission_mode": "default",
            "claude_code_version": "2.1.330",
        }
        return self.reply_to("initialize", **{**facts, **answer})

    def prompt(self, text: str = "go", prompt_id: str = "p") -> list[Effect]:
        return self.take(self.driver.prompt(Prompt(prompt_id, text)))

    def take(self, effects: list[Effect]) -> list[Effect]:
        self.open += [e.request.id for e in effects if isinstance(e, Asked)]
        for message in sent(effects):
            if message["type"] == "control_request":
                self._waiting[message["request"]["subtype"]] = message["request_id"]
            if message["type"] == "user":
                self.uuid = message["uuid"]
        return effects

    def restart(self) -> None:
        self.driver = ClaudeDriver(IDENTITY, self.setup, self.driver.snapshot())

    def say(self, kind: str, **fields: Any) -> list[Effect]:
        line = json.dumps({"type": kind, **fields}).encode() + b"\n"
        return self.take(self.driver.receive(line))

    def reply_to(self, subtype: str, **answer: Any) -> list[Effect]:
        number = self._waiting.pop(subtype)
        inner = {"subtype": "success", "request_id": number, "response": answer}
        return self.say("control_response", response=inner)

    def refuse(self, subtype: str, error: str) -> list[Effect]:
        number = self._waiting.pop(subtype)
        inner = {"subtype": "error", "request_id": number, "error": error}
        return self.say("control_response", response=inner)

    def event(self, parent: str | None = None, **event: Any) -> list[Effect]:
        return self.say("stream_event", event=event, parent_tool_use_id=parent)

    def piece(self, kind: str, text: str) -> list[Effect]:
        delta = {"type": f"{kind}_delta", kind: text}
        return self.event(type="content_block_delta", index=0, delta=delta)

    def block(self, message_id: str = "m", parent: str | None = None, **block: Any) -> list[Effect]:
        message = {"id": message_id, "content": [block]}
        return self.say("assistant", message=message, parent_tool_use_id=parent)

    def tool(self, name: str, call_id: str = "c", parent: str | None = None, **given: Any) -> Any:
        return self.block(parent=parent, type="tool_use", id=call_id, name=name, input=given)

    def tool_result(
        self, content: Any = "ok", call_id: str = "c", error: bool = False, **fields: Any
    ) -> list[Effect]:
        block = {
            "type": "tool_result",
            "tool_use_id": call_id,
            "content": content,
            "is_error": error,
        }
        return self.say("user", message={"role": "user", "content": [block]}, **fields)

    def ask(self, tool: str = "Bash", rpc_id: str = "r", **fields: Any) -> list[Effect]:
        given = fields.pop("input", {"command": "touch a"})
        request = {"subtype": "can_use_tool", "tool_name": tool, "input": given, **fields}
        return self.say("control_request", request_id=rpc_id, request=request)

    def asked(self, tool: str = "Bash", rpc_id: str = "r", **fields: Any) -> PermissionRequest:
        request: PermissionRequest = only(self.ask(tool, rpc_id, **fields), Asked).request
        return request

    def result(self, **fields: Any) -> list[Effect]:
        base = {"subtype": "success", "is_error": False, "user_message_uuids": [self.uuid]}
        return self.say("result", **{**base, **fields})


def only(effects: list[Effect], kind: Any) -> Any:
    """The one effect of a kind."""
    (found,) = [effect for effect in effects if isinstance(effect, kind)]
    return found


def sent(effects: list[Effect]) -> list[dict[str, Any]]:
    return [json.loads(effect.data) for effect in effects if isinstance(effect, Send)]


def items(effects: list[Effect]) -> list[TimelineItem]:
    return [effect.item for effect in effects if isinstance(effect, Item)]


def calls(effects: list[Effect]) -> list[ToolCall]:
    return [item for item in items(effects) if isinstance(item, ToolCall)]
