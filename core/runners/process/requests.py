"""What a daemon may ask of a runner, and how it is answered. One handler per kind of frame.

Only one daemon is attached at a time: a newer one replaces the older, which may be stuck. Kinds
that are not known are ignored, so that a later daemon may say more than this runner understands.
"""

from __future__ import annotations

import time

from sereno.core.runners.process.agent import Agent
from sereno.core.runners.process.client import Client
from sereno.core.runners.process.ending import Stage
from sereno.core.runners.process.recorder import Recorder
from sereno.core.runners.process.wire import (
    GREETING,
    MAGIC,
    OFFSET,
    PROTOCOL_NEWEST,
    PROTOCOL_OLDEST,
    WRITE_WINDOW,
    Kind,
    RawFrame,
)


class Requests:
    """The one attached daemon, and what it asked for."""

    def __init__(self, agent: Agent, recorder: Recorder, record: str) -> None:
        self.daemon: Client | None = None
        self.leave = False
        """The runner goes as soon as the agent's exit is recorded, acknowledged or not."""
        self._agent = agent
        self._recorder = recorder
        self._record = record
        self._end_asked = False
        self._told = ""

    def handle(self, client: Client, raw: RawFrame) -> None:
        kind, _, _, data, _ = raw
        if kind == Kind.HELLO:
            self._hello(client, data)
        elif not client.attached:
            self.refuse(client, "hello", "the first frame is no hello")
        else:
            self._attached(client, kind, data)

    def _attached(self, client: Client, kind: int, data: bytes) -> None:
        match kind:
            case Kind.WRITE:
                self._write(client, data)
            case Kind.ACKNOWLEDGE:
                self._recorder.acknowledge(min(OFFSET.unpack_from(data)[0], client.offset))
            case Kind.END:
                self._end_asked = True
                self._agent.ask_end(time.monotonic(), OFFSET.unpack_from(data)[0] / 1000)
            case Kind.LEAVE:
                self.leave = True

    def gone(self, client: Client) -> None:
        if client is self.daemon:
            self.daemon = None
            self._end_asked = False

    def answer_due(self) -> None:
        """Say what the daemon waits for: that everything has ended, that the agent is held."""
        daemon = self.daemon
        if daemon is None:
            return
        reported = self._agent.alone or self._agent.ending.stage is Stage.REPORTED
        if self._end_asked and reported:
            self._end_asked = False
            daemon.answer(Kind.ENDED, f'{{"remaining":{self._agent.remaining()}}}'.encode())
        if self._told != self._recorder.stalled:
            self._told = self._recorder.stalled
            daemon.answer(Kind.STALLED, self._told.encode())

    def _hello(self, client: Client, data: bytes) -> None:
        journal = self._recorder.journal
        if client.attached or len(data) < GREETING.size or not data.startswith(MAGIC):
            return self.refuse(client, "hello", "this is no greeting of Sereno")
        _, oldest, newest, offset = GREETING.unpack_from(data)
        version = min(newest, PROTOCOL_NEWEST)
        if version < max(oldest, PROTOCOL_OLDEST):
            return self.refuse(client, "version", f"{PROTOCOL_OLDEST}-{PROTOCOL_NEWEST}")
        if not journal.first <= offset <= journal.end:
            return self.refuse(client, "offset", f"{journal.first}-{journal.end}")
        if self.daemon is not None and self.daemon is not client:
            self.daemon.answer(Kind.REPLACED)
            self.daemon.detach(time.monotonic())
        self.daemon = client
        self._end_asked = False
        self._told = self._recorder.stalled
        client.attach(offset)
        client.answer(Kind.WELCOME, self._welcome(version).encode())
        return None

    def _welcome(self, version: int) -> str:
        journal, agent = self._recorder.journal, self._agent
        return (
            f'{{"protocol":{version},"first":{journal.first},"end":{journal.end},'
            f'"acknowledged":{journal.acknowledged},"accepted":{agent.input.accepted},'
            f'"pending":{agent.input.pending_bytes},"stalled":"{self._told}",'
            f'"exited":{"true" if agent.exited else "false"},"record":{self._record}}}'
        )

    def _write(self, client: Client, data: bytes) -> None:
        write_id, content = OFFSET.unpack_from(data)[0], data[OFFSET.size :]
        pending = self._agent.input.pending_bytes
        if pending and pending + len(content) > WRITE_WINDOW:
            return self.refuse(client, "window", "more was written than may be under way")
        return self._agent.write(write_id, content)

    def refuse(self, client: Client, code: str, detail: str) -> None:
        """Say why, and listen no more."""
        self.gone(client)
        client.answer(Kind.REFUSED, f"{code}:{detail}".encode())
        client.detach(time.monotonic())
