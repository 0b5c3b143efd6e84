"""Sessions that programs keep: listed and read from real words of theirs; damage and strangers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sereno.core.config import Config, ProviderConfig
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Reasoning,
    TimelineItem,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.tools import EditDetail, ShellDetail
from sereno.core.providers import asking
from sereno.core.providers.catalog import Catalog, Provider
from sereno.core.providers.kept import claude, codex, opencode
from sereno.core.providers.kept.keepers import keeper_of
from sereno.core.providers.kept.model import KeptError, KeptSession

Install = Callable[[str, str], Provider]
FIRST = "1e7b4090-ef22-473d-8a36-86e3e49f6bba"
SECOND = "2e7b4090-ef22-473d-8a36-86e3e49f6bba"


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """A provider whose program is a small script of Python."""

    def make(name: str, script: str) -> Provider:
        program = tmp_path / name
        program.write_text(f"#!{sys.executable} -P\nimport json, sys\n{script}\n")
        program.chmod(0o755)
        preset = Catalog(Config()).get(name)
        assert preset is not None
        settings = ProviderConfig(name, name, command=(str(program), *preset.command[1:]))
        found = Catalog(Config(providers={name: settings})).get(name)
        assert found is not None
        return found

    return make


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}


def short(items: list[TimelineItem]) -> list[str]:
    found = []
    for item in items:
        match item:
            case ToolCall(detail=ShellDetail(command=command, output=output), status=status):
                found.append(f"{status}: {command} -> {output}")
            case ToolCall(detail=EditDetail(file_path=path), status=status):
                found.append(f"{status}: edit {path}")
            case ToolCall(name=name, status=status):
                found.append(f"{status}: {name}")
            case UserMessage(text=text):
                found.append(f"> {text}")
            case AssistantMessage(text=text) | Reasoning(text=text):
                found.append(text.strip())
            case _:
                found.append(type(item).__name__)
    return found


# Claude Code


def line(kind: str, content: object, **more: object) -> str:
    role = "assistant" if kind == "assistant" else "user"
    message = {"role": role, "content": content, "id": more.pop("message_id", "m")}
    facts = {"cwd": "/repo", "timestamp": "2026-11-21T12:28:01.157Z", "isSidechain": False}
    return json.dumps({"type": kind, "message": message, **facts, **more})


TALK = [
    json.dumps({"type": "queue-operation", "operation": "enqueue"}),
    line("user", [{"type": "text", "text": "<system-reminder>x</system-reminder>"}]),
    line("user", "fix the \x1b[31mtest\nplease"),
    line("user", "of a sub-agent", isSidechain=True),
    line("assistant", [{"type": "thinking", "thinking": "hm", "signature": "x"}]),
    line("assistant", [{"type": "text", "text": "I look."}]),
    line(
        "assistant",
        [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}],
    ),
    "{broken",
    line(
        "user",
        [{"type": "tool_result", "tool_use_id": "t1", "content": "a.txt", "is_error": False}],
        toolUseResult={"stdout": "a.txt", "stderr": ""},
    ),
    line("assistant", [{"type": "text", "text": "Done."}], message_id="m2"),
    line(
        "assistant", [{"type": "tool_use", "id": "t2", "name": "Bash", "input": {"command": "x"}}]
    ),
    json.dumps({"type": "ai-title", "aiTitle": "Fix the test", "sessionId": FIRST}),
]


@pytest.fixture
def claude_home(tmp_path: Path, install: Install) -> Provider:
    folder = tmp_path / ".claude" / "projects" / "-repo"
    folder.mkdir(parents=True)
    (folder / f"{FIRST}.jsonl").write_text("\n".join(TALK) + "\n")
    later = line("user", "another", timestamp="2026-11-21T13:00:00Z")
    (folder / f"{SECOND}.jsonl").write_text(later + "\n")
    os.utime(folder / f"{FIRST}.jsonl", (1, 1))
    (folder / "3e7b4090-ef22-473d-8a36-86e3e49f6bba.jsonl").write_text("{}\n")
    (folder / "notes.jsonl").write_text(line("user", "no session") + "\n")
    (folder / "4e7b4090-ef22-473d-8a36-86e3e49f6bba.jsonl").symlink_to("/etc/passwd")
    where = json.dumps({"loggedIn": False, "projectsDirectory": str(folder.parent)})
    return install("claude", f"print({where!r})\nsys.exit(1)")


def test_claude_sessions_of_a_folder(claude_home: Provider, env: dict[str, str]) -> None:
    found = claude.sessions(claude_home, env, "/repo", 50)
    assert [(one.session_id, one.title, one.cwd) for one in found] == [
        (SECOND, "another", "/repo"),
        (FIRST, "Fix the test", "/repo"),
    ]
    assert found[1].updated_ms == 1795264081157
    assert [one.session_id for one in claude.sessions(claude_home, env, None, 1)] == [SECOND]
    assert claude.sessions(claude_home, env, "/elsewhere", 50) == []


def test_claude_talk(claude_home: Provider, env: dict[str, str]) -> None:
    session, items = claude.take(claude_home, env, FIRST, None)
    assert (session.session_id, session.cwd) == (FIRST, "/repo")
    assert short(items) == [
        "> fix the test\nplease",
        "hm",
        "I look.",
        "completed: ls -> a.txt",
        "Done.",
        "canceled: x -> UNSET",
    ]


@pytest.mark.parametrize("session_id", ["../../../etc/passwd", "*", "", "0" * 36])
def test_claude_reads_nothing_but_sessions(
    claude_home: Provider, env: dict[str, str], session_id: str
) -> None:
    with pytest.raises(KeptError) as caught:
        claude.take(claude_home, env, session_id, "/repo")
    assert caught.value.code == "session_lost"


def test_claude_that_does_not_say_where(install: Install, env: dict[str, str]) -> None:
    with pytest.raises(KeptError, match="does not say where"):
        claude.sessions(install("claude", "print('{}')"), env, "/repo", 5)


# Codex

APP_SERVER = """
turns = [{"id": "t", "items": [
    {"type": "userMessage", "id": "u", "content": [{"type": "text", "text": "make it"}]},
    {"type": "reasoning", "id": "r", "summary": ["hm"], "content": []},
    {"type": "agentMessage", "id": "a", "text": "I make it."},
    {"type": "commandExecution", "id": "c", "command": "/bin/bash -lc 'touch a'", "cwd": "/repo",
     "aggregatedOutput": "made", "exitCode": 0, "status": "completed", "commandActions": []},
    {"type": "agentMessage", "id": "b", "text": "Done."},
]}]
threads = [{"id": "th1", "cwd": "/repo", "name": None, "preview": "make it\\nnow", "updatedAt": 7}]
for row in sys.stdin:
    request = json.loads(row)
    if "id" not in request:
        continue
    answer = {"id": request["id"], "result": {}}
    if request["method"] == "thread/list":
        answer["result"] = {"data": threads if request["params"].get("cwd") == "/repo" else []}
    elif request["method"] == "thread/read" and request["params"]["threadId"] == "th1":
        answer["result"] = {"thread": {**threads[0], "turns": turns}}
    elif request["method"] == "thread/read":
        answer = {"id": request["id"], "error": {"code": -1, "message": "no rollout found"}}
    print(json.dumps(answer), flush=True)
