"""Agents as plain wire objects: what a list shows of each, and which of them belong here.

Works on decoded JSON, not on typed messages, because `sereno ls` has no time to load those.
Called by ls, by completion, and by every command that names an agent.
"""

from __future__ import annotations

import os
from typing import Any

from sereno.tui.cli.text import ago, clean_line, folder

Entry = dict[str, Any]
"""One entry of `fetch_agents_response`: {"agent": AgentSnapshot, "project": ProjectPlacement}."""

SHORT = 8


def need(agent: dict[str, Any]) -> str:
    """What the agent needs from the person, in the words of the fleet screen."""
    if agent.get("pendingPermissions"):
        return "asks"
    match agent.get("status"):
        case "error":
            return "failed"
        case "running":
            return "busy"
        case "initializing":
            return "starting"
        case "closed":
            return "parked" if (agent.get("sereno") or {}).get("parked") else "stopped"
    if agent.get("requiresAttention"):
        return "failed" if agent.get("attentionReason") == "error" else "done"
    return "idle"


def asks_nothing(agent: dict[str, Any]) -> bool:
    """Whether it works in a mode in which nothing is asked before it happens."""
    return any(
        mode.get("id") == agent.get("currentModeId") and mode.get("colorTier") == "dangerous"
        for mode in agent.get("availableModes") or []
    )


def epoch_ms(text: object) -> int:
    """The wire's iso time as epoch milliseconds; 0 for what is none."""
    from datetime import datetime

    try:
        return round(datetime.fromisoformat(str(text)).timestamp() * 1000)
    except ValueError:
        return 0


def summary(entry: Entry) -> dict[str, Any]:
    """One agent as `ls --json` and `inspect --json` print it."""
    agent, project = entry["agent"], entry.get("project") or {}
    extra = agent.get("sereno") or {}
    checkout = project.get("checkout") or {}
    runtime = agent.get("runtimeInfo") or {}
    return {
        "id": agent["id"],
        "shortId": agent["id"][:SHORT],
        "title": agent.get("title"),
        "provider": agent["provider"],
        "model": runtime.get("model") or agent.get("model"),
        "mode": agent.get("currentModeId"),
        "asksNothing": asks_nothing(agent),
        "status": agent["status"],
        "needs": need(agent),
        "cwd": agent["cwd"],
        "project": project.get("projectName"),
        "branch": checkout.get("currentBranch"),
        "labels": agent.get("labels") or {},
        "requests": [request["id"] for request in agent.get("pendingPermissions") or []],
        "queued": len(extra.get("queue") or []),
        "lastLine": extra.get("lastLine"),
        "lastError": agent.get("lastError"),
        "nextStep": extra.get("nextStep"),
        "createdAt": agent["createdAt"],
        "updatedAt": agent["updatedAt"],
        "archivedAt": agent.get("archivedAt"),
    }


HEAD = ("ID", "NEEDS", "TITLE", "PROVIDER", "FOLDER", "ACTIVE")
FLEXIBLE = HEAD.index("TITLE")


def row(entry: Entry, now_ms: int, home: str) -> tuple[str, ...]:
    """One agent as a line of the list."""
    agent = entry["agent"]
    words = need(agent)
    if agent.get("archivedAt"):
        words = "archived"
    elif queued := len((agent.get("sereno") or {}).get("queue") or []):
        words += f", {queued} queued"
    if asks_nothing(agent):
        words += " ! asks nothing"
    return (
        agent["id"][:SHORT],
        words,
        clean_line(agent.get("title") or "-", 80),
        clean_line(agent["provider"], 24),
        clean_line(folder(agent["cwd"], home), 200),
        ago(now_ms - epoch_ms(agent["updatedAt"])),
    )


def project_root(cwd: str) -> tuple[str, str]:
    """The checkout that holds a folder, and the repository behind it; outside git the folder.

    Both differ in a worktree, whose `.git` is a file that names the main repository. An empty
    folder `.git` makes no repository, for git neither.
    """
    place = cwd
    while True:
        mark = os.path.join(place, ".git")  # noqa: PTH118 - pathlib costs 8 ms here
        if os.path.isfile(f"{mark}/HEAD"):  # noqa: PTH113
            return place, place
        if os.path.isfile(mark):  # noqa: PTH113
            return place, _main_root(mark) or place
        parent = os.path.dirname(place)  # noqa: PTH120
        if parent == place:
            return cwd, cwd
        place = parent


def _main_root(mark: str) -> str | None:
    try:
        with open(mark, encoding="utf-8") as file:  # noqa: PTH123
            line = file.read(4096).strip()
    except (OSError, UnicodeDecodeError):
        return None
    before, found, _ = line.removeprefix("gitdir: ").partition("/.git/worktrees/")
    return before if found else None


def inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def belongs(entry: Entry, cwd: str) -> bool:
    """Whether the agent works in the project of `cwd`, in any of its checkouts, or below `cwd`."""
    agent, checkout = entry["agent"], (entry.get("project") or {}).get("checkout") or {}
    root, main = project_root(cwd)
    if inside(agent["cwd"], root) or inside(agent["cwd"], cwd):
        return True
    return main in (checkout.get("mainRepoRoot"), checkout.get("worktreeRoot"))
