"""What the people of the chaos test did and were told: the measure of the daemon afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Diary", "Sent"]


@dataclass
class Sent:
    """One prompt. `outcome`: "ok", "refused: …", "unknown" (the answer never came), or "new"."""

    token: str
    agent: str
    message_id: str
    text: str
    outcome: str = "new"
    taken_back: bool = False


@dataclass
class Diary:
    """What people did and were told. Appended to by many threads; read when they rest."""

    prompts: dict[str, Sent] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    """Agents of which somebody asked the deletion, whatever came of it."""
    gone: set[str] = field(default_factory=set)
    """Agents of which the deletion was confirmed."""
    created: set[str] = field(default_factory=set)
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    """(agent, request, allow or deny) as somebody gave it."""
    ended: list[tuple[str, bool, list[int]]] = field(default_factory=list)
    acts: dict[str, int] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    """Answers that no person should ever get."""

    def count(self, name: str) -> None:
        self.acts[name] = self.acts.get(name, 0) + 1
