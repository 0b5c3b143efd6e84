"""The import contracts of .importlinter: kept by the tree, and able to notice when they are not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")


def lint(tree: Path) -> str:
    """What import-linter says about a tree; its exit code is 0 when every contract is kept."""
    done = subprocess.run(
        [str(LINT), "--no-logo", "--no-cache"],
        cwd=tree,
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.stdout if done.returncode else f"kept\n{done.stdout}"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, in which a test may write a forbidden import."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("sereno", "core", "tui", "relay_client", "relay_server"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=ignored)
    shutil.copy(ROOT / ".importlinter", tree)
    return tree


def test_c61_the_tree_keeps_every_contract(tree: Path) -> None:
    said = lint(tree)
    assert said.startswith("kept"), said


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("core/protocol/__init__.py", "import sereno.core.home", "Rooms of the daemon"),
        ("core/home/paths.py", "import sereno.core.protocol", "Rooms of the daemon"),
        ("core/store/__init__.py", "import sereno.core.security", "Rooms of the daemon"),
        ("core/providers/__init__.py", "import sereno.core.workspaces", "Rooms of the daemon"),
        ("core/agents/__init__.py", "import sereno.core.sessions", "Rooms of the daemon"),
        ("core/sessions/__init__.py", "import sereno.core.listeners", "Rooms of the daemon"),
        ("core/stray.py", "", "Rooms of the daemon"),
        ("core/client/aio.py", "import sereno.core.agents", "Client libraries"),
        ("core/config/load.py", "def f():\n    import textual", "The daemon knows no screen"),
        ("core/agents/__init__.py", "import sereno.tui", "The daemon knows no screen"),
        ("tui/app.py", "import sereno.core.agents", "The UI is a client"),
        ("tui/app.py", "import sereno.core.security.audit", "The UI is a client"),
        ("relay_client/__init__.py", "import sereno.core.home", "The way through a relay"),
        ("relay_server/room.py", "import sereno.core.protocol", "The relay stands apart"),
        ("relay_server/room.py", "import sereno.relay_server.hub", "The relay's rules"),
        ("tui/cli/reach.py", "import sereno.relay_server.place", "The relay is known by one"),
    ],
)
def test_a_forbidden_import_is_noticed(tree: Path, file: str, line: str, contract: str) -> None:
    path = tree / file
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        said = lint(tree)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
    assert not said.startswith("kept")
    assert contract in said
