"""Which agent a person means: id, unambiguous prefix, or title (wire reference 6.2.1). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sereno.core.agents.errors import AmbiguousAgent, UnknownAgent

__all__ = ["identify"]


def identify(identifier: str, titles: Mapping[str, str | None]) -> str:
    """`titles`: every agent's id and title.

    Raises:
        UnknownAgent, AmbiguousAgent: with the wire's texts.
    """
    wanted = identifier.strip()
    if not wanted:
        raise UnknownAgent(wanted)
    if wanted in titles:
        return wanted
    by_prefix = _sorted(agent for agent in titles if agent.startswith(wanted))
    if len(by_prefix) == 1:
        return by_prefix[0]
    if by_prefix:
        raise AmbiguousAgent(wanted, by_prefix)
    by_title = _sorted(agent for agent, title in titles.items() if title == wanted)
    if len(by_title) == 1:
        return by_title[0]
    if by_title:
        raise AmbiguousAgent(wanted, by_title, title=True)
    raise UnknownAgent(wanted)


def _sorted(agents: Iterable[str]) -> list[str]:
    return sorted(agents)
