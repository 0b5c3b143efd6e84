"""The sessions of Codex, asked of an app-server of its own: `thread/list`, `thread/read`."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from sereno.core.protocol.timeline import TimelineItem, UserMessage
from sereno.core.providers.codex import items as tools
from sereno.core.providers.codex.state import Core, State
from sereno.core.providers.codex.text import Text
from sereno.core.providers.driver import Identity, Setup
from sereno.core.providers.effects import Effect, Item
from sereno.core.providers.jsonrpc import Peer, PeerState, Reply
from sereno.core.providers.kept.model import KeptError, KeptSession, lost, settled
from sereno.core.security.sanitise import sanitise, sanitise_line

if TYPE_CHECKING:
    from sereno.core.providers.catalog import Provider

__all__ = ["sessions", "take"]

PATIENCE = 30.0
CHUNK = 65_536
TITLE = 80
READ = "thread/read"
CLIENT = {"name": "sereno", "title": "Sereno", "version": "1"}


def sessions(
    provider: Provider, env: Mapping[str, str], cwd: str | None, limit: int
) -> list[KeptSession]:
    wanted: dict[str, Any] = {"limit": limit} if cwd is None else {"limit": limit, "cwd": cwd}
    told = _call(provider, env, "thread/list", wanted)
    found = (_session(thread) for thread in told.get("data") or ())
    return [one for one in found if one is not None]


def _session(thread: dict[str, Any]) -> KeptSession | None:
    session_id, folder = thread.get("id"), thread.get("cwd")
    if not isinstance(session_id, str) or not isinstance(folder, str):
        return None
    words = thread.get("name") or thread.get("preview")
    title = sanitise_line(words.strip().partition("\n")[0], TITLE) if words else None
    seconds = thread.get("updatedAt") or thread.get("createdAt")
    updated_ms = int(seconds * 1000) if isinstance(seconds, int | float) else None
    return KeptSession(session_id, folder, title, updated_ms)


def take(
    provider: Provider,
    env: Mapping[str, str],
    session_id: str,
    cwd: str | None,  # noqa: ARG001
) -> tuple[KeptSession, list[TimelineItem]]:
    """Its id is enough to find it."""
    told = _call(provider, env, READ, {"threadId": session_id, "includeTurns": True})
    thread = told.get("thread") or {}
    session = _session(thread)
    if session is None:
        raise lost(provider.label, session_id)
    core = Core(Identity(provider.name, provider.label), Setup(session.cwd), State())
    text = Text(core)
    found: list[TimelineItem] = []
    for turn in thread.get("turns") or ():
        for item in turn.get("items") or ():
            found += _read(core, text, item)
        text.end()
    return session, settled(found)


def _read(core: Core, text: Text, item: dict[str, Any]) -> list[TimelineItem]:
    match item.get("type"):
        case "userMessage":
            text.end()
            parts = [part.get("text") for part in item.get("content") or ()]
            words = "\n".join(part for part in parts if isinstance(part, str))
            return [UserMessage(text=sanitise(words))] if words.strip() else []
        case "agentMessage" | "reasoning":
            return _items(text.completed(item))
        case _ if tools.is_tool(item):
            text.end()
            return _items(tools.finish(core, item))
        case _:
            return []


def _items(effects: Sequence[Effect]) -> list[TimelineItem]:
    return [effect.item for effect in effects if isinstance(effect, Item)]


def _call(
    provider: Provider, env: Mapping[str, str], method: str, params: dict[str, Any]
) -> dict[str, Any]:
    """One question to a process that is ended afterwards."""
    command = provider.asked_by(env)
    if command is None:
        raise KeptError(f"{provider.label} is not installed.")
    try:
        process = subprocess.Popen(
            [*command, "app-server"],
            cwd=env.get("HOME") or "/",
            env=provider.env(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise KeptError(f"{provider.label} could not be started: {error.strerror}.") from error
    with process:
        try:
            return _converse(provider, process, method, params)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _converse(
    provider: Provider, process: subprocess.Popen[bytes], method: str, params: dict[str, Any]
) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    peer = Peer(PeerState(), bare=True)
    hello = {"clientInfo": CLIENT, "capabilities": {"experimentalApi": True}}
    frames = peer.request("initialize", hello) + peer.notify("initialized", {})
    deadline = time.monotonic() + PATIENCE
    try:
        process.stdin.write(frames + peer.request(method, params))
        process.stdin.flush()
    except OSError as error:
        raise KeptError(f"{provider.label} ended before it answered.") from error
    while True:
        left = max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select([process.stdout], [], [], left)
        data = os.read(process.stdout.fileno(), CHUNK) if readable else b""
        if not data:
            raise KeptError(f"{provider.label} was asked for its sessions and gave no answer.")
        for message in peer.feed(data):
            if isinstance(message, Reply) and message.call.method == method:
                if message.failure is not None:
                    words = sanitise_line(message.failure.message, 300)
                    code = "session_lost" if method == READ else "provider_failed"
                    raise KeptError(f"{provider.label} refused: {words}", code=code)
                return msgspec.convert(message.result or {}, dict[str, Any])
