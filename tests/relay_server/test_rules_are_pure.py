"""The relay's rules know no sockets, clocks or tasks: what design principle 6 asks for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "relay_server"
RULES = ("acts", "ledger", "limits", "line", "metrics", "names", "pair", "place", "room")
IO = {
    "anyio",
    "asyncio",
    "logging",
    "os",
    "random",
    "secrets",
    "socket",
    "time",
    "websockets",
    "nats",
}


MESH = (
    "mesh",
    *(f"mesh_{part}" for part in ("directory", "neighbour", "rooms", "strand", "trunk")),
)


@pytest.mark.parametrize("name", [*RULES, "switchboard", *MESH, "mesh_words"])
def test_a_rule_imports_no_io(name: str) -> None:
    tree = ast.parse((ROOM / f"{name}.py").read_text())
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported & IO == set()


def test_a_relay_of_one_node_does_without_the_broker_s_library() -> None:
    words = "import sereno.relay_server.program, sys; sys.exit('nats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], timeout=30).returncode == 0
