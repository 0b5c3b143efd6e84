"""The programs that keep the contract: how each is set up for tests, and what it cannot do.

`cannot` names scenarios of the contract with the reason; such a test is not run for that program,
and docs/providers.md must print the very same words (test_document.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.harness import World
from tests.e2e.model_server import ModelServer
from tests.e2e.model_server.claude import claude_environment, claude_program
from tests.e2e.model_server.codex import codex_environment, codex_program
from tests.e2e.model_server.opencode import opencode_environment, opencode_program

__all__ = ["PROGRAMS", "Program"]


@dataclass(frozen=True)
class Program:
    """`command`: the arguments after the program. `mode`, `other_mode`: the one that it begins in,
    and another; `other_mode_shows`: by "edits" or "commands" that are not asked for, or by words
    that the model gets. `models`: two that it offers. `plan_steps`: how its models make a plan.
    `asks_in`: the mode in which its models may ask questions, if not in each. `own_variables`: what
    its preset sets. `signed_in`: what its status command says in these tests. `taken_away`: a
    tool that the configuration of these tests takes away. `delegates`: the model whose agents may
    begin sub-agents, if not each. `comes_back`: its sub-agents work beside it, and it begins a turn
    of its own when one has ended.
    """

    name: str
    find: Callable[[], Path | None]
    environment: Callable[[World, ModelServer], dict[str, str]]
    mode: str
    other_mode: str
    models: tuple[str, str]
    command: tuple[str, ...] = ()
    other_mode_shows: str = "edits"
    plan_steps: tuple[dict[str, Any], ...] = ()
    asks_in: str | None = None
    signed_in: str = "yes"
    taken_away: str = ""
    delegates: str | None = None
    comes_back: bool = False
    own_variables: tuple[str, ...] = ()
    cannot: Mapping[str, str] = field(default_factory=dict)

    def configure(self, world: World, models: ModelServer, **more: Any) -> None:
        """Writes config.toml for a World in which only this program reaches only our models."""
        world.configure(self.settings(world, models, **more))

    def settings(self, world: World, models: ModelServer, **more: Any) -> str:
        """Its table of config.toml."""
        program = self.find()
        assert program is not None, f"{self.name} is not installed"
        environment = self.environment(world, models)
        table = ", ".join(f"{name} = {json.dumps(value)}" for name, value in environment.items())
        command = json.dumps([str(program), *self.command])
        lines = [f"[providers.{self.name}]", f"command = {command}", f"env = {{ {table} }}"]
        more = {"disallowed_tools": [self.taken_away], **more}
        lines += [f"{key} = {json.dumps(value)}" for key, value in more.items()]
        return "\n".join(lines) + "\n"


def _claude(world: World, models: ModelServer) -> dict[str, str]:
    return claude_environment(world.root / "claude", models.root)


def _codex(world: World, models: ModelServer) -> dict[str, str]:
    # Codex keeps no helpers under a CODEX_HOME that is in the folder for temporary files.
    scratch = world.root / "tmp"
    scratch.mkdir(exist_ok=True)
    return {**codex_environment(world.root / "codex", models.url), "TMPDIR": str(scratch)}


def _opencode(world: World, models: ModelServer) -> dict[str, str]:
    return opencode_environment(world.root / "opencode", models.url)


PROGRAMS = (
    Program(
        "claude",
        claude_program,
        _claude,
        mode="default",
        other_mode="acceptEdits",
        models=("sonnet", "haiku"),
        taken_away="Workflow",
        comes_back=True,
        own_variables=("CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD",),
        plan_steps=(
            {
                "tool": {
                    "kind": "raw",
                    "name": "ExitPlanMode",
                    "arguments": {"plan": "First look, then write."},
                }
            },
            {"text": "Off we go."},
        ),
        cannot={"todo": "Claude Code offers its list of tasks in its own terminal program only."},
    ),
    Program(
        "codex",
        codex_program,
        _codex,
        mode="auto",
        other_mode="full-access",
        other_mode_shows="commands",
        models=("gpt-5.5", "gpt-5.6-luna"),
        command=("app-server",),
        plan_steps=(
            {"text": "<proposed_plan>\nFirst look, then write.\n</proposed_plan>"},
            {"text": "Off we go."},
        ),
        asks_in="plan",
        signed_in="no",
        taken_away="web_search",
        delegates="gpt-6.1-sol",
        cannot={
            "edited_input": "Codex runs a command as the model wrote it, or not at all.",
            "title": "Codex gives its threads no names; the first prompt's first line is the name.",
        },
    ),
    Program(
        "opencode",
        opencode_program,
        _opencode,
        mode="build",
        other_mode="plan",
        other_mode_shows="READ-ONLY",
        models=("fake/fake-1", "fake/fake-2"),
        command=("acp",),
        own_variables=("OPENCODE_PERMISSION", "OPENCODE_CONFIG_CONTENT"),
        signed_in="unknown",
        taken_away="webfetch",
        cannot={
            "deny_with_words": "OpenCode ends the turn at a no; a reason does not reach the model.",
            "edited_input": "OpenCode runs a command as the model wrote it, or not at all.",
            "question": "OpenCode asks no questions over the Agent Client Protocol.",
            "sub_agent_asks": "OpenCode tells nothing of what its sub-agents do, and what they ask "
            "never leaves it; so Sereno has it give them no tool that would ask.",
            "plan": "OpenCode's plans are its answers; it asks for no approval of them.",
            "title": "OpenCode tells no titles; the first prompt's first line is the name.",
            "rate_limit_lasts": "OpenCode tries again for ever, without a word; interrupt it.",
        },
    ),
)
