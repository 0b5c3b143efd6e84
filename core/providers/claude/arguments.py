"""What follows `claude` on the command line for one run. Pure.

The same flags as the official SDK uses with the preset system prompt. The person's own settings are
taken always, those of the folder (project, local) only where the person trusts it: its hooks,
helpers, variables and MCP servers would run unasked (T42). Named as a further folder its CLAUDE.md
is read even so (presets.py sets the variable that this needs). A flag that lets the program skip
its questions is given only where the person chose that mode for this agent.
"""

from __future__ import annotations

from sereno.core.providers.driver import Setup

__all__ = ["BYPASS", "arguments"]

BYPASS = "bypassPermissions"
_STREAM = (
    "--output-format",
    "stream-json",
    "--verbose",
    "--permission-prompt-tool",
    "stdio",
    "--include-partial-messages",
)


def arguments(setup: Setup, resume: str | None) -> tuple[str, ...]:
    """`resume`: the session to go on with; without one `setup.session_id` names a new one.

    Values are bound with `=`: a value that begins with a dash must never be read as a flag.
    """
    found = list(_STREAM)
    if setup.trusted:
        found.append("--setting-sources=user,project,local")
    else:
        found += ["--setting-sources=user", f"--add-dir={setup.cwd}"]
    if setup.disallowed_tools:
        found.append(f"--disallowedTools={','.join(setup.disallowed_tools)}")
    if setup.model and setup.model != "default":
        found.append(f"--model={setup.model}")
    if setup.thinking:
        found.append(f"--effort={setup.thinking}")
    if setup.mode:
        found.append(f"--permission-mode={setup.mode}")
    if setup.mode == BYPASS:
        found.append("--allow-dangerously-skip-permissions")
    if resume:
        found.append(f"--resume={resume}")
    elif setup.session_id:
        found.append(f"--session-id={setup.session_id}")
    return (*found, "--input-format", "stream-json")
