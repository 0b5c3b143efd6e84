"""The driver of one `codex app-server`: bytes in, effects out (driver.Driver).

Ties the parts together: which message goes to which of them, and the program's end. What a message
means is in opening.py, turn.py, items.py, text.py, approvals.py, settings.py and notices.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from sereno.core.protocol.permissions import Deny, PermissionResponse
from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.codex import approvals, items, notices, plans, usage
from sereno.core.providers.codex.answers import as_it_is, chosen
from sereno.core.providers.codex.approvals import spoken
from sereno.core.providers.codex.children import Children
from sereno.core.providers.codex.opening import SKILLS, Opening
from sereno.core.providers.codex.settings import LIST, UPDATE, Settings
from sereno.core.providers.codex.state import Core, State
from sereno.core.providers.codex.text import Text
from sereno.core.providers.codex.turn import TURN_METHODS, Turns
from sereno.core.providers.codex.values import as_dict, as_text, pruned
from sereno.core.providers.common.core import FAILED, READY
from sereno.core.providers.common.ending import how_it_ended, junk, left_over
from sereno.core.providers.driver import DriverBusy, Identity, Prompt, Setup
from sereno.core.providers.effects import Effect, Item
from sereno.core.providers.jsonrpc import Incoming, Junk, Notification, Reply, Request, Stray
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["CodexDriver"]

_decode_state = msgspec.json.Decoder(State).decode


class CodexDriver:
    """See `Driver` for what each method promises."""

    def __init__(self, identity: Identity, setup: Setup, state: bytes | None = None) -> None:
        self._core = Core(identity, setup, _decode_state(state) if state else State(), state)
        self._settings = Settings(self._core)
        self._opening = Opening(self._core, self._settings)
        self._text = Text(self._core)
        self._children = Children(self._core)
        self._turns = Turns(self._core, self._text, self._children)
        self._handlers = self._table()

    # ── from the program ─────────────────────────────────────────────────────

    def receive(self, data: bytes) -> list[Effect]:
        effects: list[Effect] = []
        core = self._core
        if core.state.phase == FAILED:
            return []  # given up: what it says has no meaning any more
        for line in core.peer.lines(data):
            if isinstance(line, Junk):
                effects += self._junk(line)
                continue
            core.reading(line)
            for message in core.peer.read(line):
                effects += self._message(message)
            if core.state.phase == FAILED:
                break
        return effects

    def _message(self, message: Incoming) -> list[Effect]:
        match message:
            case Notification(method, params):
                return self._notification(method, params)
            case Request(rpc_id, method, params):
                self._text.end()
                return approvals.ask(self._core, rpc_id, method, pruned(params))
            case Reply():
                return self._reply(message)
            case Stray(_, text):
                return self._core.noted("warning", "A reply that nobody waits for", sanitise(text))
            case Junk():
                return self._junk(message)

    def _reply(self, reply: Reply) -> list[Effect]:
        method = reply.call.method
        if method in TURN_METHODS:
            return self._turns.replied(reply)
        if method == SKILLS:
            return self._opening.skills(reply)
        if self._core.state.phase != READY:
            return self._opening.reply(reply)
        if method == UPDATE:
            return self._settings.replied(reply)
        if method == LIST:
            return self._settings.listed(reply)
        return self._turns.side_reply(reply)

    def _table(self) -> dict[str, Callable[[dict[str, Any]], list[Effect]]]:
        """What is done with the notifications of our own thread."""
        core, text, turns = self._core, self._text, self._turns
        return {
            "item/agentMessage/delta": text.message_delta,
            "item/reasoning/summaryTextDelta": lambda p: text.thought_delta(p, raw=False),
            "item/reasoning/textDelta": lambda p: text.thought_delta(p, raw=True),
            "item/commandExecution/outputDelta": lambda p: items.grow(core, p),
            "item/plan/delta": lambda p: items.grow(core, p),
            "item/fileChange/patchUpdated": self._patched,
            "item/started": self._item_started,
            "item/completed": self._item_completed,
            "turn/started": lambda p: turns.started(as_dict(p.get("turn"))),
            "turn/completed": lambda p: turns.completed(as_dict(p.get("turn"))),
            "turn/plan/updated": lambda p: notices.read_plan(core, p),
            "thread/tokenUsage/updated": lambda p: usage.read_tokens(core, p),
            "thread/settings/updated": self._settings.updated,
            "error": lambda p: notices.read_error(core, p),
        }

    def _notification(self, method: str, params: dict[str, Any]) -> list[Effect]:
        core = self._core
        match method:
            case "serverRequest/resolved":
                return approvals.resolved(core, params.get("requestId"))
            case "account/rateLimits/updated":
                return usage.read_limits(core, params)
            case "thread/started":
                return self._children.thread_started(as_dict(params.get("thread")))
            case "skills/changed":
                return self._opening.skills_changed()
        thread_id = params.get("threadId", core.state.thread_id)
        handler = self._handlers.get(method)
        if handler is None:
            ours = thread_id == core.state.thread_id or not method.startswith(("thread/", "model/"))
            return notices.read_notice(core, method, params) if ours else []
        if thread_id == core.state.thread_id:
            return handler(params)
        if isinstance(thread_id, str) and self._children.owns(thread_id):
            return self._of_child(thread_id, method, params)
        shown = sanitise_line(str(thread_id), 80)
        return core.noted("debug", f"News of another conversation: {shown}")

    def _of_child(self, thread_id: str, method: str, params: dict[str, Any]) -> list[Effect]:
        turn, item = as_dict(params.get("turn")), pruned(as_dict(params.get("item")))
        if item.get("type") == "subAgentActivity":
            # One that it began itself; older releases also say of it that it began.
            own = item.get("agentThreadId") == thread_id
            return [] if own else self._children.activity(item)
        match method:
            case "turn/started":
                return self._children.turn_started(thread_id, as_text(turn.get("id")))
            case "turn/completed":
                return self._children.ended(thread_id, as_text(turn.get("status")))
            case "item/started":
                effects = self._children.item_started(thread_id, item)
                return effects + approvals.check_changed(self._core, as_text(item.get("id")))
            case "item/fileChange/patchUpdated":
                self._children.patched(as_text(params.get("itemId")), pruned(params.get("changes")))
                return approvals.check_changed(self._core, as_text(params.get("itemId")))
            case "item/completed":
                return self._children.item_completed(thread_id, item)
            case _:
                return []

    def _item_started(self, params: dict[str, Any]) -> list[Effect]:
        item, core = pruned(as_dict(params.get("item"))), self._core
        match item.get("type"):
            case "enteredReviewMode":
                core.state.reviewing = as_text(item.get("id"))
                core.touch()
            case "subAgentActivity":
                return self._children.activity(item)
            case "collabAgentToolCall" if item.get("tool") == "spawnAgent":
                return self._children.spawned(item)
        if not items.is_tool(item) and item.get("type") != "contextCompaction":
            return []
        self._text.end()
        effects = items.begin(core, item)
        return effects + approvals.check_changed(core, as_text(item.get("id")))

    def _item_completed(self, params: dict[str, Any]) -> list[Effect]:
        item, core = pruned(as_dict(params.get("item"))), self._core
        match item.get("type"):
            case "agentMessage" | "reasoning":
                return self._text.completed(item)
            case "plan":
                core.state.plan_item = as_text(item.get("id"))
                core.state.plan_text = as_text(item.get("text"))
            case "enteredReviewMode":
                return []  # it lasts until the review is over
            case "exitedReviewMode":
                return self._review_over()
            case "subAgentActivity":
                return self._children.activity(item)
            case "collabAgentToolCall":
                effects = self._children.spawned(item)
                if item.get("tool") == "spawnAgent":
                    return effects
                return [*items.finish(core, item), *effects]
        if not items.is_tool(item) and item.get("type") != "contextCompaction":
            return []
        self._text.end()
        return items.finish(core, item)

    def _review_over(self) -> list[Effect]:
        """The words of the review follow as a message of the agent."""
        state = self._core.state
        record, state.reviewing = state.items.get(state.reviewing), ""
        self._core.touch()
        if record is None:
            return []
        return items.finish(self._core, {**record.item, "status": "completed"})

    def _patched(self, params: dict[str, Any]) -> list[Effect]:
        item_id = as_text(params.get("itemId"))
        effects = items.update(self._core, item_id, pruned(params.get("changes")))
        return effects + approvals.check_changed(self._core, item_id)

    def _junk(self, line: Junk) -> list[Effect]:
        core = self._core
        unanswered = core.peer.waiting("initialize")
        return junk(core, line, core.line_size, "the language of `codex app-server`", unanswered)

    # ── from the person ──────────────────────────────────────────────────────

    def start(self, resume: str | None) -> list[Effect]:
        return self._opening.begin(resume)

    def prompt(self, prompt: Prompt) -> list[Effect]:
        self._must_be_ready()
        if self._core.state.prompt_id is not None:
            raise DriverBusy("a turn is running")
        return self._turns.begin(prompt)

    def interrupt(self) -> list[Effect]:
        return self._turns.interrupt()

    def answer(self, request_id: str, response: PermissionResponse) -> list[Effect]:
        request = self._core.state.requests.get(request_id)
        if request is not None and request.method == plans.PLAN:
            return self._answer_plan(request_id, response)
        effects, stops = approvals.answer(self._core, request_id, response)
        return [*effects, *self._turns.interrupt()] if stops else effects

    def _answer_plan(self, request_id: str, response: PermissionResponse) -> list[Effect]:
        """Yes: out of plan mode, and on. No with words: on, with the words, in plan mode."""
        choice = chosen(plans.plan_actions(), response)
        as_it_is(response)
        del self._core.state.requests[request_id]
        self._core.touch()
        if isinstance(response, Deny):
            words = spoken(response)
            return self._turns.begin_with(words) if words else []
        effects = self._settings.set_mode(plans.mode_after(choice))
        return [*effects, *self._turns.begin_with(plans.IMPLEMENT)]

    def set_mode(self, mode_id: str) -> list[Effect]:
        self._must_be_ready()
        return self._settings.set_mode(mode_id)

    def set_model(self, model_id: str | None) -> list[Effect]:
        self._must_be_ready()
        return self._settings.set_model(model_id)

    def set_thinking(self, option_id: str | None) -> list[Effect]:
        self._must_be_ready()
        return self._settings.set_thinking(option_id)

    def set_feature(self, feature_id: str, value: str) -> list[Effect]:
        self._must_be_ready()
        what = sanitise_line(f"{feature_id} = {value}", 120)
        return [Item(ErrorItem(message=f"Codex has no such setting: {what}."))]

    def _must_be_ready(self) -> None:
        if self._core.state.phase != READY:
            raise DriverBusy("the session is not ready")

    # ── the end ──────────────────────────────────────────────────────────────

    def exited(self, code: int | None, signal: int | None, stderr_tail: str) -> list[Effect]:
        core, state = self._core, self._core.state
        effects = left_over(core, core.peer.finish())
        ending = how_it_ended(core, code, signal, stderr_tail)
        state.phase = FAILED
        effects += approvals.withdraw_all(core, "The program ended")
        effects += self._children.close("canceled")
        if ending.in_turn:
            state.cancelling = False  # nobody is there to be told anything
            effects += self._turns.end("failed", ending.failure)
        else:
            effects += items.close_items(core, "canceled")
        core.touch()
        return [*effects, ending.told()]

    def snapshot(self) -> bytes:
        return self._core.snapshot()
