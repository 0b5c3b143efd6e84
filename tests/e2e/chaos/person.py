"""One person of the chaos test, and everything that they may want of an agent.

A prompt has a token of its own, so that it is found again wherever it went.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ConnectionLost, NoDaemon, RpcError
from sereno.core.home import Home
from sereno.core.protocol import additions as more
from sereno.core.protocol import requests as wire
from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.values import UNSET
from tests.e2e.chaos.diary import Diary, Sent

__all__ = ["Person"]

MOST_AGENTS = 6
_NOT_YET = (ConnectionLost, NoDaemon)


class Person:
    """Acts when told to, by chance; what the daemon answers goes into the diary."""

    def __init__(
        self,
        home: Home,
        work: Path,
        chance: random.Random,
        diary: Diary,
        numbers: itertools.count[int],
    ) -> None:
        self._home, self._work = home, work
        self._chance, self._diary, self._numbers = chance, diary, numbers
        self._client: SyncClient | None = None
        self._tries: list[tuple[Callable[[], None], int]] = [
            (self._send, 40),
            (self._answer, 40),
            (self._take_back, 8),
            (self._stop, 7),
            (self._end, 5),
            (self._park, 4),
            (self._archive, 3),
            (self._unarchive, 3),
            (self._delete, 2),
            (self._create, 10),
            (self._mode, 3),
            (self._rename, 2),
            (self._look, 10),
        ]

    def act(self) -> None:
        acts, weights = zip(*self._tries, strict=True)
        chosen = self._chance.choices(acts, weights)[0]
        self._diary.count(chosen.__name__)
        chosen()

    def stumble(self, error: Exception) -> None:
        if isinstance(error, RpcError) and error.code in ("internal", "failed"):
            self._diary.odd.append(f"{error.code}: {error}")
        if not isinstance(error, RpcError):
            self.leave()

    def leave(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def client(self) -> SyncClient:
        if self._client is None:
            self._client = SyncClient.open(self._home, timeout_s=2.0)
        return self._client

    def _request(self, message: Any) -> Any:
        try:
            return self.client.request(message, 20.0)
        except ConnectionLost:
            self.leave()
            raise

    def agents(self, *, archived: bool = False) -> list[Any]:
        reply = self._request(wire.FetchAgents(request_id="", page=wire.Page(limit=200)))
        found = [entry.agent for entry in reply.entries]
        return [one for one in found if archived or one.archived_at in (UNSET, None)]

    def _one(self, *, archived: bool = False) -> Any:
        found = self.agents(archived=archived)
        return self._chance.choice(found) if found else None

    # Acts

    def _new_prompt(self, agent: str) -> Sent:
        number = next(self._numbers)
        token = f"p{number:06d}"
        one = Sent(token, agent, f"m-{token}", f"think {token}\n{self._task(token)}")
        self._diary.prompts[token] = one
        return one

    def _task(self, token: str) -> str:
        many, few = self._chance.randint(20, 400), self._chance.randint(2, 40)
        return self._chance.choice(
            [
                f"stream {many} tools every 5ms",
                f"stream {many} tools every 1ms",
                f"stream {many} events of 80 bytes every 4ms",
                f"stream {many * 20} events of 60 bytes",
                f"stream {few} tools every 50ms",
                f"run echo {token} >> ran",
                f"run echo {token} >> ran; sleep 0.3",
                f"run (sleep 300 >/dev/null 2>&1 &) ; echo {token} >> ran",
                f"run setsid sleep 300 >/dev/null 2>&1 & echo {token} >> ran",
                f"ask may I {token}",
                f"edit file-{token}",
                "wait 300ms",
                "wait 1s",
                "fail",
                "fail rate",
                "crash",
                "cut",
                "garbage 3",
                "half",
                "flood 300",
                f"stream {few} tools every 5ms\ncrash",
                f"stream {few} events of 40 bytes every 5ms\ncut",
                "hang",
                "show",
            ]
        )

    def _send(self) -> None:
        agent = self._one()
        if agent is None:
            return
        one = self._new_prompt(agent.id)
        now = self._chance.random() < 0.15
        self._until_told(
            one,
            lambda: wire.SendMessage(
                request_id="",
                agent_id=one.agent,
                text=one.text,
                message_id=one.message_id,
                delivery="interrupt" if now else UNSET,
            ),
        )

    def _until_told(self, one: Sent, message: Callable[[], Any]) -> None:
        """Sends it, and most of the time again after a lost connection, as clients do."""
        one.outcome = "unknown"
        patience = self._chance.choice([0, 3, 3, 3])
        while True:
            try:
                reply = self._request(message())
            except RpcError as error:
                one.outcome = f"refused: {error.code}"
                if error.code == "timeout":
                    one.outcome = "unknown"
                self.stumble(error)
                return
            except _NOT_YET:
                if not patience:
                    return
                patience -= 1
                time.sleep(0.3)
                continue
            ok = reply.accepted
            one.outcome = "ok" if ok else f"refused: {reply.error}"
            return

    def _create(self) -> None:
        if len(self.agents()) >= MOST_AGENTS:
            return
        one = self._new_prompt("")
        place = self._work / self._chance.choice("abcd")
        place.mkdir(exist_ok=True)
        one.outcome = "unknown"
        config = wire.AgentConfig(provider="demo", cwd=str(place))
        reply = self._request(
            wire.CreateAgent(
                request_id="",
                config=config,
                initial_prompt=one.text,
                client_message_id=one.message_id,
            )
        )
        agent = getattr(reply, "agent", None)
        if agent is None:
            one.outcome = f"refused: {getattr(reply, 'error', '')}"
            return
        one.agent, one.outcome = agent.id, "ok"
        self._diary.created.add(agent.id)

    def _answer(self) -> None:
        reply = self._request(more.ListRequests(request_id=""))
        if not reply.entries:
            return
        entry = self._chance.choice(reply.entries)
        allow = self._chance.random() < 0.6
        self._diary.answers.append((entry.agent_id, entry.request.id, "allow" if allow else "deny"))
        stop = True if self._chance.random() < 0.2 else UNSET
        answer = wire.PermissionAnswer(
            agent_id=entry.agent_id,
            request_id=entry.request.id,
            response=Allow() if allow else Deny(message="no", interrupt=stop),
        )
        self.client.send(answer)
        if self._chance.random() < 0.2:
            self.client.send(answer)
        if self._chance.random() < 0.3:
            self.leave()
        else:
            self._request(wire.Ping(request_id=""))

    def _take_back(self) -> None:
        agent = self._one()
        if agent is None:
            return
        reply = self._request(more.TakeBackPrompt(request_id="", agent_id=agent.id))
        if reply.text is not None:
            sent = self._diary.prompts.get(reply.text.split()[1])
            if sent is not None:  # else it was sent by a fault, of which nobody keeps a diary
                sent.taken_back = True

    def _stop(self) -> None:
        if agent := self._one():
            self._request(wire.CancelAgent(request_id="", agent_id=agent.id))

    def _end(self) -> None:
        if agent := self._one():
            reply = self._request(more.EndAgent(request_id="", agent_id=agent.id))
            self._diary.ended.append((agent.id, reply.verified, reply.remaining))

    def _park(self) -> None:
        if agent := self._one():
            self._request(more.ParkAgent(request_id="", agent_id=agent.id))

    def _archive(self) -> None:
        if agent := self._one():
            self._request(wire.ArchiveAgent(request_id="", agent_id=agent.id))

    def _unarchive(self) -> None:
        if agent := self._one(archived=True):
            self._request(more.UnarchiveAgent(request_id="", agent_id=agent.id))

    def _delete(self) -> None:
        if agent := self._one(archived=True):
            self._diary.deleted.add(agent.id)
            self._request(wire.DeleteAgent(request_id="", agent_id=agent.id))
            self._diary.gone.add(agent.id)

    def _mode(self) -> None:
        if agent := self._one():
            mode = self._chance.choice(["ask", "accept-edits"])
            self._request(wire.SetAgentMode(request_id="", agent_id=agent.id, mode_id=mode))

    def _rename(self) -> None:
        if agent := self._one():
            name = f"name {next(self._numbers)}"
            self._request(wire.UpdateAgent(request_id="", agent_id=agent.id, name=name))

    def _look(self) -> None:
        if agent := self._one(archived=True):
            self._request(wire.FetchTimeline(request_id="", agent_id=agent.id, limit=50))
