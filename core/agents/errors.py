"""What can be refused or fail around an agent, in words a person understands.

Every error carries a code for programs, the cause, and the next step. Not here: errors of the
store (core/store/errors.py) and of the runner (core/runners).
"""

from __future__ import annotations

__all__ = [
    "AgentError",
    "AmbiguousAgent",
    "NotPossible",
    "RequestGone",
    "UnknownAgent",
]


class AgentError(Exception):
    """`message` says the cause, `next_step` what the person can do (may be empty)."""

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(f"{message} {next_step}".strip())
        self.code = code
        self.message = message
        self.next_step = next_step


class UnknownAgent(AgentError):
    """No agent answers to this identifier (wire reference 6.2.1 gives the text)."""

    def __init__(self, identifier: str) -> None:
        identifier = identifier.strip()
        text = f"Agent not found: {identifier}" if identifier else EMPTY_IDENTIFIER
        super().__init__("unknown_agent", text, "`sereno ls -a` shows all agents.")


EMPTY_IDENTIFIER = "Agent identifier cannot be empty"


class AmbiguousAgent(AgentError):
    """Several agents answer to this prefix or title; `ids` are all of them."""

    def __init__(self, identifier: str, ids: list[str], *, title: bool = False) -> None:
        what = "Agent title" if title else "Agent identifier"
        shown = ", ".join(agent_id[:8] for agent_id in ids[:5])
        more = ", …" if len(ids) > 5 else ""
        super().__init__(
            "ambiguous_agent",
            f'{what} "{identifier}" is ambiguous ({shown}{more})',
            "Give more characters of the id.",
        )
        self.ids = tuple(ids)


class RequestGone(AgentError):
    """The request is not open: answered, withdrawn, or never asked (T47).

    `answered_by` names who answered first; empty where nobody did.
    """

    def __init__(self, request_id: str, state: str, answered_by: str = "") -> None:
        if state == "answered":
            message = f"Request {request_id} was already answered by {answered_by}."
        elif state == "withdrawn":
            message = f"Request {request_id} is void: {answered_by or 'it was withdrawn'}."
        else:
            message = f"Request not found: {request_id}"
        super().__init__("request_gone", message, "`sereno permit ls` shows what is open.")
        self.request_id = request_id
        self.state = state
        self.answered_by = answered_by


class NotPossible(AgentError):
    """The agent is in a state in which this cannot be done; nothing was changed."""
