"""What a tool call did, in the wire's normalised kinds (wire reference section 6.3.3).

Not here: how a provider's own words become one of these (core/providers).
"""

from typing import Any, Literal

from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "EditDetail",
    "FetchDetail",
    "PlainTextDetail",
    "PlanDetail",
    "ReadDetail",
    "SearchDetail",
    "ShellDetail",
    "SubAgentAction",
    "SubAgentDetail",
    "ToolDetail",
    "UnknownDetail",
    "WebResult",
    "WorktreeCommand",
    "WorktreeSetupDetail",
    "WriteDetail",
]


class ShellDetail(Wire, tag_field="type", tag="shell"):
    command: str
    cwd: str | UnsetType = UNSET
    output: str | UnsetType = UNSET
    exit_code: int | UnsetType | None = UNSET


class ReadDetail(Wire, tag_field="type", tag="read"):
    file_path: str
    content: str | UnsetType = UNSET
    offset: float | UnsetType = UNSET
    limit: float | UnsetType = UNSET


class EditDetail(Wire, tag_field="type", tag="edit"):
    file_path: str
    old_string: str | UnsetType = UNSET
    new_string: str | UnsetType = UNSET
    unified_diff: str | UnsetType = UNSET


class WriteDetail(Wire, tag_field="type", tag="write"):
    file_path: str
    content: str | UnsetType = UNSET


class WebResult(Wire):
    title: str
    url: str


class SearchDetail(Wire, tag_field="type", tag="search"):
    query: str
    tool_name: Literal["search", "grep", "glob", "web_search"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    file_paths: list[str] | UnsetType = UNSET
    web_results: list[WebResult] | UnsetType = UNSET
    annotations: list[str] | UnsetType = UNSET
    num_files: float | UnsetType = UNSET
    num_matches: float | UnsetType = UNSET
    duration_ms: float | UnsetType = UNSET
    duration_seconds: float | UnsetType = UNSET
    truncated: bool | UnsetType = UNSET
    mode: Literal["content", "files_with_matches", "count"] | UnsetType = UNSET


class FetchDetail(Wire, tag_field="type", tag="fetch"):
    url: str
    prompt: str | UnsetType = UNSET
    result: str | UnsetType = UNSET
    code: float | UnsetType = UNSET
    code_text: str | UnsetType = UNSET
    bytes: float | UnsetType = UNSET
    duration_ms: float | UnsetType = UNSET


class WorktreeCommand(Wire):
    index: int
    command: str
    cwd: str
    status: Literal["running", "completed", "failed"]
    exit_code: int | None
    log: str | UnsetType = UNSET
    duration_ms: float | UnsetType = UNSET


class WorktreeSetupDetail(Wire, tag_field="type", tag="worktree_setup"):
    worktree_path: str
    branch_name: str
    log: str
    commands: list[WorktreeCommand]
    truncated: bool | UnsetType = UNSET


class SubAgentAction(Wire):
    index: int
    tool_name: str
    summary: str | UnsetType = UNSET


class SubAgentDetail(Wire, tag_field="type", tag="sub_agent"):
    log: str
    sub_agent_type: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    child_session_id: str | UnsetType = UNSET
    actions: list[SubAgentAction] = []
    """Always sent: clients up to 0.1.65-beta.3 require the key."""


class PlainTextDetail(Wire, tag_field="type", tag="plain_text"):
    label: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    icon: (
        Literal[
            "wrench",
            "square_terminal",
            "eye",
            "pencil",
            "search",
            "bot",
            "sparkles",
            "brain",
            "mic_vocal",
        ]
        | UnsetType
    ) = UNSET


class PlanDetail(Wire, tag_field="type", tag="plan"):
    text: str


class UnknownDetail(Wire, tag_field="type", tag="unknown"):
    """Whatever has no other kind. Both keys are always present."""

    input: Any
    output: Any


ToolDetail = (
    ShellDetail
    | ReadDetail
    | EditDetail
    | WriteDetail
    | SearchDetail
    | FetchDetail
    | WorktreeSetupDetail
    | SubAgentDetail
    | PlainTextDetail
    | PlanDetail
    | UnknownDetail
)
