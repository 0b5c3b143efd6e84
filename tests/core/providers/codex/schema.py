"""The part of Codex's interface that the driver relies on, extracted from the program's own schema.

`schema.json` beside this file is that extract of the release that is pinned for tests. Run

    python -m tests.core.providers.codex.schema PROGRAM

to write it anew from an installed `codex`; `differences(PROGRAM)` tells what has changed since,
for tests and for CI. What Codex has beyond these names is tolerated by the driver.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["METHODS", "NOTIFICATIONS", "REQUESTS", "differences", "extract", "pinned", "regenerate"]

PINNED = Path(__file__).parent / "schema.json"

METHODS = (
    "account/read",
    "config/read",
    "initialize",
    "model/list",
    "review/start",
    "skills/list",
    "thread/backgroundTerminals/clean",
    "thread/compact/start",
    "thread/resume",
    "thread/settings/update",
    "thread/start",
    "turn/interrupt",
    "turn/start",
    "turn/steer",
)
NOTIFICATIONS = (
    "account/rateLimits/updated",
    "configWarning",
    "deprecationNotice",
    "error",
    "guardianWarning",
    "item/agentMessage/delta",
    "item/commandExecution/outputDelta",
    "item/completed",
    "item/fileChange/patchUpdated",
    "item/plan/delta",
    "item/reasoning/summaryTextDelta",
    "item/reasoning/textDelta",
    "item/started",
    "mcpServer/startupStatus/updated",
    "model/rerouted",
    "serverRequest/resolved",
    "skills/changed",
    "thread/closed",
    "thread/name/updated",
    "thread/settings/updated",
    "thread/started",
    "thread/tokenUsage/updated",
    "turn/completed",
    "turn/plan/updated",
    "turn/started",
    "warning",
)
REQUESTS = (
    "item/commandExecution/requestApproval",
    "item/fileChange/requestApproval",
    "item/permissions/requestApproval",
    "item/tool/requestUserInput",
    "mcpServer/elicitation/request",
)
TYPES = (
    "AskForApproval",
    "CodexErrorInfo",
    "CollaborationMode",
    "CommandExecutionApprovalDecision",
    "FileChangeApprovalDecision",
    "FileUpdateChange",
    "McpServerElicitationRequestResponse",
    "Model",
    "PermissionsRequestApprovalResponse",
    "RateLimitWindow",
    "ReviewTarget",
    "SandboxMode",
    "SandboxPolicy",
    "ThreadItem",
    "ThreadSettings",
    "ThreadStartResponse",
    "ToolRequestUserInputQuestion",
    "ToolRequestUserInputResponse",
    "Turn",
    "TurnError",
    "TurnStatus",
    "UserInput",
)
"""Values that the driver writes or looks into."""


def extract(folder: Path) -> dict[str, Any]:
    """The names above with what each requires, from the output of `generate-json-schema`."""
    whole = json.loads((folder / "codex_app_server_protocol.schemas.json").read_text())
    found = {**whole["definitions"], **whole["definitions"].get("v2", {})}
    return {
        "methods": _named(found, folder / "ClientRequest.json", METHODS),
        "notifications": _named(found, folder / "ServerNotification.json", NOTIFICATIONS),
        "requests": _named(found, folder / "ServerRequest.json", REQUESTS),
        "types": {name: _shape(found[name]) for name in TYPES if name in found},
    }


def _named(found: dict[str, Any], file: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """What the parameters of each message require; names that do not exist are left out."""
    shapes = {}
    for entry in json.loads(file.read_text())["oneOf"]:
        name = entry["properties"]["method"]["enum"][0]
        params = entry["properties"].get("params", {})
        kind = params.get("$ref", "").rpartition("/")[2]
        shapes[name] = _shape(found[kind]) if kind in found else _shape(params)
    return {name: shapes[name] for name in names if name in shapes}


def _shape(schema: Any) -> Any:
    """Required keys, values of enums and tags of variants: enough to see that something moved."""
    if not isinstance(schema, dict):
        return "any"
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return sorted({_text(_shape(variant)) for variant in schema[key]})
    if "enum" in schema:
        return sorted(map(str, schema["enum"]))
    tag = schema.get("properties", {}).get("type", {})
    named = tag["enum"][0] if "enum" in tag else None
    required = sorted(schema.get("required", []))
    return {"type": named, "required": required} if named else required


def _text(shape: Any) -> str:
    if isinstance(shape, dict):
        return f"{shape['type']}: {', '.join(shape['required'])}"
    return " | ".join(shape) if isinstance(shape, list) else str(shape)


def regenerate(program: Path) -> dict[str, Any]:
    """The extract of an installed program; about half a second.

    Raises:
        subprocess.CalledProcessError: the program has no such command.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), "app-server", "generate-json-schema", "--experimental"]
        subprocess.run([*command, "--out", folder], check=True, capture_output=True, timeout=60)
        return extract(Path(folder))


def pinned() -> dict[str, Any]:
    """The extract that the driver was written for."""
    found: dict[str, Any] = json.loads(PINNED.read_text())
    return found


def differences(program: Path) -> list[str]:
    """What the installed program has otherwise than the pinned extract; empty: nothing."""
    old, new = pinned(), regenerate(program)
    lines = []
    for kind in old:
        for name in sorted({*old[kind], *new[kind]}):
            before, after = old[kind].get(name), new[kind].get(name)
            if before != after:
                lines.append(f"{kind} {name}: {before} is now {after}")
    return lines


def write(program: Path) -> None:
    text = json.dumps(regenerate(program), indent=1, sort_keys=True, ensure_ascii=False)
    PINNED.write_text(text + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
