"""The rows of the contract: what a person can do with every program, in words.

Tests carry the key as a marker; docs/providers.md prints the rows, and what a program cannot do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

__all__ = ["SCENARIOS", "scenario"]

SCENARIOS = {
    "asked": "It says its version, whether it is signed in, and its models, before an agent runs",
    "text": "Answers stream as they are written",
    "reasoning": "Thinking is shown apart from the answer",
    "allow": "A command waits for a yes, and then runs with its output shown",
    "deny": "A no keeps a command from running",
    "deny_with_words": "The reason of a no reaches the agent, which goes on with it",
    "session": "A yes for the session is not asked again",
    "edited_input": "A command can be changed before it is allowed",
    "write": "A new file is shown before it is written",
    "edit": "A change of a file is shown as a difference before it is made",
    "two_tools": "Two tools in one answer are both asked for and both run",
    "todo": "The agent's list of tasks is shown",
    "sub_agent": "A sub-agent works by itself, and what it found is shown with its call",
    "sub_agent_asks": "What a sub-agent does is nested under its call, and asked for",
    "plan": "A plan waits for approval",
    "question": "The agent's questions can be answered",
    "image": "A picture in a prompt reaches the model",
    "usage": "Used tokens are reported",
    "title": "The agent is named after what it does",
    "mode": "The mode can be changed, and the program obeys it",
    "model": "The model can be changed, and the program asks it",
    "tools": "A tool can be taken away from the model by the configuration",
    "interrupt_stream": "An interrupt stops an answer that is being written",
    "interrupt_tool": "An interrupt ends the process of a running command",
    "interrupt_request": "An interrupt withdraws an open request",
    "rate_limit": "A rate limit is waited for, and the turn goes on",
    "rate_limit_lasts": "A rate limit that lasts is told in plain words",
    "unauthorized": "A refused key is told in plain words, with how to sign in",
    "bad_request": "A request that the model refuses fails the turn with the cause",
    "server_error": "A fault of the model's server is tried again",
    "dropped": "An answer that breaks off is tried again",
    "slow": "A slow answer arrives whole, piece by piece",
    "daemon_dies": "The daemon may die and come back in the middle of a turn",
    "program_dies": "The program may be killed; the next prompt goes on with the session",
    "runner_dies": "The process that holds the program may be killed",
    "machine_dies": "After a restart of the machine the session goes on",
    "import": "A session that was begun outside Sereno is listed, and taken over with its talk",
    "stop": "Ending an agent leaves no process",
    "park": "An idle agent is parked without a process, and goes on with its session",
    "no_skip_flag": "No program is told to skip its permissions",
    "environment": "Programs get an allowlist of variables, nothing of ours",
}

F = TypeVar("F", bound=Callable[..., object])


def scenario(name: str) -> Callable[[F], F]:
    """Marks a test as one row of the contract."""
    assert name in SCENARIOS, name

    def mark(test: F) -> F:
        marks = (pytest.mark.scenario(name), pytest.mark.node, pytest.mark.timeout(120))
        for one in marks:
            test = one(test)
        return test

    return mark
