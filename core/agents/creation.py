"""A new agent's first record: what was asked for, checked before anything is made."""

from __future__ import annotations

import uuid

import anyio.to_thread

from sereno.core.agents.acts import checked_title
from sereno.core.agents.context import Context
from sereno.core.agents.errors import AgentError
from sereno.core.agents.record import AgentRecord, Wish
from sereno.core.protocol.agents import ProjectPlacement
from sereno.core.protocol.requests import CreateAgent
from sereno.core.protocol.values import UNSET, given
from sereno.core.workspaces.errors import WorkspaceError
from sereno.core.workspaces.paths import resolve_cwd

__all__ = ["first_record", "folder_of"]

PROVISIONAL_TITLE = 60


async def first_record(context: Context, request: CreateAgent) -> AgentRecord:
    """Raises AgentError: unknown_provider, not_supported, bad_title, or the folder's error."""
    config = request.config
    if context.catalog.get(config.provider) is None:
        raise AgentError(
            "unknown_provider",
            f"There is no provider {config.provider}, or it is disabled.",
            "`sereno provider ls` shows what there is; add one in config.toml.",
        )
    if request.git is not UNSET or request.worktree_name is not UNSET:
        raise AgentError(
            "not_supported",
            "Making worktrees and branches is not supported yet.",
            "Make the worktree with git and name its folder as the working directory.",
        )
    cwd, placement = await anyio.to_thread.run_sync(folder_of, config.cwd, context)
    given_title = given(config.title, None)
    title = checked_title(given_title) if given_title else None
    now = context.clock()
    return AgentRecord(
        id=str(uuid.uuid4()),
        provider=config.provider,
        cwd=cwd,
        created_ms=now,
        epoch=str(uuid.uuid4()),
        placement=placement,
        wish=Wish(
            given(config.mode_id, None),
            given(config.model, None),
            given(config.thinking_option_id, None),
        ),
        title=title or _provisional_title(given(request.initial_prompt, "")),
        title_given=title is not None,
        labels=dict(given(request.labels, {})),
        updated_ms=now,
    )


def folder_of(cwd: str, context: Context) -> tuple[str, ProjectPlacement]:
    """The folder as it really is, and its placement. Runs in a thread: it asks the disk."""
    try:
        resolved = str(resolve_cwd(cwd, state=context.home.root))
    except WorkspaceError as error:
        raise AgentError(error.code, error.message, error.next_step) from error
    return resolved, context.place(resolved)


def _provisional_title(prompt: str) -> str | None:
    for line in prompt.splitlines():
        if line.strip():
            return line.strip()[:PROVISIONAL_TITLE]
    return None
