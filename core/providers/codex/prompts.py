"""A prompt of a person as what Codex is sent: text, images, attachments, and commands. Pure.

Codex's app-server knows no slash commands; those of its terminal program that stand for a method
(/compact, /review) are mapped here, and each skill can be called by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sereno.core.protocol.agents import Command
from sereno.core.providers.codex.values import as_dicts, as_text
from sereno.core.providers.common.prompts import prompt_blocks
from sereno.core.providers.driver import Prompt
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["BUILT_IN", "commands_of", "skills_of", "turn_of"]

BUILT_IN = (
    Command("compact", "Shorten the conversation: the model is given a summary of it"),
    Command(
        "review",
        "Review the changes of this folder, of a branch or a commit",
        "[branch NAME | commit SHA | what to look at]",
    ),
)


def skills_of(result: Any) -> list[dict[str, Any]]:
    """The skills of `skills/list` that can be called: enabled, with a name and a path."""
    entries = as_dicts(result.get("data")) if isinstance(result, dict) else []
    return [
        skill
        for entry in entries
        for skill in as_dicts(entry.get("skills"))
        if as_text(skill.get("name")) and as_text(skill.get("path")) and skill.get("enabled", True)
    ]


def commands_of(skills: Iterable[dict[str, Any]]) -> tuple[Command, ...]:
    """Everything that may follow a `/`."""
    known = {command.name for command in BUILT_IN}
    more = [
        Command(
            sanitise_line(skill["name"], 80),
            sanitise(as_text(skill.get("description"))[:1_000]),
            "[what it is to do]",
        )
        for skill in skills
        if skill["name"] not in known
    ]
    return (*BUILT_IN, *more)


def turn_of(
    prompt: Prompt, thread_id: str, skills: Mapping[str, str]
) -> tuple[str, dict[str, Any], list[str]]:
    """(method, params, what could not be sent) for a prompt."""
    name, _, rest = prompt.text.strip().partition(" ")
    rest = rest.strip()
    match name:
        case "/compact":
            return "thread/compact/start", {"threadId": thread_id}, _left_out(prompt)
        case "/review":
            target = {"threadId": thread_id, "delivery": "inline", "target": _target(rest)}
            return "review/start", target, _left_out(prompt)
    skill = skills.get(name[1:]) if name.startswith("/") else None
    parts, left_out = _input(prompt)
    if skill is not None:
        parts = [{"type": "skill", "name": name[1:], "path": skill}, *parts]
    return "turn/start", {"threadId": thread_id, "input": parts}, left_out


def _left_out(prompt: Prompt) -> list[str]:
    return ["images and attachments"] if prompt.images or prompt.attachments else []


def _target(words: str) -> dict[str, Any]:
    kind, _, name = words.partition(" ")
    match kind:
        case "":
            return {"type": "uncommittedChanges"}
        case "branch" if name.strip() and " " not in name.strip():
            return {"type": "baseBranch", "branch": name.strip()}
        case "commit" if name.strip() and " " not in name.strip():
            return {"type": "commit", "sha": name.strip()}
        case _:
            return {"type": "custom", "instructions": words}


def _input(prompt: Prompt) -> tuple[list[dict[str, Any]], list[str]]:
    blocks, left_out = prompt_blocks(prompt, takes_images=True)
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if block["type"] == "image":
            url = f"data:{block['mimeType']};base64,{block['data']}"
            parts.append({"type": "image", "url": url})
        elif block["text"]:
            parts.append({"type": "text", "text": block["text"]})
    return parts or [{"type": "text", "text": ""}], left_out
