"""Prints an agent's past and what comes, for `attach` and `logs -f`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sereno.core.client.blocking import SyncClient
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.events import (
    PermissionRequested,
    PermissionResolved,
    StreamEvent,
    TimelineEvent,
    TurnCanceled,
    TurnCompleted,
    TurnFailed,
)
from sereno.core.protocol.messages import AgentStream
from sereno.core.protocol.timeline import Entry
from sereno.core.protocol.values import iso
from sereno.tui.cli import exits
from sereno.tui.cli.app import Output
from sereno.tui.cli.errors import sentence
from sereno.tui.cli.follow import Follower, Position
from sereno.tui.cli.link import connect, find, short
from sereno.tui.cli.output import note, say, wire_json
from sereno.tui.cli.permits import request_lines
from sereno.tui.cli.printer import Printer, kind_of
from sereno.tui.cli.questions import closed_words, how_to_allow
from sereno.tui.cli.tail import last_entries

Line = Callable[[Entry], str]


class LiveWatcher:
    """A Watcher (follow.py) that prints everything and never has enough.

    `line`: how an entry is printed as JSON; None for text. `events`: turns and requests too.
    """

    def __init__(
        self, agent_id: str, kinds: frozenset[str], line: Line | None, *, events: bool
    ) -> None:
        self._agent_id = agent_id
        self._kinds = kinds
        self._line = line
        self._events = events
        self._announced: set[str] = set()
        self.printer = Printer(_write, _write, kinds)

    def row(self, entry: Entry) -> None:
        if self._line is None:
            self.printer.item(entry.item)
        elif kind_of(entry.item) in self._kinds:
            say(self._line(entry))

    def event(self, event: StreamEvent) -> bool:
        if self._events and self._line is not None:
            say(stream_json(self._agent_id, event, _now()))
        elif self._events:
            self._tell(event)
        return False

    def _tell(self, event: StreamEvent) -> None:
        match event:
            case PermissionRequested() if event.request.id not in self._announced:
                self._announced.add(event.request.id)
                self._say("? asks for permission:", *request_lines(event.request, "  "))
                self._say(f"  {how_to_allow(short(self._agent_id), event.request)}")
            case PermissionResolved():
                self._say(f"  {event.request_id} {closed_words(event)}")
            case TurnCompleted():
                self._say("- done")
            case TurnFailed():
                self._say(f"! failed: {event.error}")
            case TurnCanceled():
                self._say(f"- interrupted: {event.reason}")
            case _:
                pass

    def state(self, agent: AgentSnapshot, _seq: int) -> bool:
        if self._events and self._line is None:
            for request in agent.pending_permissions:
                self._tell(PermissionRequested(provider=agent.provider, request=request))
        return False

    def note(self, text: str) -> None:
        self.printer.end()
        note(f"sereno: {sentence(text)}")

    def _say(self, *lines: str) -> None:
        from sereno.tui.cli.text import clean

        for line in lines:
            self.printer.note(clean(line))


def show_live(
    identifier: str,
    tail: int | None,
    kinds: frozenset[str],
    out: Output,
    *,
    events: bool,
    line: Line | None = None,
) -> int:
    """Print the last `tail` entries (None: all), then follow until ctrl+c, the way out."""
    client = connect()
    try:
        agent = find(client, identifier).agent
        if line is None and out.as_json:
            line = _event_line(agent.id)
        entries, position = _past(client, agent.id, tail, line is None)
        watcher = LiveWatcher(agent.id, kinds, line, events=events)
        for entry in entries:
            watcher.row(entry)
        follower = Follower(client, connect, agent.id, watcher, position)
        try:
            follower.run()
        except KeyboardInterrupt:
            watcher.printer.finish()
            if out.plain and sys.stderr.isatty():
                note(f"sereno: left; the agent goes on. `sereno attach {short(agent.id)}`")
        finally:
            client = follower.client
    finally:
        client.close()
    return exits.OK


def _past(
    client: SyncClient, agent_id: str, tail: int | None, joined: bool
) -> tuple[list[Entry], Position]:
    """What to print first, and the position after it; all of it is left to the follower."""
    if tail is None:
        return [], Position()
    return last_entries(client, agent_id, tail, "projected" if joined else "canonical")


def _event_line(agent_id: str) -> Line:
    def line(entry: Entry) -> str:
        event = TimelineEvent(provider=entry.provider, item=entry.item)
        payload = AgentStream(
            agent_id=agent_id, event=event, timestamp=entry.timestamp, seq=entry.seq_end
        )
        return wire_json(payload)

    return line


def stream_json(agent_id: str, event: StreamEvent, at: str) -> str:
    return wire_json(AgentStream(agent_id=agent_id, event=event, timestamp=at))


def _now() -> str:
    import time

    return iso(int(time.time() * 1000))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
