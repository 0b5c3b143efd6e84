"""The chaos: rounds of people and faults at random moments, and a look at everything in between."""

from __future__ import annotations

import contextlib
import json
import random
import time
from dataclasses import dataclass, field

from sereno.core.client.errors import ClientError
from sereno.core.protocol import additions as more
from sereno.core.protocol import requests as wire
from sereno.core.protocol.messages import FetchAgentsResult
from tests.e2e.chaos import faults
from tests.e2e.chaos.house import House
from tests.e2e.chaos.people import Crowd
from tests.e2e.chaos.truths import Facts, violations

__all__ = ["Result", "chaos"]

SETTLE_S = 90.0
SLOW_S = 15.0
LOOK_S = 25.0
"""Seconds in which files and processes that nobody needs are gone, also on a busy machine."""
CANCEL_AFTER_S = 4.0


@dataclass
class Result:
    rounds: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    acts: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    found: list[str] = field(default_factory=list)
    slowest_start: float = 0.0
    slow: list[str] = field(default_factory=list)
    """Faults that took longer than they should, and when."""


def chaos(
    house: House,
    seed: int,
    seconds: float,
    *,
    people: int = 3,
    round_s: float = 6.0,
    leave_out: frozenset[str] = frozenset(),
    only: frozenset[str] = frozenset(),
) -> Result:
    """Goes on for so long, or to the end of the round in which something was violated."""
    chance = random.Random(seed)
    result = Result()
    kinds = {
        fault: weight
        for fault, weight in faults.FAULTS.items()
        if fault.__name__ not in leave_out and (not only or fault.__name__ in only)
    }
    house.ensure()
    crowd = Crowd(house.home, house.work, chance, people)
    over = time.monotonic() + seconds
    try:
        while time.monotonic() < over and not result.found:
            result.rounds += 1
            crowd.go()
            trace = _disturb(house, chance, kinds, min(round_s, over - time.monotonic()), result)
            crowd.rest()
            house.close_windows()
            house.ensure()
            house.forget_children()
            result.found += _settle(house)
            result.found += _look(house, crowd, result)
            if result.found:
                result.found.append(f"faults of the round: {trace}")
            house.wounded.clear()
    finally:
        crowd.end()
    result.acts = crowd.diary.acts
    result.slowest_start = house.slowest_start
    return result


def _disturb(
    house: House,
    chance: random.Random,
    kinds: dict[faults.Fault, int],
    seconds: float,
    result: Result,
) -> list[str]:
    trace = []
    over = time.monotonic() + max(1.0, seconds)
    while time.monotonic() < over:
        time.sleep(chance.choice([0.0, 0.05, 0.3, 0.8]))
        fault = chance.choices(list(kinds), list(kinds.values()))[0]
        name = fault.__name__
        result.faults[name] = result.faults.get(name, 0) + 1
        began, at = time.monotonic(), time.strftime("%H:%M:%S")
        fault(house, chance)
        trace.append(f"{at} {name} {time.monotonic() - began:.1f} s")
        if time.monotonic() - began > SLOW_S:
            result.slow.append(trace[-1])
    return trace


def _settle(house: House) -> list[str]:
    """Until no turn runs but those that wait for an answer; what hangs is stopped, then ended."""
    began = time.monotonic()
    busy: list[str] = []
    while time.monotonic() - began < SETTLE_S:
        spent = time.monotonic() - began
        with contextlib.suppress(ClientError), house.client() as client:
            reply = client.request(
                wire.FetchAgents(
                    request_id="",
                    filter=wire.AgentFilter(include_archived=True),
                    page=wire.Page(limit=200),
                )
            )
            assert isinstance(reply, FetchAgentsResult)
            agents = [entry.agent for entry in reply.entries]
            busy = [
                one.id
                for one in agents
                if one.status in ("running", "initializing") and not one.pending_permissions
            ]
            waiting = _unheld(house)
            if not busy and not waiting:
                return []
            if spent > CANCEL_AFTER_S:
                for agent in busy:
                    client.request(wire.CancelAgent(request_id="", agent_id=agent))
            if spent > 3 * CANCEL_AFTER_S:
                for agent in busy:
                    client.request(more.EndAgent(request_id="", agent_id=agent), 30.0)
        time.sleep(0.15)
    return [f"not settled in {SETTLE_S:g} s: busy {busy}, unheld queues {_unheld(house)}"]


def _unheld(house: House) -> list[str]:
    """Agents whose queue should be on its way, or whose process is between two states."""
    facts = Facts.of(house)
    queued = {agent for agent, state in facts.prompts.values() if state == "queued"}
    return [
        agent
        for agent, record in facts.records.items()
        if (agent in queued and not record["held"] and record["turn"] is None)
        or record["state"] in ("ending", "canceling", "starting")
    ]


def _look(house: House, crowd: Crowd, result: Result) -> list[str]:
    """Looks until everything is true: files and processes go a moment later."""
    deadline = time.monotonic() + LOOK_S
    crowd.diary.deleted |= house.removed
    while True:
        facts = Facts.of(house)
        found = [*violations(house, crowd.diary, facts)]
        if not found or time.monotonic() > deadline:
            break
        time.sleep(0.4)
    result.rows = sum(len(rows) for rows in facts.timelines.values())
    found += crowd.diary.odd + house.odd
    with house.client() as client:
        audit = client.request(more.AuditVerify(request_id=""))
        assert isinstance(audit, more.AuditVerifyResult)
        if not audit.ok:
            found.append(f"the audit does not verify: {audit}")
    return found + _mistakes(house.home.daemon_log.read_text(errors="replace"))


def _mistakes(log: str) -> list[str]:
    """What the daemon did not expect, but for what nobody can do without a descriptor."""
    found = []
    for line in log.splitlines():
        try:
            text = json.loads(line)["text"]
        except ValueError:
            continue  # torn by a full disk
        if "Traceback" in text and "Too many open files" not in text:
            found.append(f"in the log: {text[-2500:]}")
    return found
