"""A step in the making: all that one batch of frames or one command changes, collected.

The agent fills it (life.py, agent.py), the store writes it whole, and only then are its news
published and its writes sent. Pure: it is given the time and touches nothing outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from sereno.core.agents.news import EventNews, News, PayloadNews, Picture, RowNews, StateNews
from sereno.core.agents.record import AgentRecord, encode
from sereno.core.agents.requests import OpenRequest, opened
from sereno.core.agents.states import Event, after
from sereno.core.protocol.events import StreamEvent
from sereno.core.protocol.permissions import PermissionRequest, PermissionResponse
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Reasoning,
    TimelineItem,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.values import Wire
from sereno.core.store.agents import Progress
from sereno.core.store.audit import Entry
from sereno.core.store.logs import NewLine
from sereno.core.store.prompts import Change, PromptRow, PromptState
from sereno.core.store.requests import ClosedState, Closing
from sereno.core.store.steps import StepRows
from sereno.core.store.timeline import Row
from sereno.core.store.writes import Intent

__all__ = ["Base", "Step"]

ROW_TEXT_LIMIT = 32_768
"""Characters after which merged text begins a new row."""
ROWS_A_STEP = 200
SPEECH_KEPT = 600
LOG_LINES_A_STEP = 200

_VOICES = (AssistantMessage, Reasoning)
_json = msgspec.json.Encoder()


class Base(msgspec.Struct, frozen=True):
    """What is committed of an agent, and therefore true."""

    record: AgentRecord
    progress: Progress
    requests: tuple[OpenRequest, ...] = ()
    queue: tuple[PromptRow, ...] = ()
    current: PromptRow | None = None
    """The prompt whose turn runs."""
    speech: str = ""

    @property
    def picture(self) -> Picture:
        return Picture(self.record, self.progress.run, self.requests, self.queue, self.speech)


class _Text:
    """Chunks of one voice that become one row."""

    __slots__ = ("at_ms", "kind", "length", "parts", "seq")

    def __init__(self, kind: type[AssistantMessage | Reasoning], seq: int, at_ms: int) -> None:
        self.kind = kind
        self.seq = seq
        self.at_ms = at_ms
        self.parts: list[str] = []
        self.length = 0

    def row(self) -> Row:
        return Row(self.seq, self.at_ms, _json.encode(self.kind(text="".join(self.parts))))


class Step:
    """One step behind `base`. `now_ms` grows with what the step takes in."""

    def __init__(self, base: Base, now_ms: int) -> None:
        self.base = base
        self.now_ms = now_ms
        self.record = base.record
        self.position = base.progress.position
        self.run = base.progress.run
        self.next_write = base.progress.next_write
        self.next_seq = base.progress.next_seq
        self.fresh_run = False
        self._nobody = False
        self.requests = base.requests
        self.queue = base.queue
        self.current = base.current
        self.speech = base.speech
        self.intents: list[Intent] = []
        self.urgent = False
        """Something here must not wait for the window in which rows are gathered."""
        self._news: list[News | _Text] = []
        self._text: _Text | None = None
        self._confirmed: list[int] = []
        self._asked: dict[str, tuple[str, bytes, int]] = {}
        self._closings: list[Closing] = []
        self._new_prompts: list[PromptRow] = []
        self._first_prompts: list[PromptRow] = []
        self._prompt_changes: dict[str, PromptState] = {}
        self._log: list[NewLine] = []
        self._log_dropped = 0
        self._audit: list[Entry] = []

    # What it changes --------------------------------------------------------------------------

    def set(self, **changes: Any) -> None:
        """Replaces fields of the record."""
        self.record = msgspec.structs.replace(self.record, **changes)

    def move(self, event: Event) -> bool:
        """Takes a transition of the table; False, and a line in the log, where there is none."""
        state = after(self.record.state, event)
        if state is None:
            self.log(
                "warn", "agent", f"{event.value} has no meaning while {self.record.state.value}"
            )
            return False
        self.set(state=state, since_ms=self.now_ms)
        return True

    def begin_run(self) -> None:
        """A new process: its journal begins at 0, its writes at 1; nothing is left of the old."""
        self.run += 1
        self.position = 0
        self.next_write = 1
        self.fresh_run = True
        self._nobody = False
        self.intents.clear()

    def forget_run(self) -> None:
        """The process is gone: nobody is left to tell anything."""
        self.fresh_run = True
        self._nobody = True
        self.intents.clear()

    def send(self, data: bytes) -> None:
        if self._nobody:
            return
        self.intents.append(Intent(self.next_write, data))
        self.next_write += 1
        self.urgent = True

    def confirm(self, write_id: int) -> None:
        self._confirmed.append(write_id)

    def ask(self, request: PermissionRequest, at_ms: int) -> OpenRequest:
        """Requests are told apart by age: later ones are never older, whatever the clock does."""
        at_ms = max(at_ms, *(one.asked_ms + 1 for one in self.requests), 0)
        asked = opened(request, at_ms, self.record.reported.takes_words)
        self.requests = (*self.requests, asked)
        self._asked[request.id] = (request.id, _json.encode(asked.request), at_ms)
        return asked

    def close_request(
        self, request_id: str, state: ClosedState, response: PermissionResponse, by: str
    ) -> bool:
        """False where it is not open."""
        rest = tuple(one for one in self.requests if one.request.id != request_id)
        if len(rest) == len(self.requests):
            return False
        self.requests = rest
        encoded = _json.encode(response)
        self._closings.append(Closing(request_id, state, encoded, by, self.now_ms))
        return True

    def enqueue(self, prompt: PromptRow, *, first: bool) -> None:
        (self._first_prompts if first else self._new_prompts).append(prompt)
        self.queue = (prompt, *self.queue) if first else (*self.queue, prompt)

    def unqueue(self, prompt: PromptRow, state: PromptState) -> None:
        """Takes a prompt out of the queue, to be sent or to be given back."""
        self.queue = tuple(one for one in self.queue if one.id != prompt.id)
        self._prompt_changes[prompt.id] = state
        if state == "sent":
            self.current = prompt

    def finish_prompt(self, state: PromptState) -> None:
        if self.current is not None:
            self._prompt_changes[self.current.id] = state
            self.current = None

    def log(self, level: str, area: str, text: str, at_ms: int | None = None) -> None:
        """A line for the agent's log; of a flood only the last lines of each step are kept."""
        self._log.append(NewLine(self.now_ms if at_ms is None else at_ms, level, area, text))
        if len(self._log) > 2 * LOG_LINES_A_STEP:
            self._log_dropped += len(self._log) - LOG_LINES_A_STEP
            del self._log[:-LOG_LINES_A_STEP]

    def audit(self, actor: str, action: str, **details: Any) -> None:
        text = _json.encode(details).decode()
        self._audit.append(Entry(self.now_ms, actor, action, self.record.id, text))

    # What it tells ----------------------------------------------------------------------------

    def add_item(self, item: TimelineItem, at_ms: int, *, delta: bool = False) -> None:
        """A timeline row; a delta joins the row before it, if nothing came between them."""
        if isinstance(item, _VOICES):
            if item.text:
                self._add_text(type(item), item.text, at_ms, delta=delta)
            return
        self._text = None
        if isinstance(item, ToolCall):
            self.speech = f"{item.name}\n"
        elif isinstance(item, UserMessage):
            self.speech = ""
        self._news.append(RowNews(Row(self.next_seq, at_ms, _json.encode(item))))
        self.next_seq += 1

    def _add_text(
        self, kind: type[AssistantMessage | Reasoning], text: str, at_ms: int, *, delta: bool
    ) -> None:
        open_text = self._text
        joins = delta and open_text is not None and open_text.kind is kind
        if open_text is None or not joins or open_text.length + len(text) > ROW_TEXT_LIMIT:
            open_text = _Text(kind, self.next_seq, at_ms)
            self.next_seq += 1
            self._news.append(open_text)
        open_text.parts.append(text)
        open_text.length += len(text)
        self._text = open_text if delta else None
        if kind is AssistantMessage:
            gap = "" if delta else "\n"
            self.speech = f"{self.speech}{gap}{text}"[-SPEECH_KEPT:]

    def say_state(self) -> None:
        """Tells clients how the agent stands now; `updatedAt` strictly grows (wire 6.2.2)."""
        self.set(updated_ms=max(self.now_ms, self.record.updated_ms + 1))
        picture = Picture(self.record, self.run, self.requests, self.queue, self.speech)
        if self._news and isinstance(self._news[-1], StateNews):
            self._news.pop()
        self._tell(StateNews(picture))

    def say_event(self, event: StreamEvent) -> None:
        self._tell(EventNews(event, self.now_ms))

    def say(self, payload: Wire) -> None:
        self._tell(PayloadNews(payload))

    def _tell(self, news: News) -> None:
        self._text = None
        self._news.append(news)
        self.urgent = True

    # What becomes of it -----------------------------------------------------------------------

    def finish(self, driver: Callable[[], bytes | None]) -> tuple[StepRows, Base, list[News]]:
        """The step as rows, what is true once they are committed, and what to publish then.

        `driver` gives the driver's snapshot, and the same object while it has not changed.
        """
        news = [RowNews(one.row()) if isinstance(one, _Text) else one for one in self._news]
        old = self.base.progress
        new = Progress(self.run, self.position, self.next_write, self.next_seq, driver())
        rows = StepRows(
            agent=self.record.id,
            old=old,
            new=new,
            at_ms=self.now_ms,
            record=None if self.record is self.base.record else encode(self.record),
            rows=tuple(one.row for one in news if isinstance(one, RowNews)),
            intents=tuple(self.intents),
            confirmed=tuple(self._confirmed),
            forget_intents=self.fresh_run,
            asked=tuple(self._asked.values()),
            closings=tuple(self._closings),
            new_prompts=tuple(self._new_prompts),
            first_prompts=tuple(self._first_prompts),
            prompt_changes=tuple(Change(*pair) for pair in self._prompt_changes.items()),
            log_lines=self._log_lines(),
            audit=tuple(self._audit),
        )
        base = Base(self.record, new, self.requests, self.queue, self.current, self.speech)
        return rows, base, news

    def _log_lines(self) -> tuple[NewLine, ...]:
        kept = self._log[-LOG_LINES_A_STEP:]
        dropped = self._log_dropped + len(self._log) - len(kept)
        if not dropped:
            return tuple(kept)
        note = NewLine(kept[0].at_ms, "warn", "agent", f"… {dropped} lines left out")
        return (note, *kept)

    @property
    def large(self) -> bool:
        """Enough to be committed by itself, so that a step stays small."""
        return len(self._news) >= ROWS_A_STEP
