"""The rules of the house that no other tool checks: sizes, docstrings, names, where Textual is."""

from __future__ import annotations

import ast
import functools
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sereno import __version__

HERE = Path(__file__)
ROOT = HERE.parents[2]
CODE = ("core", "relay_client", "relay_server", "tui", "bench", "screenshots")
MOST_LINES = 400
MOST_LINES_OF_A_TEST_FILE = 500
MOST_LINES_OF_A_FUNCTION = 60


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in within(folder)]


@functools.cache
def within(folder: str) -> list[Path]:
    found = []
    for here, folders, files in os.walk(ROOT / folder):
        folders[:] = [name for name in folders if name not in ("node_modules", "__pycache__")]
        found += [Path(here, name) for name in files if name.endswith(".py")]
    return sorted(found)


@dataclass(frozen=True)
class Outline:
    """What a file says of itself. `functions`: line, name and length of each, inner ones too."""

    is_documented: bool
    has_definitions: bool
    functions: list[tuple[int, str, int]]
    imports: list[str]


@functools.cache
def outline(path: Path) -> Outline:
    tree = ast.parse(path.read_bytes(), str(path))
    functions, imports = [], []
    for node in statements(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                length = (node.end_lineno or 0) - node.lineno + 1
                functions.append((node.lineno, node.name, length))
            case ast.Import():
                imports += [alias.name for alias in node.names]
            case ast.ImportFrom(module=str(module), level=0):
                imports.append(module)
    definitions = (ast.FunctionDef, ast.ClassDef)
    return Outline(
        is_documented=bool(ast.get_docstring(tree)),
        has_definitions=any(isinstance(node, definitions) for node in tree.body),
        functions=functions,
        imports=imports,
    )


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All of them, however deep; expressions, which are most of a tree, hold none."""
    for field in ("body", "orelse", "handlers", "finalbody", "cases"):
        for child in getattr(node, field, ()):
            if isinstance(child, ast.stmt):
                yield child
            yield from statements(child)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_code_to_look_at() -> None:
    assert len(sources("core")) > 50
    assert len(sources("tests")) > 20


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__


def test_no_file_is_too_long() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in sources(*CODE, "tests", "sereno")}
    too_long = {
        named(path): count
        for path, count in lines.items()
        if count > (MOST_LINES_OF_A_TEST_FILE if "tests" in path.parts else MOST_LINES)
    }
    assert too_long == {}


def test_no_function_is_too_long() -> None:
    too_long = {
        f"{named(path)}:{line} {name}": length
        for path in sources(*CODE)
        for line, name, length in outline(path).functions
        if length > MOST_LINES_OF_A_FUNCTION
    }
    assert too_long == {}


def test_every_module_says_what_it_is_for() -> None:
    """An empty `__init__.py` says nothing because it holds nothing."""
    silent = [
        named(path)
        for path in sources(*CODE, "tests")
        if path.read_text().strip() and not outline(path).is_documented
    ]
    assert silent == []


def test_every_module_has_postponed_annotations() -> None:
    """But for the structs of the wire, which must not (tests/core/protocol/test_annotations.py)."""
    without = [
        named(path)
        for path in sources(*CODE, "tests")
        if not named(path).startswith("core/protocol/")
        and path.read_text().strip()
        and "from __future__ import annotations" not in path.read_text()
        and outline(path).has_definitions
    ]
    assert without == []


@pytest.mark.parametrize("library", ["textual", "rich"])
def test_the_screen_s_libraries_are_imported_by_the_screen_only(library: str) -> None:
    """import-linter counts packages; this names the file, also for imports inside functions."""
    elsewhere = [
        named(path)
        for path in sources("core", "relay_client", "relay_server")
        if any(name.split(".")[0] == library for name in outline(path).imports)
    ]
    assert elsewhere == []


def test_our_packages_are_imported_by_their_full_name() -> None:
    short = [
        (named(path), name)
        for path in sources(*CODE, "tests")
        for name in outline(path).imports
        if name.split(".")[0] in {"core", "tui", "relay_client", "relay_server"}
    ]
    assert short == []


def test_nothing_is_skipped_for_another_reason_than_a_missing_program() -> None:
    """`tmux`, `node` and `git` are markers; any other skip would hide a gap."""
    word = re.compile(r"pytest\.(?:mark\.)?(skip|skipif|importorskip|xfail)\b")
    found = [
        named(path)
        for path in sources("tests")
        if word.search(path.read_text()) and path.name != "conftest.py" and path != Path(__file__)
    ]
    assert found == []


def test_tests_mirror_the_tree() -> None:
    """A test file tests/core/x/test_y.py has a folder or module core/x to belong to."""
    lost = []
    for path in sources("tests/core", "tests/tui", "tests/relay_client", "tests/relay_server"):
        folder = path.parent.relative_to(ROOT / "tests")
        if path.name.startswith("test_") and not (ROOT / folder).is_dir():
            lost.append(named(path))
    assert lost == []


def test_t81_dependencies_are_pinned_and_locked() -> None:

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted += project["build-system"]["requires"]
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    locked = {line.partition(" ;")[0] for line in lines if not line.startswith("#")}
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", entry) for entry in locked), locked
    assert [entry for entry in wanted if entry not in locked] == []


def test_nothing_that_is_kept_names_the_machine_it_was_made_on() -> None:
    files = [*sources(*CODE, "tests"), *ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    files += [ROOT / "Makefile", ROOT / ".ci/run", ROOT / "requirements.lock"]
    found = [named(path) for path in files if f"{ROOT}/" in path.read_text()]
    assert found == []
