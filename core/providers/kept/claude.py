"""The sessions of Claude Code: one file of JSON lines each, in a folder for each working directory.

The program has no command that lists them; `claude auth status` says where they are. The lines are
nearly those of its control protocol, so the driver's own parts read them.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sereno.core.protocol.timeline import TimelineItem, UserMessage
from sereno.core.protocol.values import parse_iso
from sereno.core.providers.asking import ask
from sereno.core.providers.claude import calls
from sereno.core.providers.claude.state import Core, State
from sereno.core.providers.claude.talk import Talk
from sereno.core.providers.driver import Identity, Setup
from sereno.core.providers.effects import Effect, Item
from sereno.core.providers.kept.model import KeptError, KeptSession, lost, settled
from sereno.core.security.sanitise import sanitise, sanitise_line

if TYPE_CHECKING:
    from sereno.core.providers.catalog import Provider

__all__ = ["sessions", "take"]

PATIENCE = 30.0
LONGEST = 200 * 1024 * 1024
HEAD = 400
"""Lines in which the folder and the first prompt of a session stand."""
TITLE = 80
_NAME = re.compile(r"[0-9a-fA-F-]{36}")
_TITLES = {"ai-title": "aiTitle", "custom-title": "customTitle", "summary": "summary"}


class _Where(msgspec.Struct, rename="camel"):
    projects_directory: str


def sessions(
    provider: Provider, env: Mapping[str, str], cwd: str | None, limit: int
) -> list[KeptSession]:
    root = _projects(provider, env)
    pattern = "*" if cwd is None else _folder_name(cwd)
    found: list[tuple[int, Path]] = []
    for path in root.glob(f"{pattern}/*.jsonl"):
        facts = _facts(path)
        if facts is not None and _NAME.fullmatch(path.stem):
            found.append((facts.st_mtime_ns // 1_000_000, path))
    found.sort(reverse=True)
    known = (_read_head(path, at_ms) for at_ms, path in found)
    wanted = (one for one in known if one is not None and cwd in (None, one.cwd))
    return [one for one, _ in zip(wanted, range(limit), strict=False)]


def take(
    provider: Provider,
    env: Mapping[str, str],
    session_id: str,
    cwd: str | None,  # noqa: ARG001
) -> tuple[KeptSession, list[TimelineItem]]:
    """Its id is enough to find it."""
    paths = []
    if _NAME.fullmatch(session_id):
        paths = list(_projects(provider, env).glob(f"*/{session_id}.jsonl"))
    facts = _facts(paths[0]) if paths else None
    session = _read_head(paths[0], facts.st_mtime_ns // 1_000_000) if facts else None
    if session is None:
        raise lost(provider.label, session_id)
    reader = _Reader(Core(Identity(provider.name, provider.label), Setup(session.cwd), State()))
    return session, settled(item for line in _lines(paths[0]) for item in reader.read(line))


class _Reader:
    """Lines of a transcript into items, by the parts of the driver."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._talk = Talk(core)

    def read(self, line: dict[str, Any]) -> list[TimelineItem]:
        if line.get("isSidechain") is True or line.get("isMeta") is True:
            return []
        message = line.get("message")
        if not isinstance(message, dict):
            return []
        match line.get("type"):
            case "assistant":
                return _items(self._talk.assistant({"message": message}))
            case "user":
                return self._user(line, message)
            case _:
                return []

    def _user(self, line: dict[str, Any], message: dict[str, Any]) -> list[TimelineItem]:
        self._talk.end()
        content = message.get("content")
        if isinstance(content, str):
            return _prompt(content)
        found: list[TimelineItem] = []
        for block in content if isinstance(content, list) else []:
            if not isinstance(block, dict):
                continue
            if block.get("type") == "tool_result":
                whole = {"tool_use_result": line.get("toolUseResult")}
                found += _items(calls.finish(self._core, block, whole))
            elif isinstance(words := block.get("text"), str):
                found += _prompt(words)
        return found


def _items(effects: list[Effect]) -> list[TimelineItem]:
    return [effect.item for effect in effects if isinstance(effect, Item)]


def _prompt(words: str) -> list[TimelineItem]:
    """What a person wrote; what the program put beside it stands in tags of its own."""
    shown = words.strip()
    if not shown or shown.startswith(("<system-reminder>", "<command-", "<local-command")):
        return []
    return [UserMessage(text=sanitise(shown))]


def _projects(provider: Provider, env: Mapping[str, str]) -> Path:
    said = ask(provider, env, ("auth", "status", "--json"), timeout_s=PATIENCE)
    if said is None:
        raise KeptError(
            f"{provider.label} was asked where its sessions are and gave no answer.",
            f"Run `{provider.command[0]} auth status` in a terminal to see why.",
        )
    try:
        return Path(msgspec.json.decode(said.out, type=_Where).projects_directory)
    except msgspec.DecodeError as error:
        raise KeptError(
            f"{provider.label} does not say where its sessions are.", "Update it."
        ) from error


def _folder_name(cwd: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "-", cwd)


def _facts(path: Path) -> Any:
    """None for what is no plain file: a link there could lead anywhere."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return facts if stat.S_ISREG(facts.st_mode) and facts.st_size <= LONGEST else None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if _facts(path) is None:
        return
    try:
        with path.open("rb") as file:
            for data in file:
                try:
                    line = msgspec.json.decode(data)
                except (msgspec.DecodeError, RecursionError):
                    continue
                if isinstance(line, dict):
                    yield line
    except OSError as error:
        raise KeptError(f"{path} cannot be read: {error.strerror}.") from error


def _read_head(path: Path, changed_ms: int) -> KeptSession | None:
    """None for a file in which no person said anything."""
    cwd = title = prompt = None
    said_ms = None
    for number, line in enumerate(_lines(path)):
        key = _TITLES.get(str(line.get("type")))
        if key is not None and isinstance(line.get(key), str):
            title = line[key]
        if line.get("type") == "user" and line.get("isSidechain") is not True:
            cwd = cwd or line.get("cwd")
            message = line.get("message")
            content = message.get("content") if isinstance(message, dict) else None
            prompt = prompt or _first_words(content)
            said_ms = _at(line.get("timestamp")) or said_ms
        if number > HEAD and prompt:
            said_ms = changed_ms
            break
    if not isinstance(cwd, str) or prompt is None:
        return None
    name = sanitise_line(title or prompt, TITLE)
    return KeptSession(path.stem, cwd, name, said_ms or changed_ms)


def _first_words(content: Any) -> str | None:
    blocks = [content] if isinstance(content, str) else content
    for block in blocks if isinstance(blocks, list) else []:
        words = block.get("text") if isinstance(block, dict) else block
        for item in _prompt(words) if isinstance(words, str) else []:
            if isinstance(item, UserMessage):
                return item.text.splitlines()[0]
    return None


def _at(value: Any) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_iso(value)
    except ValueError:
        return None
