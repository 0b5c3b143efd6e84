"""Wire objects for the scripted daemon, with any text in any place."""

from __future__ import annotations

from typing import Any

from tests.tui.cli.fake_daemon import Answer, FakeDaemon, Message, message

AT = "2026-05-03T10:00:05.000Z"
FIRST = "3e1f1d7e-0f0a-4c59-9c7b-5d8f5f3b0a11"
SECOND = "3e1f1d7e-ffff-4c59-9c7b-5d8f5f3b0a22"


def agent(agent_id: str = FIRST, text: str = "Fix the build", **changes: Any) -> Message:
    """A snapshot in which `text` stands wherever an agent program has a say."""
    return {
        "id": agent_id,
        "provider": "demo",
        "cwd": "/srv/app",
        "model": text,
        "createdAt": AT,
        "updatedAt": AT,
        "lastUserMessageAt": None,
        "status": "idle",
        "capabilities": {},
        "currentModeId": text,
        "availableModes": [{"id": "ask", "label": text}],
        "pendingPermissions": [],
        "persistence": None,
        "title": text,
        "labels": {"team": text},
        "lastError": text,
        "sereno": {"run": 1, "queue": [], "lastLine": text, "nextStep": text, "commands": []},
        **changes,
    }


def request(request_id: str = "perm-1-1", command: str = "rm -r build") -> Message:
    return {
        "id": request_id,
        "provider": "demo",
        "name": "shell",
        "kind": "tool",
        "title": command,
        "description": command,
        "input": {"command": command},
        "detail": {"type": "shell", "command": command, "cwd": command},
        "actions": [
            {"id": "always", "label": command, "behavior": "allow", "standing": True},
            {"id": "no", "label": command, "behavior": "deny"},
        ],
        "metadata": {"sereno": {"askedAt": AT, "warnings": [command]}},
    }


def project(folder: str = "/srv/app", name: str = "app") -> Message:
    checkout = {
        "cwd": folder,
        "isGit": False,
        "currentBranch": None,
        "remoteUrl": None,
        "isPaseoOwnedWorktree": False,
        "mainRepoRoot": None,
    }
    return {"projectKey": folder, "projectName": name, "checkout": checkout}


def entry(snapshot: Message) -> Message:
    return {"agent": snapshot, "project": project(snapshot["cwd"])}


def listing(*agents: Message) -> Answer:
    def answer(asked: Message) -> list[Message]:
        page = {"nextCursor": None, "prevCursor": None, "hasMore": False}
        archived = asked.get("filter", {}).get("includeArchived", False)
        entries = [entry(one) for one in agents if archived or not one.get("archivedAt")]
        payload = {"requestId": asked["requestId"], "entries": entries, "pageInfo": page}
        return [message("fetch_agents_response", payload)]

    return answer


def finding(*agents: Message) -> Answer:
    """Resolves an identifier as section 6.2.1 says."""

    def answer(asked: Message) -> list[Message]:
        wanted = asked["agentId"]
        fitting = [one for one in agents if one["id"].startswith(wanted)] or [
            one for one in agents if one["title"] == wanted
        ]
        payload: Message = {"requestId": asked["requestId"], "agent": None, "error": None}
        if len(fitting) == 1:
            payload |= {"agent": fitting[0], "project": project()}
        else:
            payload["error"] = f"Agent not found: {wanted}"
        return [message("fetch_agent_response", payload)]

    return answer


def items(text: str) -> list[Message]:
    """One item of each kind, `text` wherever it may stand."""
    call = {"type": "tool_call", "name": text, "error": None, "status": "completed"}
    details: list[Message] = [
        {"type": "shell", "command": text, "output": text, "exitCode": 1},
        {"type": "read", "filePath": text, "content": text},
        {"type": "edit", "filePath": text, "unifiedDiff": text},
        {"type": "write", "filePath": text, "content": text},
        {"type": "search", "query": text},
        {"type": "fetch", "url": text},
        {"type": "sub_agent", "log": text, "description": text, "actions": []},
        {"type": "plain_text", "label": text, "text": text},
        {"type": "plan", "text": text},
        {"type": "unknown", "input": text, "output": text},
    ]
    return [
        {"type": "user_message", "text": text, "messageId": "m1"},
        {"type": "assistant_message", "text": text},
        {"type": "reasoning", "text": text},
        *({**call, "callId": f"c{n}", "detail": detail} for n, detail in enumerate(details)),
        {
            **call,
            "callId": "f",
            "status": "failed",
            "error": {"message": text},
            "detail": details[0],
        },
        {"type": "todo", "items": [{"text": text, "completed": True}]},
        {"type": "error", "message": text},
    ]


def timeline(rows: list[Message], epoch: str = "e1") -> Answer:
    """A stored timeline of these items, numbered from 1; pages of `limit`."""

    def answer(asked: Message) -> list[Message]:
        numbered = list(enumerate(rows, 1))
        limit = asked.get("limit") or len(rows)
        cursor = asked.get("cursor") or {}
        match asked.get("direction"):
            case "after":
                chosen = [row for row in numbered if row[0] > cursor.get("seq", 0)][:limit]
            case "before":
                chosen = [row for row in numbered if row[0] < cursor["seq"]][-limit:]
            case _:
                chosen = numbered[-limit:]
        ends = [{"epoch": epoch, "seq": row[0]} for row in chosen]
        last = chosen[-1][0] if chosen else len(rows)
        payload = {
            "requestId": asked["requestId"],
            "agentId": asked["agentId"],
            "agent": None,
            "direction": asked.get("direction", "tail"),
            "projection": asked.get("projection", "projected"),
            "epoch": epoch,
            "reset": False,
            "staleCursor": False,
            "gap": False,
            "window": {"minSeq": 1, "maxSeq": len(rows), "nextSeq": len(rows) + 1},
            "startCursor": ends[0] if ends else None,
            "endCursor": ends[-1] if ends else None,
            "hasOlder": bool(chosen) and chosen[0][0] > 1,
            "hasNewer": last < len(rows),
            "entries": [
                {
                    "provider": "demo",
                    "item": item,
                    "timestamp": AT,
                    "seqStart": seq,
                    "seqEnd": seq,
                    "sourceSeqRanges": [{"startSeq": seq, "endSeq": seq}],
                    "collapsed": [],
                }
                for seq, item in chosen
            ],
            "error": None,
        }
        return [message("fetch_agent_timeline_response", payload)]

    return answer


def reply(kind: str, **payload: Any) -> Answer:
    return lambda asked: [message(kind, {"requestId": asked.get("requestId"), **payload})]


def furnish(daemon: FakeDaemon, *agents: Message) -> None:
    """Answers for lists and look-ups of these agents."""
    daemon.answers["fetch_agents_request"] = listing(*agents)
    daemon.answers["fetch_agent_request"] = finding(*agents)
