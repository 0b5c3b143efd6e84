"""What must be true whenever things are quiet, looked up in the database, the processes, the files
and in what the agent programs wrote down themselves. Each violation is one sentence.
"""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.chaos.diary import Diary, Sent
from tests.e2e.chaos.house import House

__all__ = ["Facts", "violations"]

ALIVE = frozenset({"starting", "idle", "running", "canceling", "failed", "ending"})
TOKEN = re.compile(r"think (p\d{6})\b")
LINE = re.compile(r"^(\d{6}) x+$", re.MULTILINE)
TEMPORARY = 6
"""Files that a killed daemon did not finish, of which some may wait for the next start."""


@dataclass
class Facts:
    """One look at everything."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    next_seq: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    timelines: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    prompts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Token to agent and state."""
    requests: list[tuple[str, str, dict[str, Any], str, Any]] = field(default_factory=list)
    writes: Counter[str] = field(default_factory=Counter)
    logs: dict[str, str] = field(default_factory=dict)
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, house: House) -> Facts:
        facts = cls()
        uri = f"file:{house.home.database}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=20)
        connection.execute("BEGIN")
        try:
            facts._read(connection)
        finally:
            connection.close()
        told = defaultdict(list)
        if house.demo_log.exists():
            for line in house.demo_log.read_text().splitlines():
                entry = json.loads(line)
                told[entry["event"]].append(entry)
        facts.told = dict(told)
        return facts

    def _read(self, db: sqlite3.Connection) -> None:
        for agent, record in db.execute("SELECT id, record FROM agents"):
            self.records[agent] = json.loads(record)
            self.timelines[agent] = []
        for agent, run, number in db.execute("SELECT agent, run, next_seq FROM progress"):
            self.next_seq[agent], self.runs[agent] = number, run
        for agent, seq, item in db.execute("SELECT agent, seq, item FROM timeline ORDER BY seq"):
            self.timelines.setdefault(agent, []).append((seq, json.loads(item)))
        for agent, text, state in db.execute("SELECT agent, text, state FROM prompts"):
            if found := TOKEN.match(text):
                self.prompts[found.group(1)] = (agent, state)
        rows = db.execute("SELECT agent, id, request, state, response FROM requests")
        self.requests = [
            (agent, one, json.loads(request), state, None if said is None else json.loads(said))
            for agent, one, request, state, said in rows
        ]
        self.writes = Counter(agent for (agent,) in db.execute("SELECT agent FROM writes"))
        logs = db.execute("SELECT agent, group_concat(text, char(10)) FROM log GROUP BY agent")
        self.logs = dict(logs)


def violations(house: House, diary: Diary, facts: Facts) -> Iterator[str]:
    """All that is wrong."""
    yield from _numbers(facts)
    yield from _streams(house, facts)
    yield from _prompts(diary, facts)
    yield from _requests(diary, facts)
    yield from _commands(house, facts)
    yield from _processes(house, facts)
    yield from _deleted(diary, facts)
    yield from _files(house, facts)


def _numbers(facts: Facts) -> Iterator[str]:
    for agent, rows in facts.timelines.items():
        seqs = [seq for seq, _ in rows]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"{agent}: the numbers of its rows have gaps or repeat"
        if agent not in facts.records:
            yield f"{agent}: rows of no agent"
        elif facts.next_seq[agent] != len(seqs) + 1:
            yield f"{agent}: the next number is {facts.next_seq[agent]}, there are {len(seqs)} rows"


