"""Which tests carry which rows: by their names, `test_c36_…`, `test_c34_t24_…`.

Read from the sources without running anything. A test is `tests/…/test_x.py::test_c36_…`, whatever
its parameters; numbers stand at the beginning of a name, and nowhere else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["ROOT", "carried", "numbered"]

ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"test((?:_[ct]\d\d)+)_[a-z0-9]")
_NUMBER = re.compile(r"(?<=_)[ct]\d\d(?=_|$)")
_WORTH_PARSING = re.compile(rb"def test\w*_[ct]\d\d(?=_|\b)")


def carried(name: str) -> tuple[str, ...]:
    """The rows that a test's name carries: `c34`, `t24`. Raises ValueError for a number elsewhere
    in it, which nobody would find."""
    all_of_it = tuple(_NUMBER.findall(name))
    found = _NAME.match(name)
    begins = tuple(_NUMBER.findall(found[1])) if found else ()
    if begins != all_of_it:
        raise ValueError(f"{name}: numbers of rows stand at the beginning, each as _c36 or _t21")
    return begins


def numbered(files: Iterable[Path] | None = None) -> dict[str, tuple[str, ...]]:
    """Each test with a number to its rows, in the order of files and lines."""
    found = {}
    for path in _sources() if files is None else files:
        text = path.read_bytes()
        if not _WORTH_PARSING.search(text):
            continue
        for name in _functions(ast.parse(text, str(path)).body):
            if name.startswith("test_") and (rows := carried(name)):
                found[f"{path.relative_to(ROOT).as_posix()}::{name}"] = rows
    return found


def _functions(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Those that pytest finds: of the module and of its classes, not what stands inside of one."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body)


def _sources() -> list[Path]:
    found = sorted((ROOT / "tests").rglob("test_*.py"))
    return [path for path in found if "node_modules" not in path.parts]
