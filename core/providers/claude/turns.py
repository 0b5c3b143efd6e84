"""A turn from prompt to result, and results of turns that nobody here began.

The program may fold a prompt into a turn of its own, or begin one because something in the
background ended; a result belongs to our prompt where it names its message.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.timeline import AssistantMessage, ErrorItem
from sereno.core.providers.claude import permissions
from sereno.core.providers.claude.calls import close_calls
from sereno.core.providers.claude.failures import Failure, failure_of
from sereno.core.providers.claude.lines import Channel, user_message
from sereno.core.providers.claude.state import Core, message_uuid
from sereno.core.providers.claude.talk import Talk
from sereno.core.providers.claude.usage import result_seen, usage_now
from sereno.core.providers.claude.values import record, text
from sereno.core.providers.common.core import READY
from sereno.core.providers.common.ending import ended_by_itself, turn_ended, why_closed
from sereno.core.providers.common.prompts import prompt_blocks
from sereno.core.providers.driver import DriverBusy, Prompt
from sereno.core.providers.effects import (
    Diagnostic,
    Effect,
    Item,
    Outcome,
    Send,
    TurnStarted,
)
from sereno.core.security.sanitise import sanitise

__all__ = ["Turns"]

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
SAID_LIMIT = 256 * 1024
TITLE_FROM = 4_000
"""Characters of the first prompt from which a title is made."""


class Turns:
    """The turn of one driver."""

    def __init__(self, core: Core, channel: Channel, talk: Talk) -> None:
        self._core = core
        self._channel = channel
        self._talk = talk

    def begin(self, prompt: Prompt) -> list[Effect]:
        state = self._core.state
        if state.phase != READY:
            raise DriverBusy("the session is not ready")
        if state.prompt_id is not None:
            raise DriverBusy("a turn is running")
        self._talk.end()
        state.prompts += 1
        state.prompt_id, state.cancelling, state.spoken = prompt.id, False, False
        state.prompt_uuid = message_uuid(
            self._core.setup, state.session_id, state.prompts, prompt.id
        )
        state.local_output, state.error_kind, state.begun = "", "", []
        self._core.touch()
        content, left_out = _content(prompt)
        line = user_message(content, state.session_id or "default", state.prompt_uuid)
        effects: list[Effect] = [TurnStarted(prompt.id)]
        effects += [Diagnostic("notice", f"Not sent with the prompt: {what}") for what in left_out]
        effects.append(Send(line))
        if self._wants_title(prompt.text):
            description = prompt.text[:TITLE_FROM]
            title = self._channel.request(
                "generate_session_title", description=description, persist=True
            )
            effects.append(Send(title))
        return effects

    def _wants_title(self, words: str) -> bool:
        """A new conversation is named after its first prompt, as in the program's own terminal."""
        state = self._core.state
        new = state.prompts == 1 and not state.resuming
        return new and bool(words.strip()) and not words.startswith("/")

    def interrupt(self) -> list[Effect]:
        """Stops the turn, what it began in the background, and a prompt that waits inside."""
        core, state = self._core, self._core.state
        if state.prompt_id is None:
            return self._stop_background()
        state.cancelling = True
        core.touch()
        effects: list[Effect] = [Send(self._channel.request("interrupt", cancel_queued=True))]
        for task_id in state.begun:
            effects.append(Send(self._channel.request("stop_task", task_id=task_id)))
        return [*effects, *permissions.close_all(core, "Interrupted", background=False)]

    def _stop_background(self) -> list[Effect]:
        """Without a turn of ours: the sub-agents and commands that run on."""
        core, state = self._core, self._core.state
        if state.phase != READY or not state.tasks:
            return []
        effects: list[Effect] = [
            Send(self._channel.request("stop_task", task_id=task_id)) for task_id in state.tasks
        ]
        return [*effects, *permissions.close_all(core, "Interrupted")]

    def interrupted(self, answer: dict[str, Any]) -> list[Effect]:
        """The answer to the interrupt: a prompt that had not begun has no result."""
        cancelled = answer.get("cancelled")
        return self._dropped(cancelled if isinstance(cancelled, list) else [])

    def lifecycle(self, message: dict[str, Any]) -> list[Effect]:
        """`command_lifecycle`: what became of a message of ours."""
        if message.get("state") in ("cancelled", "discarded"):
            return self._dropped([message.get("command_uuid")])
        return []

    def _dropped(self, uuids: list[Any]) -> list[Effect]:
        state = self._core.state
        if state.prompt_id is None or state.prompt_uuid not in uuids:
            return []
        why = None if state.cancelling else Failure("", "The program dropped the prompt.")
        return self.end("canceled", why)

    def result(self, message: dict[str, Any]) -> list[Effect]:
        """A turn has ended: ours, or one that the program began."""
        self._talk.pause()
        usage = result_seen(self._core, message)
        effects: list[Effect] = []
        aborted = text(message.get("terminal_reason")).startswith("aborted")
        failed = message.get("is_error") is True or message.get("stop_reason") == "refusal"
        if not self._ours(message):
            return self._unasked(message, failed and not aborted)
        if not failed and not self._core.state.spoken:
            effects += self._say_result(message)
        ask_usage = Send(self._channel.request("get_context_usage", detail="summary"))
        if aborted or (failed and self._core.state.cancelling):
            effects += self.end("canceled", self._why_aborted(), usage)
        elif failed:
            effects += self.end("failed", failure_of(self._core, message), usage)
        else:
            effects += self.end("completed", None, usage)
        return [*effects, ask_usage]

    def _ours(self, message: dict[str, Any]) -> bool:
        state, uuids = self._core.state, message.get("user_message_uuids")
        if state.prompt_id is None:
            return False
        if isinstance(uuids, list) and uuids:
            return state.prompt_uuid in uuids
        return not record(message.get("origin"))

    def _why_aborted(self) -> Failure | None:
        if self._core.state.cancelling:
            return None
        return ended_by_itself(self._core)

    def _say_result(self, message: dict[str, Any]) -> list[Effect]:
        """What a slash command printed, where that was not said as a message."""
        words = sanitise(text(message.get("result"))[:SAID_LIMIT]) or self._core.state.local_output
        return [Item(AssistantMessage(text=words))] if words.strip() else []

    def _unasked(self, message: dict[str, Any], failed: bool) -> list[Effect]:
        """The end of a turn that nobody here began: its words are in the timeline already."""
        effects: list[Effect] = []
        if failed:
            failure = failure_of(self._core, message)
            effects.append(Item(ErrorItem(message=failure.error)))
        if self._core.state.prompt_id is None:
            effects += close_calls(self._core, "failed" if failed else "completed")
        return effects

    def end(
        self, outcome: Outcome, failure: Failure | None, usage: Any = None, *, gone: bool = False
    ) -> list[Effect]:
        """Closes what belongs to the turn; `gone`: the process too."""
        core, state = self._core, self._core.state
        reason = why_closed(outcome)
        effects = permissions.close_all(core, reason, tell=not gone, background=gone)
        effects += close_calls(core, "failed" if outcome == "failed" else "canceled")
        again, after = permissions.ask_again(core)
        prompt_id, state.prompt_id = state.prompt_id or "", None
        state.prompt_uuid, state.cancelling, state.error_kind, state.begun = "", False, "", []
        self._talk.pause()
        core.touch()
        end = turn_ended(prompt_id, outcome, failure, usage or usage_now(core))
        return [*effects, *again, end, *after]


def _content(prompt: Prompt) -> tuple[Any, list[str]]:
    """The content of the message, and a word for each thing that could not be sent."""
    blocks, left_out = prompt_blocks(prompt, takes_images=True)
    content: list[dict[str, Any]] = []
    for block in blocks:
        if block["type"] == "text":
            content.append(block)
            continue
        mime, data = block["mimeType"], block["data"]
        source = {"type": "base64", "media_type": mime, "data": data}
        if mime in _IMAGES:
            content.append({"type": "image", "source": source})
        elif mime == "application/pdf":
            content.append({"type": "document", "source": source})
        else:
            left_out.append(f"a file of the kind {mime}: this program takes images and PDF")
    if len(content) == 1 and content[0]["type"] == "text":
        return content[0]["text"], left_out  # the form in which it looks for slash commands
    return content, left_out
