"""Sub-agents: threads of their own in the same process, shown as one nested call each.

What a sub-agent says and does becomes the log and the actions of the call that began it; what it
asks is asked like everything else (approvals.py). Both forms of Codex are read: spawning by tool
(`collabAgentToolCall`) and by activity (`subAgentActivity`).
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.timeline import ToolCall, ToolStatus
from sereno.core.protocol.tools import SubAgentAction, SubAgentDetail
from sereno.core.protocol.values import UNSET
from sereno.core.providers.codex.details import detail_of, name_of
from sereno.core.providers.codex.items import bounded, is_tool, remember
from sereno.core.providers.codex.state import Child, Core
from sereno.core.providers.codex.values import as_dict, as_text, as_texts
from sereno.core.providers.common.core import checksum
from sereno.core.providers.effects import Effect, Item
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["Children", "child_name"]

LOG_LIMIT = 16_384
ACTIONS_KEPT = 100
ENDED_KEPT = 8
MOST = 100
"""Sub-agents that are known at once; of more the oldest are forgotten."""

_ENDED: dict[str, ToolStatus] = {
    "completed": "completed",
    "shutdown": "completed",
    "errored": "failed",
    "failed": "failed",
    "notFound": "failed",
    "interrupted": "canceled",
}


class Children:
    """The sub-agents of one thread."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def thread_started(self, thread: dict[str, Any]) -> list[Effect]:
        """A thread that this one began, in whatever way."""
        thread_id = as_text(thread.get("id"))
        if not thread_id or not as_text(thread.get("parentThreadId")):
            return []
        child = self._child(thread_id, f"agent-{thread_id}")
        child.name = child.name or as_text(thread.get("agentNickname"))
        return self._emit(thread_id, child)

    def spawned(self, item: dict[str, Any]) -> list[Effect]:
        """A `collabAgentToolCall` that spawns, or tells how its agents are."""
        effects: list[Effect] = []
        spawns = item.get("tool") == "spawnAgent"
        for thread_id in as_texts(item.get("receiverThreadIds")):
            if spawns:
                child = self._child(thread_id, as_text(item.get("id")))
                child.prompt = as_text(item.get("prompt"))[:2_000] or child.prompt
                child.model = as_text(item.get("model")) or child.model
                effects += self._emit(thread_id, child)
        for thread_id, state in as_dict(item.get("agentsStates")).items():
            known = self._core.state.children.get(thread_id)
            status = as_text(as_dict(state).get("status"))
            if known is not None and status in _ENDED:
                effects += self.ended(thread_id, status)
        return effects

    def activity(self, item: dict[str, Any]) -> list[Effect]:
        """A `subAgentActivity`: began, was talked to, ended."""
        thread_id, kind = as_text(item.get("agentThreadId")), as_text(item.get("kind"))
        if not thread_id:
            return []
        child = self._child(thread_id, as_text(item.get("id")))
        child.name = as_text(item.get("agentPath"))[:200] or child.name
        child.model = as_text(item.get("model")) or child.model
        if kind in _ENDED:
            return self.ended(thread_id, kind)
        child.status = "running"
        return self._emit(thread_id, child)

    def owns(self, thread_id: str) -> bool:
        return thread_id in self._core.state.children

    def turn_started(self, thread_id: str, turn_id: str) -> list[Effect]:
        child = self._core.state.children[thread_id]
        child.turn_id, child.status = turn_id, "running"
        self._core.touch()
        return self._emit(thread_id, child)

    def ended(self, thread_id: str, status: str) -> list[Effect]:
        """Its turn is over."""
        child = self._core.state.children[thread_id]
        child.turn_id, child.status = "", _ENDED.get(status, "completed")
        self._core.touch()
        return self._emit(thread_id, child)

    def item_started(self, thread_id: str, item: dict[str, Any]) -> list[Effect]:
        """A tool of the sub-agent: an action of its call, kept for what it may ask."""
        child = self._core.state.children[thread_id]
        if not is_tool(item):
            return []
        record = remember(self._core, item)
        if record is not None:
            record.nested = True
        detail = detail_of(item, "", sanitise)
        told = [getattr(detail, key, "") for key in ("command", "file_path", "query", "label")]
        words = next((word for word in told if isinstance(word, str) and word), "")
        child.actions.append((name_of(item)[:200], words[:500]))
        if len(child.actions) > ACTIONS_KEPT:
            del child.actions[0]
            child.dropped += 1
        self._core.touch()
        return [*self._emit(thread_id, child), *bounded(self._core)]

    def patched(self, item_id: str, changes: Any) -> None:
        """A change of a sub-agent as it is known by now."""
        record = self._core.state.items.get(item_id)
        if record is not None and isinstance(changes, list):
            record.item = {**record.item, "changes": changes}
            record.size = self._core.line_size
            self._core.touch()

    def item_completed(self, thread_id: str, item: dict[str, Any]) -> list[Effect]:
        child = self._core.state.children[thread_id]
        self._core.state.items.pop(as_text(item.get("id")), None)
        self._core.touch()
        if item.get("type") != "agentMessage" or not as_text(item.get("text")):
            return []
        child.log = f"{child.log}{as_text(item.get('text')).rstrip()}\n"[-LOG_LIMIT:]
        return self._emit(thread_id, child)

    def forget_old(self) -> None:
        """Of those that have ended only the last few are kept, in case they are woken again."""
        children = self._core.state.children
        ended = [key for key, child in children.items() if child.status != "running"]
        for thread_id in ended[:-ENDED_KEPT]:
            del children[thread_id]
            self._core.touch()

    def close(self, status: ToolStatus) -> list[Effect]:
        """The program is gone."""
        effects: list[Effect] = []
        for thread_id, child in self._core.state.children.items():
            if child.status == "running":
                child.status = status
                effects += self._emit(thread_id, child)
        return effects

    def _child(self, thread_id: str, call_id: str) -> Child:
        child = self._core.state.children.get(thread_id)
        if child is None:
            child = self._core.state.children[thread_id] = Child(call_id)
            children = self._core.state.children
            if len(children) > MOST:
                del children[next(iter(children))]
            self._core.touch()
        return child

    def _emit(self, thread_id: str, child: Child) -> list[Effect]:
        status: Any = child.status
        head = sanitise_line(child.prompt, 200) or sanitise_line(child.name, 200)
        call = ToolCall(
            call_id=child.call_id or f"agent-{thread_id}",
            name="sub_agent",
            detail=SubAgentDetail(
                log=sanitise(child.log),
                sub_agent_type=sanitise_line(child.name or child.model, 80) or UNSET,
                description=head or UNSET,
                child_session_id=sanitise_line(thread_id, 80),
                actions=[
                    SubAgentAction(
                        index=child.dropped + number,
                        tool_name=sanitise_line(name, 80),
                        summary=sanitise_line(words, 200) or UNSET,
                    )
                    for number, (name, words) in enumerate(child.actions)
                ],
            ),
            status=status,
            error="The sub-agent failed." if status == "failed" else None,
        )
        number = checksum(call)
        if number == child.digest:
            return []
        child.digest = number
        self._core.touch()
        return [Item(call)]


def child_name(core: Core, thread_id: str) -> str:
    """How a sub-agent is called, for people; empty for the thread itself."""
    child = core.state.children.get(thread_id)
    if child is None:
        return ""
    return sanitise_line(child.name or child.prompt, 120) or "a sub-agent"
