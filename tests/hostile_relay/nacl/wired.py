"""The world of the hostile relay (tests/relay_client/nacl/hostile.py) with whole ends in it: the
daemon's connectors, sessions and database, the app's channel, and sockets between.

Each step ends when nothing moves any more, so that one script always does the same. What came of
it is judged in judged.py.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.abc

from sereno.core.protocol.frames import encode_payload
from sereno.core.protocol.messages import RpcError
from sereno.relay_client.connector import dial_client
from sereno.relay_client.endpoints import parse_endpoint
from sereno.relay_client.offer import Offer
from tests.hostile_relay.nacl.held import Held
from tests.hostile_relay.nacl.house import Daemon, daemon
from tests.hostile_relay.nacl.judged import Judged, Line, Owner
from tests.hostile_relay.nacl.phone import Phone
from tests.hostile_relay.nacl.relay import Hands, hands, until
from tests.relay_client.nacl.hostile import Client, Connection, End

__all__ = ["Wired"]

T = TypeVar("T")


class Wired(Judged):
    """`trusting`: a daemon that takes no key for a used one."""

    trusting = False

    def __init__(self) -> None:
        super().__init__()
        self.failed = False
        self._names = itertools.count(1)
        self._folder = tempfile.TemporaryDirectory(prefix="sereno-hostile-")
        self._runner = asyncio.Runner()
        self.run(self._begin())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._runner.get_loop().run_until_complete(work)
        except BaseException:
            self.failed = True
            raise

    # Its beginning and its end

    async def _begin(self) -> None:
        self._relay: Held[Hands] = Held(hands())
        self.hands = await self._relay.begin()
        await self._start()
        made = await self.daemon.house.offer(kind="app", confirm=False)
        assert made.url is not None, made.error
        self._offer = Offer.parse(made.url)

    async def _start(self) -> None:
        self.hands.control = None
        home = Path(self._folder.name) / "home"
        context = daemon(home, self.hands.endpoint, trusting=self.trusting)
        self._running: Held[Daemon] = Held(context)
        self.daemon = await self._running.begin()

    def end(self) -> None:
        """The relay hangs up: then nobody is there any more, and nothing is kept for them."""
        try:
            if not self.failed:
                self.run(self._hang_up_all())
        finally:
            self._runner.get_loop().run_until_complete(self._close())
            self._runner.close()
            self._folder.cleanup()

    async def _hang_up_all(self) -> None:
        for line in self.lines:
            line.end.answered.set()
            line.cut = True
            await line.tap.close()
        sessions = self.daemon.door.sessions
        await until(lambda: not self.daemon.sockets, "the daemon lets go")
        await until(lambda: not sessions._connections, "nobody is connected")
        self.look()

    async def _close(self) -> None:
        await self._running.stop()
        for one in self.owners:
            one.task.cancel()
            one.tap.cut()
        await asyncio.gather(*(one.task for one in self.owners), return_exceptions=True)
        await self._relay.stop()

    # What honest ends do

    def new_client(self) -> Owner:
        return self.run(self._new_client())

    async def _new_client(self) -> Owner:
        before = len(self.hands.clients)
        endpoint = parse_endpoint(self.hands.endpoint)
        socket = await dial_client(endpoint, self._offer.server_id)
        await until(lambda: len(self.hands.clients) > before, "the client arrives")
        phone, tap = Phone(socket, self._offer.public_key), self.hands.clients[-1]
        number = len(self.clients)
        await phone.begin("cid_1", f"0.1.{number}")
        task = asyncio.create_task(phone.run())
        one = Owner(number, phone.public, phone.channel, phone=phone, tap=tap, task=task)
        self._commands[phone.said[-1]] = number
        self.clients.append(one)
        self.owners.append(one)
        await self._settle()
        return one

    def new_connection(self, name: str | None = None) -> Line:
        """Under a name of its own, or under one that there was before."""
        return self.run(self._new_connection(name or f"conn_{next(self._names)}"))

    async def _new_connection(self, name: str) -> Line:
        await until(lambda: self.hands.control is not None, "the daemon is at the relay")
        tap, ends = await self.hands.dialled(name), self.daemon.ends
        await until(lambda: name in ends and not ends[name].over, "the daemon listens")
        line = Line(ends[name].channel._end, name=name, end=ends[name], tap=tap)
        self.connections.append(line)
        self.lines.append(line)
        await self._settle()
        return line

    def command(self, one: Client) -> None:
        self.run(self._command(self.owners[one.number], f"agent-{next(self._names)}"))

    async def _command(self, one: Owner, order: str) -> None:
        self.orders.add(order)
        message = {"type": "cancel_agent_request", "requestId": order, "agentId": order}
        await one.phone.say({"type": "session", "message": message})
        self._commands[one.phone.said[-1]] = one.number
        await self._settle()

    def answer(self, one: Connection) -> None:
        """To everybody who is let in."""
        self.run(self._answer(f"answer-{next(self._names)}"))

    async def _answer(self, name: str) -> None:
        told = RpcError(request_id=name, request_type="", error="", code="")
        self.daemon.door.sessions.tell(encode_payload(told))
        await self._settle()

    def decide(self, one: Connection, *, crash: bool = False) -> None:
        assert isinstance(one, Line)
        if one.claim is not None:
            self.run(self._decide(one, crash))

    async def _decide(self, line: Line, crash: bool) -> None:
        end = line.end
        line.claim = end.claim = None
        end.crashed = crashed = anyio.Event() if crash else None
        end.answered.set()
        if crashed is None:
            await self._settle()
        else:
            await crashed.wait()
            await self._restart()

    def restart(self) -> None:
        self.run(self._restart())

    async def _restart(self) -> None:
        self.look()
        await self._running.stop()
        self.ends += self.daemon.every
        self.connections.clear()
        self.lines.clear()
        await self._start()

    def wait(self, seconds: float) -> None:
        """For the apps alone: what a daemon does in time has its own tests."""
        self.now += seconds
        self.run(self._late())

    async def _late(self) -> None:
        for one in self.owners:
            await one.phone.late(self.now)
        await self._settle()

    # What a relay does

    def bring(self, end: End, frame: str | bytes) -> None:
        self.flood(end, frame, 1)

    def flood(self, end: End, frame: str | bytes, times: int) -> None:
        assert isinstance(end, Line | Owner)
        self.run(self._bring(end, [frame] * times))

    async def _bring(self, end: Line | Owner, brought: list[str | bytes]) -> None:
        for frame in brought:
            if isinstance(end, Line):
                end.received.append(frame)
            await end.tap.say(frame)
        await self._settle()

    def hang_up(self, line: Line, how: str) -> None:
        self.run(self._hang_up(line, how))

    async def _hang_up(self, line: Line, how: str) -> None:
        if how == "say so":  # That meets whoever has the name now.
            newest = self.daemon.ends[line.name]
            [line] = [one for one in self.lines if one.end is newest]
        line.cut = True
        match how:
            case "close":
                await line.tap.close()
            case "cut":
                line.tap.cut()
            case _:
                await self._announce("disconnected", {"connectionId": line.name})
                await until(lambda: line.tap.over, "the daemon hangs up")
        await self._settle()

    def announce(self, kind: str, **fields: Any) -> None:
        """Words of the relay that lead to nothing."""
        self.run(self._announce(kind, fields))

    async def _announce(self, kind: str, fields: dict[str, Any]) -> None:
        await until(lambda: self.hands.control is not None, "the daemon is at the relay")
        await self.hands.announce(kind, **fields)
        await self._settle()

    async def _settle(self) -> None:
        quiet = False
        while not quiet:
            await until(lambda: self.quiet, "it comes to rest")
            await self.daemon.door.sessions.drain(10)
            await anyio.sleep(0)
            quiet = self.quiet
        self.look()
