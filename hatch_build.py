"""Puts compiled bytecode into a wheel that is built in order to be installed at once.

pip and pipx compile what they install; `uv tool install .` does not, and the first start would pay
for it. Other versions of Python ignore the files, and each is checked against the hash of its
source. A wheel for the world (`make wheel`) has SERENO_WHEEL_BYTECODE=0 and holds sources only.
"""

from __future__ import annotations

import importlib.util
import os
import py_compile
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BytecodeHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles every module of the package beside its source, in the wheel only."""

    _folder: str | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "standard" or os.environ.get("SERENO_WHEEL_BYTECODE") == "0":
            return
        self._folder = tempfile.mkdtemp(prefix="sereno-bytecode-")
        package = Path(self.root) / "sereno"
        for folder, folders, files in os.walk(package, followlinks=True):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in files:
                if name.endswith(".py"):
                    source = Path(folder) / name
                    inside = source.relative_to(package.parent)
                    cached = importlib.util.cache_from_source(str(inside))
                    target = Path(self._folder) / cached
                    py_compile.compile(
                        str(source),
                        str(target),
                        dfile=str(inside),
                        doraise=True,
                        invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH,
                    )
                    build_data["force_include"][str(target)] = cached

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder)
