"""The import contracts of .importlinter: kept by the tree, and able to notice when they are not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Loading import-linter takes longer than what it does here: each run is a fork of one that has it.
SERVED = """
import contextlib, io, json, os, sys
from importlinter.cli import lint_imports

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = lint_imports(cache_dir="cache", limit_to_contracts=tuple(json.loads(line)))
        print(json.dumps([code, said.getvalue()]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@dataclass(frozen=True)
class Tree:
    """A copy of the code, in which a test may write a forbidden import."""

    root: Path
    linter: subprocess.Popen[str]

    def lint(self, *contracts: str) -> str:
        """What import-linter says of these contracts, or of all; `kept` when it lets all pass."""
        assert self.linter.stdin is not None
        assert self.linter.stdout is not None
        self.linter.stdin.write(f"{json.dumps(contracts)}\n")
        self.linter.stdin.flush()
        code, said = json.loads(self.linter.stdout.readline())
        return str(said) if code else f"kept\n{said}"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    tree = tmp_path_factory.mktemp("tree")
    for name in ("sereno", "core", "tui", "relay_client", "relay_server"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=ignored)
    shutil.copy(ROOT / ".importlinter", tree)
    with subprocess.Popen(
        [sys.executable, "-c", SERVED],
        cwd=tree,
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", "COLUMNS": "200"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as linter:
        try:
            yield Tree(tree, linter)
        finally:
            linter.kill()


def test_c61_the_tree_keeps_every_contract(tree: Tree) -> None:
    said = tree.lint()
    assert said.startswith("kept"), said


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("core/protocol/__init__.py", "import sereno.core.home", "rooms"),
        ("core/home/paths.py", "import sereno.core.protocol", "rooms"),
        ("core/store/__init__.py", "import sereno.core.security", "rooms"),
        ("core/providers/__init__.py", "import sereno.core.workspaces", "rooms"),
        ("core/agents/__init__.py", "import sereno.core.sessions", "rooms"),
        ("core/sessions/__init__.py", "import sereno.core.listeners", "rooms"),
        ("core/stray.py", "", "rooms"),
        ("core/client/aio.py", "import sereno.core.agents", "clients"),
        ("core/config/load.py", "def f():\n    import textual", "core"),
        ("core/agents/__init__.py", "import sereno.tui", "core"),
        ("tui/app.py", "import sereno.core.agents", "tui"),
        ("tui/app.py", "import sereno.core.security.audit", "tui"),
        ("relay_client/__init__.py", "import sereno.core.home", "relay"),
        ("relay_server/room.py", "import sereno.core.protocol", "relay_server"),
        ("relay_server/room.py", "import sereno.relay_server.hub", "relay_rules"),
        ("tui/cli/reach.py", "import sereno.relay_server.place", "relay_command"),
    ],
)
def test_a_forbidden_import_is_noticed(tree: Tree, file: str, line: str, contract: str) -> None:
    path = tree.root / file
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        said = tree.lint(contract)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
    assert not said.startswith("kept")
    assert "Contracts: 0 kept, 1 broken." in said
