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


def find_grants(tool: str, suggestions: Any) -> list[Grant]:
    """The standing answers to one request, the narrowest first."""
    rules: list[dict[str, Any]] = []
    folders: list[dict[str, Any]] = []
    modes: list[dict[str, Any]] = []
    for each in listed(suggestions):
        update = {**each, "destination": "session"}
        if size_of(update) > _MOST:
            continue
        match each.get("type"):
            case "addRules" if each.get("behavior") == "allow" and listed(each.get("rules")):
                rules.append(update)
            case "addDirectories" if _texts(each.get("directories")):
                folders.append(update)
            case "setMode" if text(each.get("mode")) not in ("", BYPASS):
                modes.append(update)
    if tool == "ExitPlanMode" and not modes:
        modes.append({"type": "setMode", "mode": "acceptEdits", "destination": "session"})
    found: list[Grant] = []
    if rules:
        found.append(Grant("session", _rules_label(rules), rules))
    if folders:
        names = [name for each in folders for name in _texts(each.get("directories"))]
        label = f"Allow work in {_names(names)} for this session"
        found.append(Grant("session-folders", label, folders))
    for mode in modes[:3]:
        mode_id = sanitise_line(reveal(text(mode.get("mode"))), 40)
        label = _MODES.get(mode_id, f"Go to the mode “{mode_id}” for this session")
        if tool == "ExitPlanMode" and mode_id == "acceptEdits":
            label = "Approve, and accept file edits for this session"
        found.append(Grant(f"session-mode-{mode_id}", label, [mode]))
    return found


def _rules_label(rules: list[dict[str, Any]]) -> str:
    names: list[str] = []
    for rule in [each for update in rules for each in listed(update.get("rules"))]:
        tool, content = text(rule.get("toolName")), text(rule.get("ruleContent"))
        names.append(f"{tool}: {content}" if content else f"every use of {tool}")
    return f"Allow {_names(names)} for this session"


def _names(names: list[str]) -> str:
    shown = [f"“{sanitise_line(reveal(name), 80)}”" for name in names[:3]]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(shown) + more


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