"""


def test_codex_sessions_and_talk(install: Install, env: dict[str, str]) -> None:
    provider = install("codex", APP_SERVER)
    (session,) = codex.sessions(provider, env, "/repo", 50)
    assert session == KeptSession("th1", "/repo", "make it", 7_000)
    assert codex.sessions(provider, env, "/elsewhere", 50) == []
    again, items = codex.take(provider, env, "th1", None)
    assert again == session
    assert short(items) == [
        "> make it",
        "hm",
        "I make it.",
        "completed: touch a -> made",
        "Done.",
    ]
    with pytest.raises(KeptError, match="no rollout found") as caught:
        codex.take(provider, env, "th2", None)
    assert caught.value.code == "session_lost"


def test_a_codex_that_says_nothing(install: Install, env: dict[str, str]) -> None:
    with pytest.raises(KeptError, match="gave no answer"):
        codex.sessions(install("codex", "sys.exit(3)"), env, "/repo", 5)


# OpenCode

PARTS = [
    {"type": "step-start"},
    {"type": "reasoning", "text": "hm"},
    {"type": "text", "text": "I look."},
    {
        "type": "tool",
        "tool": "bash",
        "callID": "c1",
        "state": {"status": "completed", "input": {"command": "ls"}, "output": "a.txt"},
    },
    {"type": "tool", "tool": "bash", "callID": "c2", "state": {"status": "error", "error": "no"}},
]
EXPORT = {
    "info": {"id": "ses_1", "directory": "/tmp", "title": "A look", "time": {"updated": 9}},
    "messages": [
        {"info": {"role": "user"}, "parts": [{"type": "text", "text": "look"}]},
        {"info": {"role": "assistant"}, "parts": PARTS},
    ],
}
LISTED = [
    {"id": "ses_1", "title": "A look", "updated": 9, "directory": "/tmp", "projectId": "global"},
    {"id": "ses_2", "title": "Other", "updated": 8, "directory": "/other", "projectId": "global"},
]
OPENCODE = f"""
if sys.argv[1:] == ["session", "list", "--format", "json", "-n", "50"]:
    print({json.dumps(LISTED)!r})
