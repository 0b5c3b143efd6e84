"""A driver that is fed by hand: its frames are read, the program's answers are written here."""

from __future__ import annotations

import json
from typing import Any

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.providers.codex.driver import CodexDriver
from sereno.core.providers.driver import Identity, Prompt, Setup
from sereno.core.providers.effects import Asked, Effect, Item, Send

__all__ = [
    "CONFIG",
    "LISTED",
    "THREAD",
    "TURN",
    "WORKSPACE",
    "Fed",
    "actions",
    "answer",
    "asked",
    "items_of",
    "line",
    "one",
    "sent",
    "thread_reply",
]

THREAD, TURN = "thread-1", "turn-1"
IDENTITY = Identity("codex", "Codex")
LISTED = {
    "data": [
        {
            "id": "gpt-x",
            "model": "gpt-x",
            "displayName": "GPT-X",
            "description": "Good.",
            "hidden": False,
            "isDefault": True,
            "defaultReasoningEffort": "medium",
            "supportedReasoningEfforts": [
                {"reasoningEffort": "low", "description": "Fast"},
                {"reasoningEffort": "medium", "description": "Balanced"},
            ],
        },
        {"id": "old", "model": "old", "displayName": "Old", "hidden": True},
    ],
    "nextCursor": None,
}

CONFIG = {"config": {"sandbox_workspace_write": {"writable_roots": ["/more"]}}}
WORKSPACE = {
    "type": "workspaceWrite",
    "writableRoots": ["/more"],
    "networkAccess": False,
    "excludeTmpdirEnvVar": False,
    "excludeSlashTmp": False,
}


def line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def sent(effects: list[Effect]) -> list[dict[str, Any]]:
    """The messages for the program."""
    return [json.loads(effect.data) for effect in effects if isinstance(effect, Send)]


def items_of(effects: list[Effect]) -> list[Any]:
    return [effect.item for effect in effects if isinstance(effect, Item)]


def one(effects: list[Effect], kind: type[Any]) -> Any:
    """The only effect of this kind."""
    (found,) = [effect for effect in effects if isinstance(effect, kind)]
    return found


def thread_reply(**changes: Any) -> dict[str, Any]:
    """The result of thread/start or thread/resume."""
    result: dict[str, Any] = {
        "thread": {"id": THREAD, "turns": [], "name": None},
        "model": "gpt-x",
        "approvalPolicy": "untrusted",
        "approvalsReviewer": "user",
        "sandbox": {"type": "readOnly"},
        "reasoningEffort": None,
    }
    return {**result, **changes}


class Fed:
    """`waiting`: ids of the driver's requests without a reply, by method, oldest first."""

    def __init__(self, setup: Setup | None = None) -> None:
        self.setup = setup or Setup("/repo")
        self.driver = CodexDriver(IDENTITY, self.setup)
        self.waiting: dict[str, list[int]] = {}
        self.effects: list[Effect] = []

    def restart(self) -> None:
        self.driver = CodexDriver(IDENTITY, self.setup, self.driver.snapshot())

    def take(self, effects: list[Effect]) -> list[Effect]:
        for message in sent(effects):
            if "id" in message and "method" in message:
                self.waiting.setdefault(message["method"], []).append(message["id"])
        self.effects += effects
        return effects

    def say(self, method: str, **params: Any) -> list[Effect]:
        """A notification of the thread."""
        params = {"threadId": THREAD, **params}
        return self.take(self.driver.receive(line({"method": method, "params": params})))

    def ask(self, number: Any, method: str, **params: Any) -> list[Effect]:
        """A request of the program."""
        params = {"threadId": THREAD, "turnId": TURN, **params}
        return self.take(
            self.driver.receive(line({"method": method, "id": number, "params": params}))
        )

    def reply(self, method: str, result: Any = None, error: str | None = None) -> list[Effect]:
        """Answers the oldest request of this method."""
        message: dict[str, Any] = {"id": self.waiting[method].pop(0)}
        if error is None:
            message["result"] = {} if result is None else result
        else:
            message["error"] = {"code": -32600, "message": error}
        return self.take(self.driver.receive(line(message)))

    def open(self, resume: str | None = None, **changes: Any) -> list[Effect]:
        """The hand-shake, up to Ready."""
        self.take(self.driver.start(resume))
        self.reply("initialize", {"userAgent": "sereno/0.169.0 (Linux)"})
        self.reply("account/read", {"account": None, "requiresOpenaiAuth": False})
        self.reply("model/list", LISTED)
        self.reply("skills/list", {"data": []})
        self.reply("config/read", CONFIG)
        method = "thread/resume" if resume else "thread/start"
        effects = self.reply(method, thread_reply(**changes))
        while self.waiting.get("thread/settings/update"):
            effects = self.reply("thread/settings/update")
        return effects

    def begin(self, text: str = "go") -> list[Effect]:
        """A turn that has begun."""
        effects = self.take(self.driver.prompt(Prompt("p1", text)))
        self.reply("turn/start", {"turn": {"id": TURN, "status": "inProgress"}})
        self.say("turn/started", turn={"id": TURN, "rootTurnId": TURN})
        return effects

    def end(self, status: str = "completed", error: Any = None) -> list[Effect]:
        turn = {"id": TURN, "rootTurnId": TURN, "status": status, "error": error}
        return self.say("turn/completed", turn=turn)

    def item(self, kind: str, /, **fields: Any) -> list[Effect]:
        """`item/started`."""
        item = {"type": kind, "id": "i1", "status": "inProgress", **fields}
        return self.say("item/started", turnId=TURN, item=item)

    def done(self, kind: str, /, **fields: Any) -> list[Effect]:
        """`item/completed`."""
        item = {"type": kind, "id": "i1", "status": "completed", **fields}
        return self.say("item/completed", turnId=TURN, item=item)


def asked(effects: list[Any]) -> Any:
    return one(effects, Asked).request


def answer(fed: Fed, effects: list[Any], response: Allow | Deny) -> list[dict[str, Any]]:
    return sent(fed.take(fed.driver.answer(asked(effects).id, response)))


def actions(effects: list[Any]) -> dict[str, Any]:
    return {action.id: action for action in asked(effects).actions}