def sections(rows: list[tuple[int, dict[str, Any]]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each prompt's token with the rows behind it."""
    token = ""
    held: list[dict[str, Any]] = []
    for _, item in rows:
        if item["type"] == "user_message":
            if token:
                yield token, held
            found = TOKEN.match(item["text"])
            token, held = found.group(1) if found else "", []
        else:
            held.append(item)
    if token:
        yield token, held


def numbers_of(items: list[dict[str, Any]]) -> list[int]:
    """What of a stream is there: from tool calls, or from the joined text."""
    found = []
    text = ""
    for item in items:
        if item["type"] == "tool_call":
            label = str(item["detail"].get("label", ""))
            if label.startswith("event "):
                found.append(int(label[6:]))
        elif item["type"] == "assistant_message":
            text += item["text"]
    return found or [int(one) for one in LINE.findall(text)]


def _streams(house: House, facts: Facts) -> Iterator[str]:
    said: dict[str, int] = {}
    for entry in facts.told.get("said", ()):
        said[entry["token"]] = max(said.get(entry["token"], 0), entry["upto"])
    for agent, rows in facts.timelines.items():
        for token, items in sections(rows):
            numbers = numbers_of(items)
            if numbers != list(range(1, len(numbers) + 1)):
                wrong = next((at for at, n in enumerate(numbers, 1) if n != at), len(numbers))
                around = numbers[max(0, wrong - 4) : wrong + 4]
                yield f"{agent} {token}: its stream is broken at {wrong}: {around}"
            missing = said.get(token, 0) - len(numbers)
            if agent in house.wounded or "too much to read" in (facts.logs.get(agent) or ""):
                house.excused.add(token)
            if missing > 0 and token not in house.excused:
                yield f"{agent} {token}: said {said[token]}, stored {len(numbers)}"


def _prompts(diary: Diary, facts: Facts) -> Iterator[str]:
    delivered = Counter(
        found.group(1)
        for entry in facts.told.get("prompt", ())
        if (found := TOKEN.match(entry["text"]))
    )
    shown: Counter[str] = Counter()
    for rows in facts.timelines.values():
        shown.update(token for token, _ in sections(rows))
    for token, count in delivered.items():
        if count > 1:
            yield f"{token}: delivered {count} times"
    for token, count in shown.items():
        if count > 1:
            yield f"{token}: shown {count} times"
    for one in diary.prompts.values():
        yield from _prompt(one, facts, delivered[one.token], shown[one.token], diary)


def _prompt(one: Sent, facts: Facts, delivered: int, shown: int, diary: Diary) -> Iterator[str]:
    if one.agent in diary.deleted:
        return
    agent, state = facts.prompts.get(one.token, ("", "nothing"))
    name = f"{one.token} ({one.outcome}, {state}, agent {agent or one.agent})"
    if state == "nothing":
        if one.outcome == "ok":
            yield f"{name}: it was accepted and is nowhere"
        if delivered and agent not in diary.deleted and one.agent:
            yield f"{name}: delivered, and nobody knows of it"
        return
    if state in ("queued", "taken_back") and (delivered or shown):
        yield f"{name}: delivered {delivered} times, shown {shown} times"
    if one.taken_back and state != "taken_back":
        yield f"{name}: somebody got it back, and it went on"
    if state in ("sent", "done", "failed") and not shown:
        yield f"{name}: not in the timeline"
    if state == "sent" and facts.records[agent]["turn"] is None:
        yield f"{name}: under way in no turn"
    if state == "failed" and not delivered:
        rows = dict(sections(facts.timelines[agent])).get(one.token, [])
        words = [item for item in rows if "turn failed" in str(item.get("text", ""))]
        if not words:
            yield f"{name}: lost without words"


def _requests(diary: Diary, facts: Facts) -> Iterator[str]:
    heard: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in facts.told.get("answer", ()):
        heard[entry["call"]].append(entry)
    wished = {(agent, request, how) for agent, request, how in diary.answers}
    known: dict[str, tuple[str, str, str, Any]] = {}
    for agent, request_id, request, state, response in facts.requests:
        call = (request.get("metadata") or {}).get("sereno", {}).get("callId", "")
        known[call] = (agent, request_id, state, response)
        record = facts.records.get(agent)
        if record is None:
            yield f"request {request_id}: of no agent"
        elif state == "open" and record["turn"] is None:
            yield f"{agent} request {request_id}: open, and no turn runs that waits for it"
        if state == "withdrawn" and not (response or {}).get("message"):
            yield f"{agent} request {request_id}: withdrawn without a reason"
        if state == "answered":
            how = response["behavior"]
            if (agent, request_id, how) not in wished:
                yield f"{agent} request {request_id}: answered {how}, which nobody did"
    for call, entries in heard.items():
        if len(entries) > 1:
            yield f"call {call}: answered {len(entries)} times: {entries}"
        allowed = any(str(entry.get("optionId", "")).startswith("allow") for entry in entries)
        if call not in known:
            continue
        agent, request_id, state, response = known[call]
        meant = state == "answered" and response["behavior"] == "allow"
        if allowed and not meant:
            yield f"{agent} call {call}: allowed to the program, {state} {response} in the ledger"
        if meant and not allowed:
            yield f"{agent} call {call}: allowed in the ledger, {entries} to the program"


def _commands(house: House, facts: Facts) -> Iterator[str]:
    ran: Counter[str] = Counter()
    for path in house.work.glob("*/ran"):
        ran.update(path.read_text().split())
    for token, count in ran.items():
        if count > 1:
            yield f"{token}: its command ran {count} times"


def _processes(house: House, facts: Facts) -> Iterator[str]:
    runners, marked = house.runners(), house.marked()
    for agent in marked.keys() - facts.records.keys():
        yield f"{agent}: no such agent, and processes {marked[agent]} live"
    for agent, record in facts.records.items():
        living = record["state"] in ALIVE
        unreachable = (record.get("failure") or {}).get("code") in (
            *("no_answer", "unreachable", "refused", "version"),
        )
        if living and agent not in runners:
            yield f"{agent}: {record['state']}, and it has no runner"
        if living and agent in runners and runners[agent][1] is None:
            yield f"{agent}: {record['state']}, and its runner has no program"
        if not living and not unreachable and (left := marked.get(agent)):
            words = [house.processes().get(pid, "?")[:90] for pid in left]
            yield f"{agent}: {record['state']}, and processes {left} live: {words}"
        if not living and facts.writes[agent]:
            yield f"{agent}: {record['state']}, and {facts.writes[agent]} writes wait"
        if record["state"] == "idle" and facts.writes[agent]:
            yield f"{agent}: idle, and {facts.writes[agent]} writes are not confirmed"
    for agent in runners.keys() - facts.records.keys():
        yield f"{agent}: no such agent, and it has a runner"


def _deleted(diary: Diary, facts: Facts) -> Iterator[str]:
    for agent in diary.gone & facts.records.keys():
        yield f"{agent}: deleted, and it is there"
    for agent in diary.created - diary.deleted - facts.records.keys():
        yield f"{agent}: nobody deleted it, and it is gone"


def _files(house: House, facts: Facts) -> Iterator[str]:
    temporary = []
    for path in house.home.root.rglob("*"):
        try:
            mode = path.lstat().st_mode
        except OSError:
            continue
        if path.is_symlink():
            yield f"{path}: a link"
        elif stat.S_IMODE(mode) & 0o077:
            yield f"{path}: mode {stat.S_IMODE(mode):04o}"
        if re.fullmatch(r"\..+\.\w{8}|.*\.new|.*\.tmp", path.name):
            temporary.append(str(path.relative_to(house.home.root)))
    if len(temporary) > TEMPORARY:
        yield f"temporary files pile up: {temporary}"
    for folder in house.home.agents.glob("*/*"):
        agent = folder.parent.name
        if agent not in facts.records:
            yield f"{folder}: left of an agent that is not there"
        elif int(folder.name) != facts.runs[agent]:
            yield f"{folder}: left of an old run (now {facts.runs[agent]})"
        elif facts.records[agent]["state"] not in ALIVE:
            yield f"{folder}: left of a run that is over ({facts.records[agent]['state']})"