elif sys.argv[1:] == ["export", "ses_1"]:
    print({json.dumps(EXPORT)!r})
else:
    sys.exit("Session not found")
"""


def test_opencode_sessions_and_talk(install: Install, env: dict[str, str]) -> None:
    provider = install("opencode", OPENCODE)
    (session,) = opencode.sessions(provider, env, "/tmp", 50)
    assert session == KeptSession("ses_1", "/tmp", "A look", 9)
    again, items = opencode.take(provider, env, "ses_1", "/tmp")
    assert again == session
    assert short(items) == [
        "> look",
        "hm",
        "I look.",
        "completed: ls -> a.txt",
        "failed:  -> UNSET",
    ]
    with pytest.raises(KeptError, match="Session not found") as caught:
        opencode.take(provider, env, "ses_9", "/tmp")
    assert caught.value.code == "session_lost"
    with pytest.raises(KeptError, match="not understood"):
        opencode.sessions(install("opencode", "print('what?')"), env, "/tmp", 50)
    assert opencode.sessions(install("opencode", ""), env, "/tmp", 50) == []


# As node and bun do: what a pipe does not take at once is lost, and the program ends with 0.
HASTY = f"""
import os
export = {EXPORT!r}
export["messages"] = export["messages"][:1] * 2_000 + export["messages"][1:]
os.set_blocking(1, False)
os.write(1, json.dumps(export).encode())
"""


def test_a_long_session_of_opencode_is_told_whole(install: Install, env: dict[str, str]) -> None:
    _, items = opencode.take(install("opencode", HASTY), env, "ses_1", "/tmp")
    told = short(items)
    assert told.count("> look") == 2_000
    assert told[-1] == "failed:  -> UNSET"


def test_a_session_of_opencode_that_is_too_long(
    install: Install, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_OUTPUT", 100_000)
    with pytest.raises(KeptError, match="more to tell of it than is taken"):
        opencode.take(install("opencode", HASTY), env, "ses_1", "/tmp")


def test_what_was_not_understood_of_opencode_is_said(install: Install, env: dict[str, str]) -> None:
    cut = f"sys.stdout.write({json.dumps(EXPORT)!r}[:-9])"
    with pytest.raises(KeptError, match=r"not understood .*Input data was truncated"):
        opencode.take(install("opencode", cut), env, "ses_1", "/tmp")


def test_who_keeps_sessions() -> None:
    every = {one.name: keeper_of(one) for one in Catalog(Config()).all()}
    kept = {name for name, keeper in every.items() if keeper is not None}
    assert kept == {"claude", "codex", "opencode"}
