"""The relay's rules know no sockets, clocks or tasks: what design principle 6 asks for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "relay_server"
RULES = ("acts", "ledger", "limits", "line", "metrics", "names", "pair", "place", "room")
IO = {"anyio", "asyncio", "logging", "os", "random", "secrets", "socket", "time", "websockets"}


@pytest.mark.parametrize("name", [*RULES, "switchboard"])
def test_a_rule_imports_no_io(name: str) -> None:
    tree = ast.parse((ROOM / f"{name}.py").read_text())
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported & IO == set()
