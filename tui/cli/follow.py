"""Follows one agent: every timeline row once and in order, whatever happens to the connection.

Rows come as pushes; where their numbers jump, or after a new connection, the missing ones are
fetched by cursor. What to do with rows and events, and when to stop, is the caller's (Watcher).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ConnectionLost, NoDaemon
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.events import StreamEvent, TimelineEvent
from sereno.core.protocol.frames import CloseCode
from sereno.core.protocol.messages import AgentRemoved, AgentStream, TimelinePage
from sereno.core.protocol.requests import FetchTimeline
from sereno.core.protocol.timeline import Cursor, Entry, SeqRange
from sereno.core.protocol.values import Wire, given
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import elsewhere, fetch

PAGE = 500
SILENCE_S = 5.0
"""After so long without a message the agent's state is asked for: an event may have been lost
with a connection, and then nothing would ever come."""
RECONNECT_S = 15.0
REMOTE_RECONNECT_S = 300.0
STEP_S = 0.1
LONGEST_STEP_S = 3.0
AWAY = "the daemon went away; waiting for it to come back"


class Watcher(Protocol):
    """What the caller does with what happens."""

    def row(self, entry: Entry) -> None:
        """The next row of the timeline, in order."""

    def event(self, event: StreamEvent) -> bool:
        """Anything but a row: turns, requests for permission. True: ask for the state at once."""

    def state(self, agent: AgentSnapshot, seq: int) -> bool:
        """The agent as it was when the rows up to `seq` had been given; True: that is enough.

        Called at the beginning, after a new connection, after silence and when `event` asks.
        """

    def note(self, text: str) -> None:
        """A word about the connection."""


@dataclass
class Position:
    """The last row that was given to the watcher; seq 0 before the first."""

    epoch: str = ""
    seq: int = 0


class Follower:
    """One following. `connect` opens a new connection after the first one was lost."""

    def __init__(
        self,
        client: SyncClient,
        connect: Callable[[], SyncClient],
        agent_id: str,
        watcher: Watcher,
        position: Position,
        deadline: float | None = None,
    ) -> None:
        """`deadline`: of time.monotonic()."""
        self._deadline = deadline
        self._lost_at: float | None = None
        self.client = client
        self._connect = connect
        self._agent_id = agent_id
        self._watcher = watcher
        self.position = position

    def run(self) -> bool:
        """Until the watcher has enough; False when the time is over before that.

        Raises CliError for an agent that is gone, ConnectionLost for a daemon that stays away.
        """
        while True:
            try:
                return self._run_once()
            except ConnectionLost as error:
                if not self._reconnect(error):
                    return False

    def _run_once(self) -> bool:
        self.catch_up()
        if self._enough():
            return True
        while (wait := self._patience()) > 0:
            push = self.client.next_push(wait)
            if (push is None or self._take(push)) and self._enough():
                return True
        return False

    def _patience(self) -> float:
        if self._deadline is None:
            return SILENCE_S
        return min(SILENCE_S, self._deadline - time.monotonic())

    def _enough(self) -> bool:
        """Ask for the state, give everything that happened before the answer, and let the watcher
        judge. Rows are fetched too: some may have been dropped for a slow reader."""
        seq = self.position.seq
        agent = self._now()
        while (push := self.client.next_push(0.0)) is not None:
            self._take(push)
        self.catch_up()
        return self._watcher.state(agent, seq)

    def _take(self, push: Wire) -> bool:
        self._lost_at = None
        match push:
            case AgentStream() if push.agent_id == self._agent_id:
                if not isinstance(push.event, TimelineEvent):
                    return self._watcher.event(push.event)
                self._row(push, push.event)
            case AgentRemoved() if push.agent_id == self._agent_id:
                raise self._gone()
            case _:
                pass
        return False

    def _row(self, push: AgentStream, event: TimelineEvent) -> None:
        seq, epoch = given(push.seq, 0), given(push.epoch, "")
        if seq == 0:
            return  # Live only: it is part of no timeline, so it cannot be given once.
        here = self.position
        if epoch == here.epoch and seq <= here.seq:
            return
        if epoch != here.epoch or seq != here.seq + 1:
            self.catch_up()
            return
        here.seq = seq
        self._watcher.row(
            Entry(
                provider=event.provider,
                item=event.item,
                timestamp=push.timestamp,
                seq_start=seq,
                seq_end=seq,
                source_seq_ranges=[SeqRange(start_seq=seq, end_seq=seq)],
                collapsed=[],
            )
        )

    def catch_up(self) -> None:
        """Fetch and give every row after the position."""
        while True:
            page = self._page()
            for entry in page.entries:
                self._watcher.row(entry)
            if page.epoch != self.position.epoch:
                self.position = Position(page.epoch, 0)
            if page.end_cursor is not None:
                self.position.seq = page.end_cursor.seq
            if not page.has_newer or not page.entries:
                return

    def _page(self) -> TimelinePage:
        here = self.position
        request = FetchTimeline(
            request_id="",
            agent_id=self._agent_id,
            direction="after",
            limit=PAGE,
            projection="canonical",
        )
        if here.epoch:
            request.cursor = Cursor(epoch=here.epoch, seq=here.seq)
        page = self.client.request(request)
        assert isinstance(page, TimelinePage)
        if page.error is not None:
            raise CliError("unknown_agent", page.error, "`sereno ls -a -g` lists all agents")
        if page.reset and here.epoch:
            self._watcher.note("the timeline began anew; this is its end")
        return page

    def _now(self) -> AgentSnapshot:
        agent = fetch(self.client, self._agent_id)
        if agent is None:
            raise self._gone()
        return agent

    def _gone(self) -> CliError:
        return CliError(
            "unknown_agent", "the agent was deleted", "`sereno ls -a -g` lists the rest"
        )

    def _reconnect(self, lost: ConnectionLost) -> bool:
        """A daemon that is handed over or restarted is back in a moment, a network takes longer;
        the agent goes on. False when the caller's time is over."""
        self.client.close()
        if self._lost_at is None:
            self._lost_at = time.monotonic()
            if lost.close_code != CloseCode.TOO_SLOW:
                self._watcher.note(AWAY)
        step = STEP_S
        end = self._lost_at + (REMOTE_RECONNECT_S if elsewhere() else RECONNECT_S)
        while (now := time.monotonic()) < end:
            if self._deadline is not None and now >= self._deadline:
                return False
            try:
                self.client = self._connect()
            except (NoDaemon, ConnectionLost):
                time.sleep(step)
                step = min(step * 1.5, LONGEST_STEP_S) if elsewhere() else STEP_S
            else:
                return True
        raise lost
