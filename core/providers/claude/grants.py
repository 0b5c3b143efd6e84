"""Standing answers, from the suggestions that the program sends along with a request.

Each kind of suggestion is an answer of its own: who allows a command for the session has not
thereby let files be edited unasked. `destination` is always the session: the program's own choice,
`localSettings`, would write a file into the repository.
"""

from __future__ import annotations

from typing import Any

from sereno.core.providers.claude.arguments import BYPASS
from sereno.core.providers.claude.state import Grant
from sereno.core.providers.claude.values import listed, size_of, text
from sereno.core.security.sanitise import reveal, sanitise_line

__all__ = ["find_grants"]

_MODES = {
    "acceptEdits": "Accept file edits for this session",
    "default": "Always ask from now on",
    "plan": "Go to plan mode",
}
_MOST = 10_000
NAMED, NAME_LIMIT = 4, 120
"""Rules that one answer may bring, and characters of each: what does not fit is not offered."""


def find_grants(tool: str, suggestions: Any) -> list[Grant]:
    """The standing answers to one request, the narrowest first. Only such whose label says all
    that they allow: nothing is given that was not read.
    """
    rules: list[dict[str, Any]] = []
    folders: list[dict[str, Any]] = []
    modes: list[dict[str, Any]] = []
    for each in listed(suggestions):
        update = {**each, "destination": "session"}
        if size_of(update) > _MOST:
            continue
        match each.get("type"):
            case "addRules" if each.get("behavior") == "allow" and _all(each, "rules", dict):
                rules.append(update)
            case "addDirectories" if _all(each, "directories", str):
                folders.append(update)
            case "setMode" if text(each.get("mode")) not in ("", BYPASS):
                modes.append(update)
    if tool == "ExitPlanMode" and not modes:
        modes.append({"type": "setMode", "mode": "acceptEdits", "destination": "session"})
    found: list[Grant] = []
    named = _names(_rules(rules))
    if named:
        found.append(Grant("session", f"Allow {named} for this session", rules))
    named = _names([name for each in folders for name in _texts(each.get("directories"))])
    if named:
        label = f"Allow work in {named} for this session"
        found.append(Grant("session-folders", label, folders))
    for mode in modes[:3]:
        mode_id = text(mode.get("mode"))
        if sanitise_line(reveal(mode_id), 40) != mode_id:
            continue
        label = _MODES.get(mode_id, f"Go to the mode “{mode_id}” for this session")
        if tool == "ExitPlanMode" and mode_id == "acceptEdits":
            label = "Approve, and accept file edits for this session"
        found.append(Grant(f"session-mode-{mode_id}", label, [mode]))
    return found


def _all(update: dict[str, Any], key: str, kind: type) -> bool:
    """Whether there are such entries, and nothing else that no label would say."""
    entries = update.get(key)
    return isinstance(entries, list) and entries != [] and all(isinstance(e, kind) for e in entries)


def _rules(rules: list[dict[str, Any]]) -> list[str]:
    names: list[str] = []
    for rule in [each for update in rules for each in listed(update.get("rules"))]:
        tool, content = text(rule.get("toolName")), text(rule.get("ruleContent"))
        names.append(f"{tool}: {content}" if content else f"every use of {tool}")
    return names


def _names(names: list[str]) -> str:
    """All of them, or nothing where they are too many or too long to be read."""
    clear = [reveal(name) for name in dict.fromkeys(names)]
    if len(clear) > NAMED or any(sanitise_line(name, NAME_LIMIT) != name for name in clear):
        return ""
    return ", ".join(f"“{name}”" for name in clear)


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
